"""Following and indexing a log, beside the bare parse of its certificates; and what memory it takes.

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
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Benchmark CA")])
    issuer = _sign(key, name, name, "ca.example", poison=False)
    words = [f"{random.randrange(16**6):06x}" for _ in range(ENTRIES // 3)]  # noqa: S311
    ders, entries = [], []
    for number in range(ENTRIES):
        host = f"{words[number % len(words)]}.shop{number % 97}.example"
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        der = _sign(key, subject, name, host, poison=True)
        entry = entry_for_certificate(Certificate.parse(der), Certificate.parse(issuer))
        beside = PrecertChainEntry(der, (issuer,)).encode()
        ders.append(der)
        entries.append(api.RawEntry(merkle_tree_leaf(entry, 1_700_000_000_000 + number, b""), beside))
    bodies = [
        json.dumps(api.entries_response(entries[at : at + BATCH])).encode() for at in range(0, ENTRIES, BATCH)
    ]
    return bodies, ders


def _sign(
    key: ec.EllipticCurvePrivateKey, subject: x509.Name, issuer: x509.Name, host: str, *, poison: bool
) -> bytes:
    names = x509.SubjectAlternativeName([x509.DNSName(host), x509.DNSName(f"www.{host}")])
    builder = (
        x509
        .CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=90))
        .add_extension(names, critical=False)
    )
    if poison:
        builder = builder.add_extension(x509.PrecertPoison(), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


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
    early = _private_memory()
    assert follower.follow(LONG) == LONG
    return early, _private_memory()


def _private_memory() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status: expected RssAnon (Linux 4.5)")


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
