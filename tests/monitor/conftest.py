"""A log of our own making for the tests: honest until a test makes it lie. It shares no code with tlog."""

import base64
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from monitor import Monitor
from monitor.values import WatchedLog
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.certificates import Certificate
from verifier.transparency.checkpoint import tree_head_to_checkpoint
from verifier.transparency.entries import (
    X509Entry,
    entry_for_certificate,
    merkle_tree_leaf,
    parse_merkle_tree_leaf,
)
from verifier.transparency.evidence import Evidence, Examination, examine
from verifier.transparency.extra_data import PrecertChainEntry, X509ChainEntry, parse_extra_data
from verifier.transparency.merkle import consistency_proof, hash_leaf, inclusion_proof, root_of
from verifier.transparency.sct import SignedCertificateTimestamp, encode_sct_list, sct_extensions
from verifier.transparency.tiles import Tile, TileLeaf, encode_data_tile
from verifier.transparency.tree_head import SignedTreeHead, sign_tree_head
from verifier.transparency.verify import sign_sct

NOW = datetime.now(UTC).replace(microsecond=0)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def der_octets(content: bytes) -> bytes:
    size = len(content)
    digits = size.to_bytes((size.bit_length() + 7) // 8)
    length = bytes([size]) if size < 128 else bytes([0x80 | len(digits)]) + digits
    return b"\x04" + length + content


class TestCa:
    """An issuing CA of the cryptography library's own making."""

    __test__ = False

    def __init__(self, name: str = "Test Issuing CA") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example Trust"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ])
        builder = self._builder(self.name, self.key.public_key(), NOW + timedelta(days=3650))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())
        self.der = self.certificate.public_bytes(Encoding.DER)
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())

    def _builder(self, subject: x509.Name, key: Any, not_after: datetime) -> x509.CertificateBuilder:
        return (
            x509
            .CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=400))
            .not_valid_after(not_after)
        )

    def builder(
        self, *names: str, not_after: datetime | None = None, organisation: str = "", crl: str = ""
    ) -> x509.CertificateBuilder:
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]
        if organisation:
            attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
        builder = self._builder(
            x509.Name(attributes), self._leaf_key.public_key(), not_after or NOW + timedelta(days=90)
        )
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False
        )
        if crl:
            point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
        return builder

    def sign(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def issue(self, *names: str, **options: Any) -> bytes:
        return self.sign(self.builder(*names, **options))

    def issue_both(self, *names: str, **options: Any) -> tuple[bytes, bytes]:
        """A precertificate and the final certificate (with an empty-looking SCT list) of one TBS."""
        builder = self.builder(*names, **options)
        final = builder.add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), b"\x04\x02\x00\x00"),
            critical=False,
        )
        return self.sign(builder.add_extension(x509.PrecertPoison(), critical=True)), self.sign(final)

    def issue_with_scts(
        self, builder: x509.CertificateBuilder, scts: list[SignedCertificateTimestamp]
    ) -> bytes:
        """The final certificate of a TBS with these SCTs in it."""
        value = der_octets(encode_sct_list(scts))
        oid = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
        return self.sign(builder.add_extension(x509.UnrecognizedExtension(oid, value), critical=False))

    def poisoned(self, builder: x509.CertificateBuilder) -> bytes:
        return self.sign(builder.add_extension(x509.PrecertPoison(), critical=True))

    def precertificate(self, *names: str, **options: Any) -> bytes:
        return self.issue_both(*names, **options)[0]

    def crl(self, *revoked: bytes, days: float = 1, key: Any = None) -> bytes:
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        builder = builder.last_update(NOW - timedelta(minutes=1)).next_update(NOW + timedelta(days=days))
        for der in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(
                x509.load_der_x509_certificate(der).serial_number
            )
            entry = entry.revocation_date(NOW - timedelta(minutes=2))
            entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(key or self.key, hashes.SHA256()).public_bytes(Encoding.DER)


class MadeLog:
    """A log in memory, served over real HTTP. ``hooks`` replaces the answer of an endpoint."""

    def __init__(self, name: str, algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA) -> None:
        self.name = name
        self.key = PrivateKey.generate(algorithm)
        self.entries: list[tuple[bytes, bytes]] = []
        self.size: int | None = None  # the tree's size, where it is not that of the entries
        self.timestamp: int | None = None
        self.hooks: dict[str, Callable[[BaseHTTPRequestHandler, dict[str, str]], None]] = {}
        self.files: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.roots: list[bytes] = []
        self.limit = 1000
        self.base = ""

    # what an honest log does

    def promise(
        self, der: bytes, ca: TestCa, timestamp: int | None = None, index: int | None = None
    ) -> SignedCertificateTimestamp:
        """An SCT for a precertificate; nothing is merged."""
        entry = entry_for_certificate(Certificate.parse(der), Certificate.parse(ca.der))
        extensions = sct_extensions(index) if index is not None else b""
        return sign_sct(entry, timestamp if timestamp is not None else self.now(), extensions, self.key)

    def add_precertificate(
        self, der: bytes, ca: TestCa, timestamp: int | None = None, extensions: bytes = b""
    ) -> int:
        entry = entry_for_certificate(Certificate.parse(der), Certificate.parse(ca.der))
        leaf = merkle_tree_leaf(entry, timestamp if timestamp is not None else self.now(), extensions)
        self.entries.append((leaf, PrecertChainEntry(der, (ca.der,)).encode()))
        return len(self.entries) - 1

    def add_certificate(self, der: bytes, ca: TestCa) -> int:
        leaf = merkle_tree_leaf(X509Entry(der), self.now(), b"")
        self.entries.append((leaf, X509ChainEntry((ca.der,)).encode()))
        return len(self.entries) - 1

    def now(self) -> int:
        return int(datetime.now(UTC).timestamp() * 1000)

    def hashes(self) -> list[bytes]:
        return [hash_leaf(leaf) for leaf, _ in self.entries][: self.size]

    def head(self) -> SignedTreeHead:
        leaves = self.hashes()
        timestamp = self.timestamp if self.timestamp is not None else self.now()
        return sign_tree_head(len(leaves), timestamp, root_of(leaves), self.key)

    def watched(self, **changes: Any) -> WatchedLog:
        public = self.key.public_key
        values: dict[str, Any] = {
            "name": self.name,
            "log_id": public.key_id,
            "key": public,
            "description": f"{self.name} log",
            "operator": "Log Operator",
            "mmd": timedelta(seconds=60),
            "state": "usable",
            "url": self.base,
        }
        return WatchedLog(**{**values, **changes})

    # HTTP

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        self.requests.append(handler.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        endpoint = parts.path.rpartition("/")[2]
        if endpoint in self.hooks:
            self.hooks[endpoint](handler, query)
        elif endpoint in self.files:
            reply(handler, self.files[endpoint])
        elif endpoint == "get-sth":
            reply_json(handler, self.sth_json(self.head()))
        elif endpoint == "get-sth-consistency":
            proof = consistency_proof(self.hashes(), int(query["first"]), int(query["second"]))
            reply_json(handler, {"consistency": [b64(node) for node in proof]})
        elif endpoint == "get-entry-and-proof":
            index, size = int(query["leaf_index"]), int(query["tree_size"])
            path = inclusion_proof(self.hashes()[:size], index)
            leaf, extra = self.entries[index]
            reply_json(
                handler,
                {"leaf_input": b64(leaf), "extra_data": b64(extra), "audit_path": [b64(n) for n in path]},
            )
        elif endpoint == "get-proof-by-hash":
            self.proof_by_hash(handler, base64.b64decode(query["hash"]), int(query["tree_size"]))
        elif endpoint == "get-roots":
            reply_json(handler, {"certificates": [b64(der) for der in self.roots]})
        elif endpoint == "get-entries":
            start, end = int(query["start"]), int(query["end"])
            served = self.entries[start : min(end + 1, start + self.limit)]
            reply_entries(handler, served)
        else:
            reply(handler, b"not found", 404)

    def proof_by_hash(self, handler: BaseHTTPRequestHandler, leaf: bytes, size: int) -> None:
        leaves = self.hashes()[:size]
        if leaf not in leaves:
            reply_json(handler, {"error": "not found"}, 404)
            return
        index = leaves.index(leaf)
        path = inclusion_proof(leaves, index)
        reply_json(handler, {"leaf_index": index, "audit_path": [b64(node) for node in path]})

    @staticmethod
    def sth_json(head: SignedTreeHead) -> dict[str, Any]:
        return {
            "tree_size": head.tree_size, "timestamp": head.timestamp,
            "sha256_root_hash": b64(head.root_hash), "tree_head_signature": b64(head.signature),
        }  # fmt: skip


class StaticLog(MadeLog):
    """The same log behind static-ct-api. ``replaced`` holds what is served instead under a path."""

    def __init__(self, name: str, algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA) -> None:
        super().__init__(name, algorithm)
        self.origin = f"logs.example.test/{name}"
        self.replaced: dict[str, bytes | None] = {}
        self.issuers: dict[str, bytes] = {}
        self.tree_hook: Callable[[], SignedTreeHead] | None = None

    def watched(self, **changes: Any) -> WatchedLog:
        return super().watched(**{
            "url": "",
            "monitoring_url": self.base,
            "submission_url": self.base,
            **changes,
        })

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = urlsplit(handler.path).path.partition(f"/log/{self.name}/")[2]
        self.requests.append(path)
        if path in self.hooks:
            self.hooks[path](handler, {})
            return
        if path == "ct/v1/get-roots":
            reply_json(handler, {"certificates": [b64(der) for der in self.roots]})
            return
        body = self.replaced[path] if path in self.replaced else self.body(path)
        reply(handler, body or b"not found", 404 if body is None else 200)

    def body(self, path: str) -> bytes | None:
        if path == "checkpoint":
            head = self.tree_hook() if self.tree_hook else self.head()
            return tree_head_to_checkpoint(head, self.origin, self.key.public_key.key_id).encode()
        if path.startswith("issuer/"):
            return self.issuers.get(path.removeprefix("issuer/"))
        if path.startswith("tile/"):
            return self.tile(Tile.parse_path(path))
        return None

    def tile(self, tile: Tile) -> bytes:
        if tile.level is None:
            first = tile.index * 256
            return encode_data_tile(
                self.tile_leaf(leaf, extra) for leaf, extra in self.entries[first : first + tile.width]
            )
        row = self.hashes()
        for _ in range(tile.level):
            row = [root_of(row[at : at + 256]) for at in range(0, len(row) // 256 * 256, 256)]
        return b"".join(row[tile.index * 256 : tile.index * 256 + tile.width])

    def tile_leaf(self, leaf: bytes, extra: bytes) -> TileLeaf:
        entry = parse_merkle_tree_leaf(leaf)
        beside = parse_extra_data(entry.entry, extra)
        self.issuers |= {sha256(der).hexdigest(): der for der in beside.chain}
        return TileLeaf(
            entry,
            beside.pre_certificate if isinstance(beside, PrecertChainEntry) else None,
            tuple(sha256(der).digest() for der in beside.chain),
        )


def promised(
    ca: TestCa,
    log: MadeLog,
    name: str,
    *,
    age: int = 3600,
    index: int | None = None,
    merge: bool = True,
    tampered: bool = False,
) -> bytes:
    """A final certificate with an SCT of ``log`` that is ``age`` seconds old; its entry is merged or not."""
    builder = ca.builder(name)
    moment = log.now() - age * 1000
    sct = log.promise(ca.poisoned(builder), ca, moment, index)
    if merge:
        log.add_precertificate(ca.poisoned(builder), ca, moment, sct.extensions)
    if tampered:
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    return ca.issue_with_scts(builder, [sct])


def reply(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def reply_json(handler: BaseHTTPRequestHandler, value: Any, status: int = 200, **headers: str) -> None:
    reply(handler, json.dumps(value).encode(), status, Content_Type="application/json", **headers)


def reply_entries(handler: BaseHTTPRequestHandler, entries: Iterable[tuple[bytes, bytes]]) -> None:
    """As get-entries does."""
    encoded = [{"leaf_input": b64(leaf), "extra_data": b64(extra)} for leaf, extra in entries]
    reply_json(handler, {"entries": encoded})


@pytest.fixture
def served() -> Iterator[Callable[[MadeLog], MadeLog]]:
    """Serves logs on free ports until the test ends."""
    servers: list[ThreadingHTTPServer] = []

    def serve(log: MadeLog) -> MadeLog:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                try:
                    log.answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        servers.append(server)
        log.base = f"http://127.0.0.1:{server.server_port}/log/{log.name}/"
        return log

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def ca() -> TestCa:
    return TestCa()


@pytest.fixture
def log(served: Callable[[MadeLog], MadeLog]) -> MadeLog:
    """An honest ECDSA log, empty."""
    return served(MadeLog("made"))


@pytest.fixture
def static_log(served: Callable[[MadeLog], MadeLog]) -> StaticLog:
    """An honest log behind static-ct-api, empty."""
    log = StaticLog("tiles")
    served(log)
    return log


@pytest.fixture
def examined(monitor: Monitor) -> Callable[[str], Examination]:
    """Takes the one alert of a code and examines its evidence file from the bytes alone."""

    def examine_alert(code: str) -> Examination:
        (alert,) = [alert for alert in monitor.alerts() if alert.code == code]
        evidence = monitor.evidence.evidence(alert.id)
        assert evidence is not None
        return examine(Evidence.parse(evidence.encode()), datetime.now(UTC))

    return examine_alert


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "monitor.db"


@pytest.fixture
def monitor(database: Path) -> Iterator[Monitor]:
    opened = Monitor.open(database, operator="Our Operator")
    yield opened
    opened.close()


@pytest.fixture
def make_log(served: Callable[[MadeLog], MadeLog]) -> Callable[..., MadeLog]:
    """Makes and serves further logs."""
    return lambda name, algorithm=KeyAlgorithm.ECDSA: served(MadeLog(name, algorithm))


@pytest.fixture(name="reply")
def reply_fixture() -> Callable[..., None]:
    """Answers a request with bytes."""
    return reply


@pytest.fixture(name="reply_json")
def reply_json_fixture() -> Callable[..., None]:
    """Answers a request with JSON."""
    return reply_json
