"""Final certificates and where their promised entries stand, read from the index."""

from dataclasses import dataclass

from monitor.observations.values import Promise
from monitor.store.connections import Connections
from monitor.store.head_rows import HEAD, head_of
from monitor.values import Head
from verifier.certificates import Certificate


@dataclass(frozen=True, slots=True)
class Seen:
    """A final certificate that some log holds, with its issuer; ``row`` orders them."""

    row: int
    der: bytes
    issuer: bytes


class Finals:
    """Reads certificates, entries and heads for the promises in them."""

    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def after(self, row: int, limit: int) -> list[Seen]:
        """Return the final certificates first seen after ``row``, in order; their issuer may be empty."""
        rows = self._db.rows(
            "SELECT n.id, n.der, a.der AS issuer FROM encodings n"
            " LEFT JOIN authorities a ON a.sha256 = substr(n.chain, 1, 32)"
            " WHERE n.id>? AND NOT n.precertificate ORDER BY n.id LIMIT ?",
            (row, limit),
        )
        return [Seen(found["id"], bytes(found["der"]), bytes(found["issuer"] or b"")) for found in rows]

    def last(self) -> int:
        """Return the row of the newest certificate; rows are counted from 1 without gaps."""
        row = self._db.row("SELECT max(id) AS last FROM encodings")
        return int(row["last"] or 0) if row else 0

    def position(self, promise: Promise, size: int) -> int | None:
        """Return the index of the promised entry among the first ``size``, the promised index first."""
        row = self._db.row(
            "SELECT idx FROM entries WHERE log=? AND leaf_hash=? AND idx<?"
            " ORDER BY idx IS ? DESC, idx LIMIT 1",
            (promise.log, promise.leaf_hash, size, promise.sct.leaf_index),
        )
        return int(row["idx"]) if row else None

    def kept(self, promise: Promise, size: int, mmd_ms: int) -> bool:
        """Tell whether the entry is where it was promised, and no head says that it came late."""
        index = self.position(promise, size)
        if index is None or promise.sct.leaf_index not in {None, index}:
            return False
        return self.head_without(promise, index, mmd_ms) is None

    def head_without(self, promise: Promise, index: int, mmd_ms: int) -> Head | None:
        """Return the last verified head that did not reach ``index``, if the promise was due before it.

        Of verified heads a larger one is never older, so that no other of them can be later.
        """
        row = self._db.row(
            f"{HEAD} WHERE h.log=? AND h.rebuilt AND h.tree_size<=?"
            " ORDER BY h.tree_size DESC, h.timestamp DESC LIMIT 1",
            (promise.log, index),
        )
        return head_of(row) if row and row["timestamp"] > promise.sct.timestamp + mmd_ms else None

    def announced(self, promise: Promise) -> bytes | None:
        """Return a precertificate of the same issuer and serial number but of other contents; or None."""
        certificate = Certificate.parse(promise.certificate)
        serial = certificate.serial.to_bytes((certificate.serial.bit_length() + 7) // 8 or 1)
        rows = self._db.rows(
            "SELECT n.der FROM certificates c JOIN encodings n ON n.certificate=c.id"
            " WHERE c.serial=? AND n.precertificate",
            (serial,),
        )
        for row in rows:
            other = Certificate.parse(bytes(row["der"]))
            if (
                other.issuer_der == certificate.issuer_der
                and other.precertificate_tbs != certificate.precertificate_tbs
            ):
                return bytes(row["der"])
        return None
