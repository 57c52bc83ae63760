"""A small world for the site: real CAs, two small logs over HTTP, a real monitor that has read them."""

import base64
import datetime as dt
import hashlib
import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cheroot import wsgi
from cheroot.server import HTTPConnection
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, sync_playwright

from issuer.authority import Authority, AuthoritySettings, LogEndpoint, SubmissionSettings
from issuer.authority.requests import DualCertificate, IssuedCertificate, IssueRequest
from issuer.revocation.reasons import RevocationReason
from issuer.store import IssuerStore
from keys import FileKeyStore
from mingjing.services.site import demo_sites
from monitor import Monitor
from monitor.values import WatchedLog
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.certificates import Certificate
from verifier.transparency import api
from verifier.transparency.entries import PrecertEntry, X509Entry, merkle_tree_leaf
from verifier.transparency.extensions import sct_extensions
from verifier.transparency.extra_data import PrecertChainEntry, X509ChainEntry
from verifier.transparency.merkle import consistency_proof, hash_leaf, root_of
from verifier.transparency.tree_head import SignedTreeHead, sign_tree_head
from verifier.transparency.verify import sign_sct
from web.public import SiteSettings, create_app
from web.public.checker import single_file

ORGANISATION, DOMAIN, OPERATOR = "Ming Test", "mingjing.test", "Ming Test Logs"
PUBLIC_URL = "http://127.0.0.1:8440"
BROWSER_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@dataclass
class SmallLog:
    """RFC 6962 over a list: enough of a log for a monitor to follow, and to be made to lie."""

    name: str
    key: PrivateKey
    entries: list[api.RawEntry] = field(default_factory=list)
    accepted: dict[bytes, None] = field(default_factory=dict)
    frozen_head: SignedTreeHead | None = None
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def hashes(self) -> list[bytes]:
        return [hash_leaf(entry.leaf_input) for entry in self.entries]

    def add(self, chain: list[bytes], *, precertificate: bool) -> dict[str, Any]:
        certificate, issuer = Certificate.parse(chain[0]), Certificate.parse(chain[1])
        self.accepted[chain[-1]] = None
        entry: PrecertEntry | X509Entry
        if precertificate:
            issuer_hash = hashlib.sha256(issuer.public_key.spki).digest()
            entry = PrecertEntry(issuer_hash, certificate.precertificate_tbs)
            extra = PrecertChainEntry(chain[0], tuple(chain[1:])).encode()
        else:
            entry, extra = X509Entry(chain[0]), X509ChainEntry(tuple(chain[1:])).encode()
        extensions = sct_extensions(len(self.entries))
        sct = sign_sct(entry, time.time_ns() // 1_000_000, extensions, self.key)
        self.entries.append(api.RawEntry(merkle_tree_leaf(entry, sct.timestamp, extensions), extra))
        return dict(api.sct_response(sct))

    def head(self) -> SignedTreeHead:
        now = time.time_ns() // 1_000_000
        return self.frozen_head or sign_tree_head(len(self.entries), now, root_of(self.hashes), self.key)

    @contextmanager
    def lying(self) -> Iterator[None]:
        """Show a second root for the size that has been shown."""
        honest = self.head()
        self.frozen_head = sign_tree_head(honest.tree_size, honest.timestamp, bytes(range(32)), self.key)
        try:
            yield
        finally:
            self.frozen_head = None

    def get(self, call: str, query: dict[str, int]) -> dict[str, Any]:
        if call == "get-sth":
            return dict(api.sth_response(self.head()))
        if call == "get-sth-consistency":
            proof = consistency_proof(self.hashes[: query["second"]], query["first"], query["second"])
            return dict(api.consistency_response(proof))
        if call == "get-roots":
            return dict(api.roots_response(self.accepted))
        if call == "get-entries":
            return dict(api.entries_response(self.entries[query["start"] : query["end"] + 1]))
        raise KeyError(call)


class LogServer(ThreadingHTTPServer):
    """Serves small logs, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self, logs: list[SmallLog], crls: Path) -> None:
        super().__init__(("127.0.0.1", 0), LogHandler)
        self.crls = crls
        self.logs = {log.name: log for log in logs}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def endpoint(self, name: str) -> LogEndpoint:
        return LogEndpoint(name, f"{self.url}/log/{name}", self.logs[name].key.public_key)

    def close(self) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()


class LogHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LogServer

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        parts = urlsplit(self.path)
        if parts.path == "/healthz":
            return self._answer(200, {"status": "ok"})
        if parts.path.startswith("/crl/"):
            return self._send(200, (self.server.crls / parts.path[5:]).read_bytes(), {})
        if parts.path.endswith("/redirect"):
            return self._answer(302, {}, Location="http://192.0.2.1/")
        _, _, name, _, _, call = (*parts.path.split("/"), "", "", "", "")[:6]
        query = {key: int(values[0]) for key, values in parse_qs(parts.query).items()}
        try:
            return self._answer(200, self.server.logs[name].get(call, query), Connection="X-Secret", **EXTRA)
        except KeyError:
            return self._answer(404, {"error": f"no such call: {parts.path}"})

    def do_POST(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        _, _, name, _, _, call = self.path.split("/")
        chain = [base64.b64decode(text) for text in body["chain"]]
        self._answer(200, self.server.logs[name].add(chain, precertificate=call == "add-pre-chain"))

    def _answer(self, status: int, body: dict[str, Any], **headers: str) -> None:
        self._send(status, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


EXTRA = {"X_Secret": "inner", "Set_Cookie": "a=b", "Access_Control_Allow_Origin": "*"}


@dataclass
class World:
    """What the tests ask about; ``now`` is the site's clock."""

    data: Path
    logs: LogServer
    pair: DualCertificate
    revoked: DualCertificate
    expired: DualCertificate
    hostile: Certificate
    hostile_issuer: Certificate
    server: IssuedCertificate

    def monitor(self) -> Monitor:
        local = {f"{PUBLIC_URL}/": f"{self.logs.url}/"}  # the monitor reads the CRLs from there
        return Monitor.open(self.data / "monitor.db", operator=OPERATOR, local=local)

    @contextmanager
    def copied(self, folder: Path) -> Iterator[Monitor]:
        """Copy what the monitor knows to ``folder``, to learn more there."""
        shutil.copy(self.data / "monitor.db", folder / "monitor.db")
        monitor = Monitor.open(folder / "monitor.db", operator=OPERATOR)
        try:
            yield monitor
        finally:
            monitor.close()

    def settings(self, **changes: Any) -> SiteSettings:
        known = {
            "data": self.data, "public_url": PUBLIC_URL, "org": ORGANISATION, "domain": DOMAIN,
            "operator": OPERATOR, "logs_url": self.logs.url, "authority_url": "https://127.0.0.1:1",
        }  # fmt: skip
        return SiteSettings(**{**known, **changes})


def watched(log: SmallLog, url: str) -> WatchedLog:
    """What a log list would say of a small log."""
    key = log.key.public_key
    return WatchedLog(
        log.name, key.key_id, key, f"The {log.name} log of {DOMAIN}", OPERATOR, dt.timedelta(seconds=60),
        "usable", f"{url}/log/{log.name}/",
    )  # fmt: skip


def make_world(folder: Path) -> World:
    """Make CAs, logs and certificates, and let a monitor read it all, in several rounds."""
    data = folder / "data"
    data.mkdir()
    algorithms = {"sm2": KeyAlgorithm.SM2, "p256": KeyAlgorithm.ECDSA}
    logs = LogServer(
        [SmallLog(name, PrivateKey.generate(kind)) for name, kind in algorithms.items()], data / "crl"
    )
    settings = AuthoritySettings(
        org=ORGANISATION, domain=DOMAIN, public_url=PUBLIC_URL, logs=tuple(map(logs.endpoint, algorithms)),
        demo=True, submission=SubmissionSettings(timeout=dt.timedelta(seconds=60)),
    )  # fmt: skip
    with IssuerStore(data / "issuer.db") as store:
        authority = Authority.create(data, FileKeyStore.create(data / "keys", "issuer"), store, settings)
        world = World(data, logs, **_certificates(authority))
        for log in logs.logs.values():
            log.add([world.hostile.der, world.hostile_issuer.der], precertificate=False)
        monitor = world.monitor()
        for log in logs.logs.values():
            monitor.watch_log(watched(log, logs.url))
        monitor.audit_now()
        for number in range(4):
            authority.issue(IssueRequest((f"host-{number}.{DOMAIN}",)))
            monitor.audit_now()
    for dual in (world.pair, world.revoked, world.expired):
        for one in (dual.sm2, dual.ecc):
            monitor.add_certificate(one.certificate.der, [above.der for above in one.chain[1:]])
    monitor.refresh_revocation(dt.datetime.now(dt.UTC))
    monitor.beat(dt.datetime.now(dt.UTC), 3600)
    monitor.close()
    return world


def _certificates(authority: Authority) -> dict[str, Any]:
    now = dt.datetime.now(dt.UTC)
    names = (f"good.{DOMAIN}", f"www.{DOMAIN}", f"xn--fiq228c.{DOMAIN}")
    pair = authority.issue(IssueRequest(names))
    revoked = authority.issue(IssueRequest((f"revoked.{DOMAIN}",)))
    past = (now - dt.timedelta(days=60), now - dt.timedelta(days=3))
    expired = authority.issue(IssueRequest((f"expired.{DOMAIN}",), not_before=past[0], not_after=past[1]))
    authority.revoke(f"{revoked.sm2.certificate.serial:x}", RevocationReason.KEY_COMPROMISE)
    server = authority.issue(IssueRequest(("localhost", "127.0.0.1")))
    hostile, issuer = make_hostile()
    return {
        "pair": pair, "revoked": revoked, "expired": expired, "server": server.ecc, "hostile": hostile,
        "hostile_issuer": issuer,
    }  # fmt: skip


HOSTILE_NAME = "<script>alert(1)</script>\u202egnp.exe\u200b\x07"
HOSTILE_DNS = "<img src=x onerror=alert(1)>.hostile.test"


def make_hostile() -> tuple[Certificate, Certificate]:
    """Make a certificate whose names are an attack on whoever shows them, of a CA that allows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Careless\u202eAC </title><script>")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOSTILE_NAME)])
    names = x509.SubjectAlternativeName([x509.DNSName(HOSTILE_DNS), x509.DNSName("plain.hostile.test")])
    return _signed(subject, issuer, key, names), _signed(
        issuer, issuer, key, x509.BasicConstraints(ca=True, path_length=None)
    )


def _signed(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, extension: Any
) -> Certificate:
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=30))
    built = builder.add_extension(extension, critical=False)
    return Certificate.parse(built.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = make_world(tmp_path_factory.mktemp("world"))
    yield made
    made.logs.close()


@pytest.fixture(scope="session")
def troubled(world: World, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """A site that has found everything that can be wrong; see troubled.py."""
    from .troubled import make_troubled

    return make_troubled(world, tmp_path_factory.mktemp("troubled") / "data")


@pytest.fixture(scope="session")
def whole(world: World) -> Flask:
    """The site with every page that it may have, the demonstration too."""
    return create_app(world.settings(demo_sites=demo_sites()))


@pytest.fixture
def app(world: World) -> Flask:
    return create_app(world.settings())


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


class Connection(HTTPConnection):
    """Forgets what a browser that went away did not take: its writer would send it when collected."""

    def close(self) -> None:
        self.wfile._write_buf.clear()
        super().close()


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application over HTTP; gives its address."""
    server = wsgi.Server(("127.0.0.1", 0), app, numthreads=4)
    server.ConnectionClass = Connection
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield f"http://127.0.0.1:{server.bind_addr[1]}"
    server.stop()
    thread.join()


@pytest.fixture(scope="module")
def base(world: World) -> Iterator[str]:
    with served(create_app(world.settings())) as address:
        yield address


@pytest.fixture(scope="module")
def whole_base(whole: Flask) -> Iterator[str]:
    with served(whole) as address:
        yield address


@pytest.fixture(scope="module")
def troubled_base(troubled: Flask) -> Iterator[str]:
    with served(troubled) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=BROWSER_ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def saved(browser: Browser, tmp_path_factory) -> Iterator[Page]:
    """The checker as a file, in a browser that reaches nothing."""
    path = tmp_path_factory.mktemp("checker") / "mingjing-verify.html"
    path.write_bytes(single_file())
    context = browser.new_context(offline=True)
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(path.as_uri())
    yield page
    assert complaints == []
    context.close()
