"""A small public key infrastructure, test sites that record every byte, and a running proxy."""

import asyncio
import contextlib
import hashlib
import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL

from issuer.x509.certificate import CertificatePlan, name, new_serial, sign_certificate
from issuer.x509.crl import CrlPlan, RevokedEntry, sign_crl
from issuer.x509.extensions import (
    authority_info_access,
    authority_key_id,
    basic_constraints,
    crl_distribution_point,
    extended_key_usage,
    key_usage,
    subject_alt_name,
    subject_key_id,
)
from issuer.x509.ocsp import CertificateAnswer, ResponsePlan, parse_request, sign_response
from issuer.x509.signing import scheme_of
from proxy_addon.client.local_ca import create_local_ca
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.bundle import TrustBundle, encode_trust_bundle
from verifier.certificates.certificate import Certificate
from verifier.transparency.entries import PrecertEntry, TimestampedEntry
from verifier.transparency.extensions import sct_extensions
from verifier.transparency.log_list import Log, LogList
from verifier.transparency.merkle import inclusion_proof, root_of
from verifier.transparency.sct import SignedCertificateTimestamp, encode_sct_list
from verifier.transparency.tree_head import sign_tree_head
from verifier.transparency.verify import sign_sct

ROOT = Path(__file__).resolve().parents[2]
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
DAY = timedelta(days=1)
MERGE_DELAY = timedelta(seconds=2)


@pytest.fixture(name="free_port")
def free_port_fixture() -> Callable[[], int]:
    return free_port


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.03)
    raise AssertionError("what was waited for did not happen")


@pytest.fixture(scope="session", autouse=True)
def mitmproxy_is_imported() -> None:
    """Its own modules warn of what pyparsing no longer likes; our tests turn warnings into errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("proxy_addon.client.runner")


# -- certificates ------------------------------------------------------------------------------------


@dataclass
class TestLog:
    """A log that signs; its tree holds the entries that it merged."""

    __test__ = False

    name: str
    key: PrivateKey
    operator: str = "Test operator"
    leaves: list[bytes] = field(default_factory=list)
    promised: int = 0

    def promise(
        self, entry: PrecertEntry, *, merge: bool = True, at: datetime | None = None
    ) -> SignedCertificateTimestamp:
        timestamp = int((at or datetime.now(UTC)).timestamp() * 1000)
        extensions = sct_extensions(len(self.leaves))
        sct = sign_sct(entry, timestamp, extensions, self.key)
        if merge:
            self.leaves.append(TimestampedEntry(timestamp, entry, extensions).leaf_hash())
        return sct

    @property
    def log(self) -> Log:
        return Log(
            log_id=self.key.public_key.key_id,
            key=self.key.public_key,
            description=f"Test log {self.name}",
            operator=self.operator,
            mmd=MERGE_DELAY,
            submission_url=f"http://127.0.0.1:1/log/{self.name}/",
            monitoring_url=f"http://127.0.0.1:1/log/{self.name}/",
        )

    def inclusion(self, prefix: str) -> dict[str, Any]:
        """The monitor's answer by prefix, as the interface has it."""
        import base64

        def b64(data: bytes) -> str:
            return base64.b64encode(data).decode()

        size = len(self.leaves)
        head = sign_tree_head(size, int(time.time() * 1000), root_of(self.leaves), self.key)
        return {
            "log_id": b64(self.log.log_id),
            "tree_head": {
                "tree_size": size,
                "timestamp": head.timestamp,
                "sha256_root_hash": b64(head.root_hash),
                "tree_head_signature": b64(head.signature),
            },
            "leaves": [
                {
                    "leaf_hash": b64(leaf),
                    "leaf_index": index,
                    "audit_path": [b64(node) for node in inclusion_proof(self.leaves, index)],
                }
                for index, leaf in enumerate(self.leaves)
                if leaf.hex().startswith(prefix)
            ],
        }


@dataclass
class Ca:
    """A certificate authority with its key."""

    key: PrivateKey
    certificate: Certificate
    parent: "Ca | None" = None

    @classmethod
    def make(cls, label: str, algorithm: KeyAlgorithm, parent: "Ca | None" = None) -> "Ca":
        key = PrivateKey.generate(algorithm)
        signer = parent.key if parent else key
        subject = name(organisation="Test", common_name=label)
        now = datetime.now(UTC)
        plan = CertificatePlan(
            serial=new_serial(),
            subject=subject,
            issuer=parent.certificate.subject_der if parent else subject,
            not_before=now - DAY,
            not_after=now + 3650 * DAY,
            spki=key.public_key.spki,
            scheme=scheme_of(signer),
            extensions=(
                basic_constraints(ca=True),
                key_usage(["key_cert_sign", "crl_sign"]),
                subject_key_id(key.public_key.spki),
                *((authority_key_id(parent.key.public_key.spki),) if parent else ()),
            ),
        )
        return cls(key, Certificate.parse(sign_certificate(plan, signer)), parent)

    @property
    def path(self) -> tuple[Certificate, ...]:
        """Intermediates up to, but without, the root."""
        return (self.certificate, *self.parent.path) if self.parent else ()

    def issue(
        self,
        *names: str,
        logs: Sequence[TestLog] = (),
        merge: bool = True,
        damage: bool = False,
        ocsp: str | None = None,
        crl: str | None = None,
        sct_time: datetime | None = None,
        **changes: Any,
    ) -> "Leaf":
        key = PrivateKey.generate(changes.pop("algorithm", self.key.public_key.algorithm))
        now = datetime.now(UTC)
        plan = CertificatePlan(
            serial=new_serial(),
            subject=name(common_name=names[0]),
            issuer=self.certificate.subject_der,
            not_before=now - DAY,
            not_after=now + 80 * DAY,
            spki=key.public_key.spki,
            scheme=scheme_of(self.key),
            extensions=(
                basic_constraints(ca=False),
                key_usage(["digital_signature"]),
                extended_key_usage([SERVER_AUTH]),
                subject_alt_name(names, critical=False),
                subject_key_id(key.public_key.spki),
                authority_key_id(self.key.public_key.spki),
                *(
                    (authority_info_access(ocsp=ocsp, ca_issuers="http://127.0.0.1:1/ca.crt"),)
                    if ocsp
                    else ()
                ),
                *((crl_distribution_point(crl),) if crl else ()),
            ),
        )
        plan = replace(plan, **changes)
        if logs:
            entry = PrecertEntry(hashlib.sha256(self.key.public_key.spki).digest(), plan.tbs())
            scts = [log.promise(entry, merge=merge, at=sct_time) for log in logs]
            if damage:
                scts = [replace(sct, timestamp=sct.timestamp - 1) for sct in scts]
            plan = plan.final(encode_sct_list(scts))
        certificate = Certificate.parse(sign_certificate(plan, self.key))
        return Leaf(key, certificate, (certificate, *self.path))


@dataclass
class Leaf:
    """A site's certificate with its key and the chain it sends."""

    key: PrivateKey
    certificate: Certificate
    chain: tuple[Certificate, ...]


@dataclass
class Pki:
    """The organisation's two hierarchies, a stranger's, and a public-style one."""

    sm2_root: Ca
    ecc_root: Ca
    sm2: Ca
    ecc: Ca
    rogue: Ca
    public_root: Ca
    public: Ca
    log_sm2: TestLog
    log_p256: TestLog

    @property
    def logs(self) -> tuple[TestLog, TestLog]:
        return self.log_sm2, self.log_p256


@pytest.fixture(scope="session")
def pki() -> Pki:
    sm2, ecdsa = KeyAlgorithm.SM2, KeyAlgorithm.ECDSA
    sm2_root, ecc_root = Ca.make("Test SM2 root", sm2), Ca.make("Test ECC root", ecdsa)
    public_root = Ca.make("Test public root", ecdsa)
    return Pki(
        sm2_root,
        ecc_root,
        Ca.make("Test SM2 SSL CA", sm2, sm2_root),
        Ca.make("Test ECC SSL CA", ecdsa, ecc_root),
        Ca.make("Test rogue CA", sm2),
        public_root,
        Ca.make("Test public CA", ecdsa, public_root),
        TestLog("sm2", PrivateKey.generate(sm2)),
        TestLog("p256", PrivateKey.generate(ecdsa)),
    )


# -- sites -------------------------------------------------------------------------------------------


class Site:
    """A TLS site (or a plain one) that records every application byte it was sent."""

    def __init__(
        self,
        *leaves: Leaf,
        headers: Sequence[tuple[str, str]] = (),
        alpn: Sequence[bytes] = (b"http/1.1",),
        max_version: int | None = None,
        groups: bytes = b"curveSM2MLKEM768:curveSM2:X25519:P-256",
        staple: bytes | None = None,
        close: bool = False,
    ) -> None:
        self.headers, self.close_each = tuple(headers), close
        self.received = bytearray()
        self.connections = 0
        self._alpn = list(alpn)
        self._context = self._make_context(leaves, max_version, groups, staple) if leaves else None
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _make_context(
        self, leaves: Sequence[Leaf], max_version: int | None, groups: bytes, staple: bytes | None
    ) -> SSL.Context:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        native, lib = context._context, SSL._lib  # type: ignore[attr-defined]
        algorithms = b"sm2sig_sm3:ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:rsa_pkcs1_sha256"
        assert lib.SSL_CTX_set1_sigalgs_list(native, algorithms) == 1
        assert lib.SSL_CTX_set1_curves_list(native, groups) == 1
        context.set_tls13_ciphersuites(b"TLS_SM4_GCM_SM3:TLS_AES_128_GCM_SHA256")
        context.set_options(SSL.OP_CIPHER_SERVER_PREFERENCE)
        if max_version:
            context.set_max_proto_version(max_version)
        for leaf in leaves:
            with tempfile.TemporaryDirectory() as folder:
                chain, key = Path(folder) / "chain.pem", Path(folder) / "key.pem"
                chain.write_text("".join(certificate.pem for certificate in leaf.chain))
                key.write_bytes(leaf.key.to_pem())
                context.use_certificate_chain_file(str(chain))
                context.use_privatekey_file(str(key))
        protocols = self._alpn
        context.set_alpn_select_callback(
            lambda _c, offered: next((p for p in protocols if p in offered), SSL.NO_OVERLAPPING_PROTOCOLS)
        )
        if staple is not None:
            context.set_ocsp_server_callback(lambda _c, _d: staple)
        return context

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with raw, contextlib.suppress(OSError, SSL.Error):
            raw.settimeout(20)
            stream: Any = raw
            if self._context is not None:
                raw.settimeout(None)
                stream = SSL.Connection(self._context, raw)
                stream.set_accept_state()
                stream.do_handshake()
                if stream.get_alpn_proto_negotiated() == b"h2":
                    self._serve_h2(stream)
                    return
            self._serve_h1(stream)

    def _recv(self, stream: Any) -> bytes:
        data = bytes(stream.recv(65536))
        self.received += data
        return data

    def _serve_h1(self, stream: Any) -> None:
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                data = self._recv(stream)
                if not data:
                    return
                buffer += data
                if self._context is None and not buffer[:1].isalpha():
                    stream.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                    return
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            fields = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines[1:]}
            length = int(fields.get("content-length", "0"))
            while len(buffer) < length:
                buffer += self._recv(stream)
            body, buffer = buffer[:length], buffer[length:]
            if fields.get("upgrade", "").lower() == "websocket":
                self._serve_websocket(stream, fields["sec-websocket-key"])
                return
            path = lines[0].split(" ")[1]
            stream.sendall(self._answer(path, body))
            if self.close_each or path == "/close":
                return

    def _answer(self, path: str, body: bytes) -> bytes:
        content = body or f"<!doctype html><title>Good site</title><h1>Hello from {path}</h1>".encode()
        if path == "/chunked":
            head = ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Trailer: Mingjing-Verdict"]
            chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
            extra = [f"{key}: {value}" for key, value in self.headers]
            return "\r\n".join([*head, *extra, "", ""]).encode() + chunks
        head = ["HTTP/1.1 200 OK", "Content-Type: text/html", f"Content-Length: {len(content)}"]
        extra = [f"{key}: {value}" for key, value in self.headers]
        return "\r\n".join([*head, *extra, "", ""]).encode() + content

    def _serve_websocket(self, stream: Any, key: str) -> None:
        import base64

        import wsproto
        from wsproto import events

        accept = base64.b64encode(
            hashlib.sha1(
                key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False
            ).digest()
        )
        stream.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        connection = wsproto.connection.Connection(wsproto.ConnectionType.SERVER)
        while True:
            connection.receive_data(self._recv(stream) or None)
            for event in connection.events():
                if isinstance(event, events.TextMessage):
                    stream.sendall(connection.send(events.TextMessage(f"echo {event.data}")))
                elif isinstance(event, events.CloseConnection):
                    stream.sendall(connection.send(event.response()))
                    return

    def _serve_h2(self, stream: Any) -> None:
        import h2.config
        import h2.connection
        import h2.events

        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        stream.sendall(connection.data_to_send())
        while data := self._recv(stream):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    fields = [(":status", "200"), ("content-type", "text/html"), *self.headers]
                    connection.send_headers(event.stream_id, [(k.lower(), v) for k, v in fields])
                    trailers = [(k.lower(), v) for k, v in self.headers]
                    connection.send_data(event.stream_id, b"hello over h2", end_stream=not trailers)
                    if trailers:
                        connection.send_headers(event.stream_id, trailers, end_stream=True)
            stream.sendall(connection.data_to_send())


@pytest.fixture
def site() -> Iterator[Callable[..., Site]]:
    """Start sites that stop with the test."""
    started: list[Site] = []

    def start(*leaves: Leaf, **options: Any) -> Site:
        started.append(Site(*leaves, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


# -- the service that the proxy asks ---------------------------------------------------------------


class Service:
    """Answers what the proxy fetches: trust bundle, inclusion, OCSP, CRL. Records the questions."""

    def __init__(self, pki: Pki) -> None:
        self.pki = pki
        self.bundle = b""
        self.asked: list[str] = []
        self.revoked: set[int] = set()
        self.silent = False
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._reply(service.answer(self.path, b""))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self._reply(service.answer(self.path, body))

            def _reply(self, found: tuple[int, bytes]) -> None:
                self.send_response(found[0])
                self.send_header("Content-Length", str(len(found[1])))
                self.end_headers()
                self.wfile.write(found[1])

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        self.asked.append(path)
        if self.silent:
            return 503, b""
        if path == "/trust-bundle":
            return 200, self.bundle
        if path.startswith("/inclusion/"):
            log, _, query = path.removeprefix("/inclusion/").partition("?prefix=")
            found = next(one for one in self.pki.logs if one.name == log)
            return 200, json.dumps(found.inclusion(query)).encode()
        ca = self._ca(path)
        if path.startswith("/crl/"):
            return 200, self._crl(ca)
        if path.startswith("/ocsp/"):
            import base64
            from urllib.parse import unquote

            request = body or base64.b64decode(unquote(path.split("/", 3)[3]))
            return 200, self._ocsp(ca, request)
        return 404, b""

    def _ca(self, path: str) -> Ca:
        return self.pki.public if "/public" in path else self.pki.sm2 if "/sm2" in path else self.pki.ecc

    def _crl(self, ca: Ca) -> bytes:
        now = datetime.now(UTC).replace(microsecond=0)
        entries = tuple(RevokedEntry(serial, now, "key_compromise") for serial in sorted(self.revoked))
        plan = CrlPlan(ca.certificate.subject_der, 1, now - timedelta(minutes=1), now + DAY, entries)
        return sign_crl(plan, ca.key)

    def _ocsp(self, ca: Ca, request: bytes) -> bytes:
        now = datetime.now(UTC).replace(microsecond=0)
        answers = tuple(
            CertificateAnswer(asked, True, now if asked.serial in self.revoked else None, None)
            for asked in parse_request(request).certificates
        )
        return sign_response(ResponsePlan(answers, None, now - timedelta(minutes=1), now + DAY), ca.key)


@pytest.fixture
def service(pki: Pki) -> Iterator[Service]:
    one = Service(pki)
    yield one
    one.stop()


POLICY = """\
[default]
trust = "public"
scts = "browser"
log_lists = []
revocation = "soft"
cleartext = "refuse"

[roots]
files = ["public-root.pem", "rogue-root.pem"]

[[site]]
host = "*.mingjing.test"
trust = "pinned"
issuers = [{issuers}]
scts = 2
log_lists = ["own"]
revocation = "off"
"""


@dataclass
class Data:
    """A data directory as init and join leave it, as far as the proxy reads it."""

    path: Path
    pki: Pki
    service: Service
    publisher: Any

    @property
    def policy(self) -> str:
        return (self.path / "policy.toml").read_text()

    @policy.setter
    def policy(self, text: str) -> None:
        (self.path / "policy.toml").write_text(text)

    def hosts(self, **names: str) -> None:
        """Set the [hosts] table; underscores stand for hyphens."""
        lines = "".join(
            f'"{key.replace("_", "-")}.mingjing.test" = "{value}"\n' for key, value in names.items()
        )
        self.configuration(lines)

    def configuration(self, hosts: str = "", *, demo: bool = True) -> None:
        (self.path / "mingjing.toml").write_text(
            f'[service]\norg = "Test"\ndomain = "mingjing.test"\noperator = "Test operator"\n'
            f'public_url = "{self.service.url}"\ndemo = {str(demo).lower()}\n\n[hosts]\n{hosts}'
        )

    def write_bundle(self, **changes: Any) -> bytes:
        now = datetime.now(UTC).replace(microsecond=0)
        pki = self.pki
        bundle = TrustBundle(
            issued_at=now,
            expires_at=now + DAY,
            public_url=self.service.url,
            domain="mingjing.test",
            operator="Test operator",
            merge_delay=MERGE_DELAY,
            roots=(pki.sm2_root.certificate, pki.ecc_root.certificate),
            issuers=(pki.sm2.certificate, pki.ecc.certificate),
            log_lists={"own": LogList(tuple(log.log for log in pki.logs), timestamp=now, name="own")},
            distrusted_logs=frozenset(),
            policy="[default]\n",
        )
        encoded = encode_trust_bundle(replace(bundle, **changes), self.publisher)
        self.service.bundle = encoded
        return encoded


@pytest.fixture
def data(tmp_path: Path, pki: Pki, service: Service) -> Data:
    path = tmp_path / "data"
    (path / "proxy").mkdir(parents=True)
    publisher = PrivateKey.generate(KeyAlgorithm.SM2)
    made = Data(path, pki, service, publisher)
    made.configuration()
    pins = ", ".join(f'"{ca.key.public_key.pin}"' for ca in (pki.sm2, pki.ecc))
    made.policy = POLICY.format(issuers=pins)
    (path / "public-root.pem").write_text(pki.public_root.certificate.pem)
    (path / "rogue-root.pem").write_text(pki.rogue.certificate.pem)
    (path / "proxy" / "trust-bundle.json").write_bytes(made.write_bundle())
    fingerprint = hashlib.sha256(publisher.public_key.spki).hexdigest()
    (path / "proxy" / "bundle-fingerprint").write_text(fingerprint + "\n")
    create_local_ca(path)
    return made


@pytest.fixture
def dual(pki: Pki) -> tuple[Leaf, Leaf]:
    """A dual certificate for good.mingjing.test, promised by both logs."""
    host = "good.mingjing.test"
    return pki.sm2.issue(host, logs=pki.logs), pki.ecc.issue(host, logs=pki.logs)


# -- a running proxy -----------------------------------------------------------------------------


class Proxy:
    """A running proxy, with curl pointed at it."""

    def __init__(self, data: Data, port: int) -> None:
        self.data, self.port = data, port

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return ""

    def running(self) -> bool:
        raise NotImplementedError

    def stop(self) -> int:
        raise NotImplementedError

    def wait(self) -> None:
        def ready() -> bool:
            assert self.running(), self.log
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        wait_for(ready, 120)

    def curl(self, url: str, *arguments: str) -> "Curl":
        command = ["curl", "-s", "-S", "-i", "-m", "60", "-x", self.address, "--suppress-connect-headers"]
        ca = self.data.path / "proxy" / "ca.pem"
        found = subprocess.run(
            [*command, "--cacert", str(ca), *arguments, url],
            capture_output=True,
            check=False,
            env={"HOME": "/nonexistent"},
        )
        return Curl.parse(found.stdout, found.stderr.decode(), found.returncode)


class ProxyProcess(Proxy):
    """The proxy as a process of its own."""

    def __init__(self, data: Data, command: Sequence[str], port: int, log: Path) -> None:
        super().__init__(data, port)
        self._log = log
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(data.path.parent)}
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
                cwd=ROOT,
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def running(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> int:
        if not self.running():
            return self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


class ProxyThread(Proxy):
    """The same proxy inside the test's process: it starts at once, and a test can break it on purpose."""

    def __init__(self, data: Data, port: int, settings: Sequence[str]) -> None:
        super().__init__(data, port)
        self._settings = settings
        self._master: Any = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001  told by running()
            self._failure = error

    async def _serve(self) -> None:
        from mitmproxy import options

        from proxy_addon.client.runner import ProxyMaster

        chosen = options.Options(listen_host="127.0.0.1", listen_port=self.port)
        self._master = ProxyMaster(chosen, self.data.path)
        chosen.set(*self._settings)
        await self._master.run()
        # A process would end here and take its sockets with it.
        await self._master.addons.get("proxyserver").servers.update([])
        for handler in list(self._master.addons.get("proxyserver").connections.values()):
            for transport in list(handler.transports.values()):
                if transport.handler is not None:
                    transport.handler.cancel("the test is over")
        await asyncio.sleep(0.05)

    def running(self) -> bool:
        if self._failure is not None:
            raise self._failure
        return self._thread.is_alive()

    def stop(self) -> int:
        if self._thread.is_alive():
            self._master.shutdown()
            self._thread.join(60)
            assert not self._thread.is_alive()
        return 0


@dataclass
class Curl:
    """What curl printed, taken apart."""

    code: int
    error: str
    status: int
    fields: list[tuple[str, str]]
    body: str

    @classmethod
    def parse(cls, output: bytes, error: str, code: int) -> "Curl":
        head, _, body = output.decode("utf-8", "replace").partition("\r\n\r\n")
        lines = head.split("\r\n")
        fields = [(line.partition(":")[0].lower(), line.partition(":")[2].strip()) for line in lines[1:]]
        status = int(lines[0].split(" ")[1]) if " " in lines[0] else 0
        return cls(code, error, status, fields, body)

    @property
    def verdicts(self) -> list[str]:
        return [value for key, value in self.fields if key == "mingjing-verdict"]


@pytest.fixture
def start_proxy(data: Data, tmp_path: Path) -> Iterator[Callable[..., Proxy]]:
    """Start a proxy: in this process by default ("thread", with mitmproxy settings as further arguments),
    as ``mingjing run proxy`` does ("runner"), or by a tool of stock mitmproxy.
    """
    started: list[Proxy] = []

    def start(tool: str = "thread", *arguments: str, scripts: Sequence[Path] = ()) -> Proxy:
        port = free_port()
        if tool == "thread":
            proxy: Proxy = ProxyThread(data, port, arguments)
        else:
            command = _command(tool, data, port, tmp_path, scripts)
            proxy = ProxyProcess(data, [*command, *arguments], port, tmp_path / f"proxy-{len(started)}.log")
        started.append(proxy)
        proxy.wait()
        return proxy

    yield start
    for proxy in started:
        proxy.stop()


def _command(tool: str, data: Data, port: int, folder: Path, scripts: Sequence[Path]) -> list[str]:
    if tool == "runner":
        code = "import sys; from pathlib import Path; from proxy_addon.client.runner import run_proxy; "
        code += "run_proxy(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]))"
        return [sys.executable, "-c", code, str(data.path), str(port)]
    program = shutil.which(tool, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert program is not None
    loaded = [
        part for script in (ROOT / "proxy_addon" / "addon.py", *scripts) for part in ("-s", str(script))
    ]
    options = ["--listen-host", "127.0.0.1", "--listen-port", str(port), "--set", f"confdir={folder}/conf"]
    return [program, *options, *loaded, "--set", f"mingjing_data={data.path}"]
