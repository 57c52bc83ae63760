"""Following and indexing a log, beside the bare parse of its certificates; and what memory it takes.

The certificates have the extensions of those that public CAs issue, and each has a key of its own.
``MINGJING_BENCH_ENTRIES=1000000`` makes the log of the memory's figure a million entries long.
"""

import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from benchmarks import memory
from benchmarks.figure import Figure
from monitor.follower.follow import Follower
from monitor.store import Connections, Logs
from monitor.values import WatchedLog
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.certificates import Certificate
from verifier.transparency import api
from verifier.transparency.entries import entry_for_certificate, merkle_tree_leaf
from verifier.transparency.extra_data import PrecertChainEntry
from verifier.transparency.tree_head import SignedTreeHead

ENTRIES: Final = 6000
LONG: Final = int(os.environ.get("MINGJING_BENCH_ENTRIES", "20_000"))
FULL: Final = 1_000_000
SERIAL: Final = bytes.fromhex("0214")  # INTEGER of 20 bytes
BATCH: Final = 1000
AT: Final = "http://ca.benchmark.example"
DOMAIN_VALIDATED: Final = x509.ObjectIdentifier("2.23.140.1.2.1")
CRLS: Final = 128  # that a CA splits its list into, as the largest do
NOW: Final = datetime.now(UTC).replace(microsecond=0)


def measure() -> Iterator[Figure]:
    """Measure the follower on a few thousand generated certificates."""
    bodies, ders = _log()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "monitor.db"
        rate = _follow(path, bodies)
        name, unit = "follow, check and index a log", "entries/s"
        yield Figure(name, rate, unit, "our strict parse", _rate(Certificate.parse, ders))
        yield Figure(name, rate, unit, "the library's parse, fields read", _rate(_bare_parse, ders))
        early, late = _memory(Path(directory) / "long.db", bodies[0])
        name = f"memory after {LONG:,} entries"
        asked = 0.9 if LONG >= FULL else None  # the database's cache is still filling before
        yield Figure(name, late, "MiB", "after a quarter of them", early, asked, higher_is_better=False)


class _Canned:
    """A log's answers, made beforehand, so that only the monitor's side is measured."""

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self._bodies = bodies

    def tree_head(self) -> SignedTreeHead:
        raise NotImplementedError

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        raise NotImplementedError

    def entries(self, start: int, end: int) -> Sequence[api.RawEntry]:
        return api.parse_entries_response(self._bodies[start // BATCH])[: end - start]


class _Endless(_Canned):
    """The first answer again and again, each time with serial numbers that were not seen before."""

    def entries(self, start: int, end: int) -> Sequence[api.RawEntry]:
        return [
            _renumbered(raw, start + at) for at, raw in enumerate(super().entries(0, min(end - start, BATCH)))
        ]


def _renumbered(raw: api.RawEntry, number: int) -> api.RawEntry:
    at = raw.extra_data.index(SERIAL) + len(SERIAL)
    old = raw.extra_data[at : at + 20]
    new = old[:12] + number.to_bytes(8)
    return api.RawEntry(raw.leaf_input.replace(old, new), raw.extra_data.replace(old, new))


def _log() -> tuple[list[bytes], list[bytes]]:
    ca = _Ca()
    words = [f"{random.randrange(16**6):06x}" for _ in range(ENTRIES // 3)]  # noqa: S311
    ders, entries = [], []
    for number in range(ENTRIES):
        der = ca.precertificate(f"{words[number % len(words)]}.shop{number % 97}.example", number)
        entry = entry_for_certificate(Certificate.parse(der), Certificate.parse(ca.der))
        beside = PrecertChainEntry(der, (ca.der,)).encode()
        ders.append(der)
        entries.append(api.RawEntry(merkle_tree_leaf(entry, 1_700_000_000_000 + number, b""), beside))
    bodies = [
        json.dumps(api.entries_response(entries[at : at + BATCH])).encode() for at in range(0, ENTRIES, BATCH)
    ]
    return bodies, ders


class _Ca:
    """An issuing CA that has everything of a public one but its name."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Benchmark Trust, Ltd."),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, "Benchmark CA"),
        ])
        builder = self._builder(self._name, self._key.public_key())
        basic = x509.BasicConstraints(ca=True, path_length=0)
        self.der = self._signed(builder.add_extension(basic, critical=True))

    def precertificate(self, host: str, number: int) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        builder = self._builder(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)]), key)
        for extension, critical in self._extensions(host, key, number):
            builder = builder.add_extension(extension, critical=critical)
        return self._signed(builder)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        serial = 1 << 158 | x509.random_serial_number() >> 2  # twenty octets
        return x509.CertificateBuilder(self._name, subject, key, serial, NOW, NOW + timedelta(days=90))

    def _signed(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.DER)

    def _extensions(
        self, host: str, key: ec.EllipticCurvePublicKey, number: int
    ) -> Iterator[tuple[x509.ExtensionType, bool]]:
        issuer, crl = (x509.UniformResourceIdentifier(f"{AT}/{name}") for name in ("ca", number % CRLS))
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, issuer)
        yield x509.KeyUsage(True, *[False] * 8), True
        yield x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False
        yield x509.BasicConstraints(ca=False, path_length=None), True
        yield x509.SubjectKeyIdentifier.from_public_key(key), False
        yield x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False
        yield x509.AuthorityInformationAccess([access]), False
        yield x509.SubjectAlternativeName([x509.DNSName(host), x509.DNSName(f"www.{host}")]), False
        yield x509.CertificatePolicies([x509.PolicyInformation(DOMAIN_VALIDATED, None)]), False
        yield x509.CRLDistributionPoints([x509.DistributionPoint([crl], None, None, None)]), False
        yield x509.PrecertPoison(), True


def _follow(path: Path, bodies: Sequence[bytes]) -> float:
    row, logs = _watched(path)
    began = time.perf_counter()
    Follower(row, _Canned(bodies), logs).follow(ENTRIES)
    return ENTRIES / (time.perf_counter() - began)


def _watched(path: Path) -> tuple[int, Logs]:
    logs = Logs(Connections(path))
    key = PrivateKey.generate(KeyAlgorithm.ECDSA).public_key
    logs.watch(WatchedLog("bench", key.key_id, key, "", "", timedelta(seconds=60)))
    return logs.get("bench").id, logs


def _memory(path: Path, body: bytes) -> tuple[float, float]:
    """What the process keeps to itself, in MiB, after a quarter of a long log and at its end."""
    row, logs = _watched(path)
    follower = Follower(row, _Endless([body]), logs)
    assert follower.follow(LONG // 4) == LONG // 4
    early = memory.private()
    assert follower.follow(LONG) == LONG
    return early, memory.private()


def _rate(parse: Callable[[bytes], object], ders: Sequence[bytes]) -> float:
    began = time.perf_counter()
    for der in ders:
        parse(der)
    return len(ders) / (time.perf_counter() - began)


def _bare_parse(der: bytes) -> object:
    """Parse with the library alone and read what the index keeps of a certificate."""
    parsed = x509.load_der_x509_certificate(der)
    subject, issuer = parsed.subject.rfc4514_string(), parsed.issuer.rfc4514_string()
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    dates = parsed.not_valid_before_utc, parsed.not_valid_after_utc
    return subject, issuer, list(names), dates, parsed.serial_number, parsed.tbs_certificate_bytes
