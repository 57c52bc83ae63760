"""The questions about logged entries, answered from the index: one statement each, over a span of entries."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.store.connections import Connections
from monitor.store.head_rows import HEAD, head_of
from monitor.values import Head, to_ms
from verifier.certificates import Certificate
from verifier.errors import VerifierError
from verifier.transparency.log_list import TemporalInterval

FINGERPRINT = 32
_SPAN = "e.log=? AND e.idx>=? AND e.idx<?"


@dataclass(frozen=True, slots=True)
class Odd:
    """An entry that is not as it should be, and the row of its certificate's encoding."""

    index: int
    encoding: int


class LoggedRows:
    """Reads entries with what the index knows of their certificates. ``log`` is a log's row."""

    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def dated_after(self, log: int, start: int, end: int, moment: int) -> Odd | None:
        """Return the first entry dated after ``moment`` (milliseconds)."""
        sql = f"SELECT e.idx, e.encoding FROM entries e WHERE {_SPAN} AND e.timestamp>? LIMIT 1"  # noqa: S608
        return _odd(self._db.row(sql, (log, start, end, moment)))

    def merged_late(self, log: int, start: int, end: int, mmd: int) -> tuple[Odd, Head] | None:
        """Return the first entry that fell due (``mmd`` in milliseconds) before a head that lacks it."""
        heads = self._heads(log, start, end)
        ends = [head.tree_size for head in heads[1:]] + [end]
        for head, until in zip(heads, ends, strict=False):  # without a head there is nothing to be late for
            odd = self._dated_before(log, max(start, head.tree_size), until, head.timestamp_ms - mmd)
            if odd is not None:
                return odd, head
        return None

    def _heads(self, log: int, start: int, end: int) -> list[Head]:
        """The last head of each size from the largest one below ``start`` on, by size."""
        below = "SELECT max(tree_size) FROM heads WHERE log=? AND rebuilt AND tree_size<=?"
        row = self._db.row(below, (log, start))
        rows = self._db.rows(
            f"{HEAD} WHERE h.log=? AND h.rebuilt AND h.tree_size<? AND h.tree_size>=?"
            " ORDER BY h.tree_size, h.timestamp",
            (log, end, (row[0] if row else None) or 0),
        )
        return list({head.tree_size: head for head in map(head_of, rows)}.values())

    def _dated_before(self, log: int, start: int, end: int, moment: int) -> Odd | None:
        """A second copy of an entry is not late: the first one kept the promise."""
        sql = (
            f"SELECT e.idx, e.encoding FROM entries e WHERE {_SPAN} AND e.timestamp<? AND NOT EXISTS"  # noqa: S608
            " (SELECT 1 FROM entries o WHERE o.log=e.log AND o.leaf_hash=e.leaf_hash AND o.idx<e.idx) LIMIT 1"
        )
        return _odd(self._db.row(sql, (log, start, end, moment)))

    def expiring_outside(self, log: int, start: int, end: int, interval: TemporalInterval) -> Odd | None:
        """Return the first entry whose certificate expires outside the interval."""
        sql = (
            "SELECT e.idx, e.encoding FROM entries e JOIN encodings n ON n.id=e.encoding"  # noqa: S608
            f" JOIN certificates c ON c.id=n.certificate WHERE {_SPAN}"
            " AND NOT (c.not_after>=? AND c.not_after<?) ORDER BY e.idx LIMIT 1"
        )
        bounds = to_ms(interval.start_inclusive), to_ms(interval.end_exclusive)
        return _odd(self._db.row(sql, (log, start, end, *bounds)))

    def other_precertificate(self, log: int, start: int, end: int) -> Odd | None:
        """Return the first entry that the digest kept as malformed because its precertificate is another."""
        row = self._db.row(
            "SELECT idx, 0 AS encoding FROM malformed WHERE log=? AND idx>=? AND idx<?"
            " AND reason LIKE '%TBS differs%' ORDER BY idx LIMIT 1",
            (log, start, end),
        )
        return _odd(row)

    def repeated(self, log: int, start: int, end: int) -> tuple[int, int, bytes] | None:
        """Return the indexes of an earlier entry and of its repetition, and their leaf hash."""
        row = self._db.row(
            f"SELECT o.idx AS first, e.idx AS second, e.leaf_hash FROM entries e CROSS JOIN entries o"  # noqa: S608
            f" ON o.log=e.log AND o.leaf_hash=e.leaf_hash AND o.idx<e.idx WHERE {_SPAN} LIMIT 1",
            (log, start, end),
        )
        return (row["first"], row["second"], bytes(row["leaf_hash"])) if row else None

    def first_seen(self, log: int) -> int:
        """Return when the log's first head was seen, in milliseconds."""
        row = self._db.row("SELECT min(seen_at) AS at FROM heads WHERE log=?", (log,))
        return int(row["at"]) if row and row["at"] is not None else 0

    def chain_ends(self, log: int, start: int, end: int, since: int) -> dict[bytes, Odd]:
        """Return the last certificates of the chains of entries dated ``since``, each with one such entry."""
        rows = self._db.rows(
            "SELECT substr(n.chain, -32) AS last, min(e.idx) AS idx, e.encoding FROM entries e"  # noqa: S608
            f" JOIN encodings n ON n.id=e.encoding WHERE {_SPAN} AND e.timestamp>=? GROUP BY 1",
            (log, start, end, since),
        )
        return {bytes(row["last"] or b""): Odd(row["idx"], row["encoding"]) for row in rows}

    def chain(self, encoding: int) -> list[bytes]:
        """Return the DER of the certificates above an encoding's."""
        row = self._db.row("SELECT chain FROM encodings WHERE id=?", (encoding,))
        joined = bytes(row["chain"]) if row else b""
        found = []
        for at in range(0, len(joined), FINGERPRINT):
            der = self._db.row("SELECT der FROM authorities WHERE sha256=?", (joined[at : at + FINGERPRINT],))
            found += [bytes(der["der"])] if der else []
        return found

    def signed_by_any(self, encoding: int, roots: Mapping[bytes, bytes]) -> bool:
        """Tell whether one of ``roots`` signed the end of the chain: a root may be absent."""
        row = self._db.row("SELECT der FROM encodings WHERE id=?", (encoding,))
        ders = [bytes(row["der"]) if row else b"", *self.chain(encoding)]
        return any(_signed(ders[-1], root) for root in roots.values())


def _signed(der: bytes, root: bytes) -> bool:
    try:
        Certificate.parse(der).verify_signed_by(Certificate.parse(root))
    except VerifierError:
        return False
    return True


def _odd(row: sqlite3.Row | None) -> Odd | None:
    return Odd(row["idx"], row["encoding"] or 0) if row else None
