"""Tells whether this authority made a certificate: for watching, which must not raise an alarm for its own.

Reads issuer.db and never writes; asked by serial number, answered by the TBS itself, so that a certificate
that merely borrows one of our serial numbers is not taken for ours.
"""

import hashlib
import sqlite3
from pathlib import Path

from issuer.errors import StoreError
from issuer.store import serial_hex
from issuer.x509 import oids
from issuer.x509.certificate import tbs_without
from verifier.certificates import Certificate

_SQL = (
    "SELECT der, NULL FROM certificates WHERE serial=?1"
    " UNION ALL SELECT NULL, tbs FROM intents WHERE serial=?1 AND state != 'intended'"
)


class OwnCertificates:
    """Answers from the database at ``path``; one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def made(self, serial: int, tbs_hash: bytes) -> bool:
        """Tell whether a certificate, final or only logged as a precertificate, is this authority's.

        ``tbs_hash`` is the SHA-256 of the TBS without SCT list and poison.

        :raises StoreError: where the database cannot be read; ask again later.
        """
        try:
            rows = self._open().execute(_SQL, [serial_hex(serial)]).fetchall()
        except sqlite3.Error as error:
            self.close()
            raise StoreError(f"could not read {self._path}: {error}") from error
        return any(_hash(der, tbs) == tbs_hash for der, tbs in rows)

    def close(self) -> None:
        """Close the database; the next question opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            uri = f"{self._path.absolute().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        return self._connection


def _hash(der: bytes | None, tbs: bytes | None) -> bytes:
    if der is not None:
        bare = Certificate.parse(der).precertificate_tbs
    else:
        bare = tbs_without(tbs or b"", (oids.POISON, oids.SCT_LIST))
    return hashlib.sha256(bare).digest()
