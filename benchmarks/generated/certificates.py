"""A monitor's database with as many certificates as wanted, written by the code that indexes real ones."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import batched
from pathlib import Path
from random import Random
from typing import Final

from monitor.index.names import fold
from monitor.store import Batch, CertificateRow, Connections, EntryRow, Logs
from monitor.values import WatchedLog, to_ms
from verifier.algorithms import KeyAlgorithm, PrivateKey

BATCH: Final = 2000
DER: Final = 1100  # bytes of a certificate, about what the web's take
SPAN: Final = timedelta(days=730)  # that the log has been running
HOT: Final = ("cloud.example", "pages.example", "mail-hosting.example")  # with a tenth of all names below
TOPS: Final = ("com", "com", "com", "com", "net", "org", "de", "cn", "io", "example")
UNICODE: Final = ("例子", "bücher", "münchen", "点心", "почта")
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwz", "aeiou"


class Crowd:
    """Certificates in the order in which a log would have seen them."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self._random = Random(seed)  # noqa: S311  not for secrets
        self._count = count
        self._began = datetime.now(UTC).replace(microsecond=0) - SPAN
        self._known: list[tuple[str, ...]] = []

    def rows(self) -> Iterator[CertificateRow]:
        """Yield the certificates; most have expired, as in any log of two years."""
        for number in range(self._count):
            yield self._row(number)

    def _row(self, number: int) -> CertificateRow:
        random = self._random
        names, der = self._names(), random.randbytes(DER)
        begins = self._began + SPAN * number / self._count
        issuer = f"CN=Issuing CA {random.randrange(40)},O=Trust {random.randrange(12)},C=XX"
        organisation = f"{self._word().title()} GmbH" if random.random() < 0.1 else ""
        subject = f"CN={names[0]}" + (f",O={organisation}" if organisation else "")
        key = random.randbytes(32)
        return CertificateRow(
            sha256=sha256(der).digest(),
            precertificate=True,
            der=der,
            chain=(issuer.encode(),),
            tbs_hash=sha256(der[:500]).digest(),
            serial=random.randbytes(16).lstrip(b"\0"),
            subject=subject,
            common_name=names[0],
            organisation=organisation,
            issuer=issuer,
            not_before=to_ms(begins),
            not_after=to_ms(begins + timedelta(days=90 if random.random() < 0.8 else 365)),
            algorithm="ecdsa",
            key_bits=256,
            spki_hash=key,
            names=names,
            related=None,
            crl_url=None,
            subject_key_id=key[:20],
            authority_key_id=sha256(issuer.encode()).digest()[:20],
            issuer_sha256=sha256(issuer.encode()).digest(),
            issuer_key=sha256(issuer.encode()).digest(),
        )

    def _names(self) -> tuple[str, ...]:
        """Two of three certificates renew earlier ones."""
        random = self._random
        if self._known and random.random() < 0.66:
            return random.choice(self._known)
        names = self._new_names()
        if len(self._known) < 500_000:
            self._known.append(names)
        return names

    def _new_names(self) -> tuple[str, ...]:
        random = self._random
        if random.random() < 0.1:
            return (f"{self._word()}-{random.randrange(1 << 24):06x}.{random.choice(HOT)}",)
        word = random.choice(UNICODE) + self._word() if random.random() < 0.01 else self._word()
        domain = fold(f"{word}{random.randrange(1000)}.{random.choice(TOPS)}")
        if random.random() < 0.3:
            return domain, f"*.{domain}"
        if random.random() < 0.01:
            return domain, f"192.0.{random.randrange(256)}.{random.randrange(256)}"
        return domain, f"www.{domain}", *(f"{self._word()}.{domain}" for _ in range(random.randrange(3)))

    def _word(self) -> str:
        random = self._random
        return "".join(
            random.choice(_CONSONANTS) + random.choice(_VOWELS) for _ in range(random.randrange(2, 5))
        )


def fill(path: Path, count: int) -> None:
    """Make the database of a log with ``count`` certificates, one in a hundred of them revoked."""
    connections = Connections(path)
    logs = Logs(connections)
    key = PrivateKey.generate(KeyAlgorithm.ECDSA).public_key
    logs.watch(WatchedLog("generated", key.key_id, key, "", "", timedelta(seconds=60)))
    log, position, now = logs.get("generated").id, 0, datetime.now(UTC)
    for rows in batched(Crowd(count).rows(), BATCH):
        entries = tuple(EntryRow(row.tbs_hash, row.not_before, row.sha256) for row in rows)
        logs.append(log, Batch(position, entries, rows), now - SPAN * (1 - position / count))
        position += len(rows)
    with connections.write() as connection:
        connection.execute(
            "INSERT INTO revocations SELECT id, iif(id % 100, 'good', 'revoked'), ?, ?, '', '', ''"
            " FROM certificates WHERE id % 5 = 0",
            (to_ms(now), to_ms(now)),
        )
        connection.execute("PRAGMA optimize")
    connections.close()
