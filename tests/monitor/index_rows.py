"""An index filled row by row, without certificates that would have to be made and parsed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from monitor.store import Batch, CertificateRow, Connections, EntryRow, Logs
from monitor.values import WatchedLog, to_ms
from verifier.algorithms import KeyAlgorithm, PrivateKey


def certificate_row(
    number: int, names: tuple[str, ...], begins: datetime, ends: datetime, **fields: Any
) -> CertificateRow:
    """A certificate of these names; ``fields`` replace what is the same in all of them."""
    der = f"{number} {names}".encode()
    made = CertificateRow(
        sha256=sha256(der).digest(), precertificate=True, der=der, chain=(),
        tbs_hash=sha256(b"tbs" + der).digest(), serial=(number + 1).to_bytes(2).lstrip(b"\0"),
        subject="CN=x", common_name="x", organisation="", issuer="CN=One,O=Trust", not_before=to_ms(begins),
        not_after=to_ms(ends), algorithm="ecdsa", key_bits=256, spki_hash=sha256(der).digest(), names=names,
        related=None, crl_url=None,
    )  # fmt: skip
    return made._replace(**fields)


def fill_index(
    connections: Connections, rows: Sequence[CertificateRow], now: datetime, statuses: Sequence[str] = ()
) -> WatchedLog:
    """Have a log named "made" hold the rows, and the revocation of each be known that has a status."""
    logs, key = Logs(connections), PrivateKey.generate(KeyAlgorithm.ECDSA).public_key
    log = WatchedLog("made", key.key_id, key, "", "", timedelta(seconds=60))
    logs.watch(log)
    entries = tuple(EntryRow(row.tbs_hash, row.not_before, row.sha256) for row in rows)
    logs.append(logs.get(log.name).id, Batch(0, entries, tuple(rows)), now)
    with connections.write() as connection:
        connection.executemany(
            "INSERT INTO revocations VALUES (?, ?, 0, 0, '', '', '')",
            [(number, status) for number, status in enumerate(statuses, 1) if status],
        )
    return log
