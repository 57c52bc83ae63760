"""Fixtures: a clock that stands still, real logs over HTTP, an authority with its hierarchy."""

import base64
import contextlib
import datetime as dt
import hashlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from OpenSSL import crypto

from issuer.authority import Authority, AuthoritySettings, LogEndpoint, SubmissionSettings
from issuer.store import IssuerStore
from keys import FileKeyStore
from verifier.algorithms import KeyAlgorithm, PrivateKey, SignatureScheme
from verifier.certificates import Certificate

DISTID = ["-vfyopt", "distid:1234567812345678"]


@dataclass
class Clock:
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC).replace(microsecond=0))

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, **amount: float) -> None:
        self.now += dt.timedelta(**amount)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class TestLog:
    """A log that signs what it is sent, as RFC 6962 section 3.2 has it, written out independently.

    `misbehave` may replace the answer; `submissions` keeps every chain.
    """

    __test__ = False

    def __init__(self, name: str, key: PrivateKey, scheme: SignatureScheme) -> None:
        self.name, self.key, self.scheme = name, key, scheme
        self.submissions: list[list[bytes]] = []
        self.misbehave: Callable[[Answer], Answer] | None = None
        log = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = log.answer(self.path, body)
                self.send_response(answer.status)
                for header, value in answer.headers.items():
                    self.send_header(header, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def endpoint(self) -> LogEndpoint:
        url = f"http://127.0.0.1:{self.server.server_port}/log/{self.name}"
        return LogEndpoint(self.name, url, self.key.public_key)

    def answer(self, path: str, body: bytes) -> Answer:
        if path != f"/log/{self.name}/ct/v1/add-pre-chain":
            return Answer(404, b"no such path")
        chain = [base64.b64decode(text) for text in json.loads(body)["chain"]]
        self.submissions.append(chain)
        answer = Answer(200, json.dumps(self.sct(chain)).encode(), {"Content-Type": "application/json"})
        return self.misbehave(answer) if self.misbehave else answer

    def sct(self, chain: list[bytes]) -> dict[str, object]:
        timestamp = time.time_ns() // 1_000_000
        extensions = bytes.fromhex("0000050000000007")
        signed = signed_data(chain[0], chain[1], timestamp, extensions)
        raw = self.key.sign(signed, self.scheme)
        signature = self.scheme.value.to_bytes(2) + len(raw).to_bytes(2) + raw
        return {
            "sct_version": 0,
            "id": base64.b64encode(hashlib.sha256(self.key.public_key.spki).digest()).decode(),
            "timestamp": timestamp,
            "extensions": base64.b64encode(extensions).decode(),
            "signature": base64.b64encode(signature).decode(),
        }

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def signed_data(precertificate: bytes, issuer: bytes, timestamp: int, extensions: bytes) -> bytes:
    """RFC 6962 section 3.2, digitally-signed struct of an SCT for a precert_entry."""
    tbs = Certificate.parse(precertificate).precertificate_tbs
    key_hash = hashlib.sha256(Certificate.parse(issuer).public_key.spki).digest()
    head = b"\0\0" + timestamp.to_bytes(8) + (1).to_bytes(2)
    return head + key_hash + len(tbs).to_bytes(3) + tbs + len(extensions).to_bytes(2) + extensions


@pytest.fixture
def logs() -> Iterator[tuple[TestLog, TestLog]]:
    """The service's two logs: SM2 and P-256."""
    sm2 = TestLog("sm2", PrivateKey.generate(KeyAlgorithm.SM2), SignatureScheme.SM2SIG_SM3)
    p256 = TestLog("p256", PrivateKey.generate(KeyAlgorithm.ECDSA), SignatureScheme.ECDSA_SHA256)
    yield sm2, p256
    sm2.close()
    p256.close()


@pytest.fixture
def settings(logs: tuple[TestLog, TestLog]) -> AuthoritySettings:
    return AuthoritySettings(
        org="Ming Test",
        domain="mingjing.test",
        public_url="http://127.0.0.1:8440",
        logs=tuple(log.endpoint for log in logs),
        demo=False,
        submission=SubmissionSettings(timeout=dt.timedelta(seconds=60), attempts=2),
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    directory.mkdir()
    return directory


@pytest.fixture
def keys(data: Path) -> FileKeyStore:
    return FileKeyStore.create(data / "keys", "issuer")


@pytest.fixture
def store(data: Path) -> Iterator[IssuerStore]:
    with IssuerStore(data / "issuer.db") as opened:
        yield opened


@pytest.fixture
def authority(
    data: Path, keys: FileKeyStore, store: IssuerStore, settings: AuthoritySettings, clock: Clock
) -> Authority:
    return Authority.create(data, keys, store, settings, clock=clock)


@pytest.fixture
def openssl() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The openssl command, an implementation that shares nothing with ours but libcrypto."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = ["openssl", *(str(argument) for argument in arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture
def openssl_accepts(openssl: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[[Path, Path], str]:
    """Verify a leaf up to ca/roots.pem with the openssl command, one step at a time; "" means accepted.

    OpenSSL 3.0 gives `-vfyopt distid:` to the certificate that is asked about only, not to intermediates:
    so each certificate is asked about against the one above it. The option breaks every other algorithm.
    """

    def accepts(leaf: Path, issuing: Path) -> str:
        options = DISTID if "sm2" in issuing.name else []
        purpose = ["-purpose", "sslserver"]
        up = openssl("verify", *options, *purpose, "-partial_chain", "-trusted", issuing, leaf)
        top = openssl("verify", *options, "-CAfile", issuing.parent / "roots.pem", issuing)
        return "" if up.returncode == top.returncode == 0 else up.stderr + top.stderr

    return accepts


@pytest.fixture
def modern_openssl_accepts() -> Callable[..., str]:
    """Verify a whole path with the OpenSSL 4 in cryptography's wheel; "" means accepted."""

    def accepts(leaf: Certificate, *issuers: Certificate) -> str:
        def convert(certificate: Certificate) -> crypto.X509:
            return crypto.X509.from_cryptography(x509.load_der_x509_certificate(certificate.der))

        store = crypto.X509Store()
        store.add_cert(convert(issuers[-1]))
        context = crypto.X509StoreContext(store, convert(leaf), [convert(one) for one in issuers[:-1]])
        try:
            context.verify_certificate()
        except crypto.X509StoreContextError as error:
            return str(error)
        return ""

    return accepts
