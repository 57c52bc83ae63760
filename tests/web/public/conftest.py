"""A small world for the site: real CAs, two small logs over HTTP, a real monitor that has read them."""

import base64
import datetime as dt
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from issuer.authority import Authority, AuthoritySettings, LogEndpoint, SubmissionSettings
from issuer.authority.requests import DualCertificate, IssueRequest
from issuer.store import IssuerStore
from keys import FileKeyStore
from monitor import Monitor
from monitor.values import WatchedLog
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.certificates import Certificate
from verifier.transparency import api
from verifier.transparency.entries import PrecertEntry, X509Entry, merkle_tree_leaf
from verifier.transparency.extensions import sct_extensions
from verifier.transparency.extra_data import PrecertChainEntry, X509ChainEntry
from verifier.transparency.merkle import consistency_proof, hash_leaf, inclusion_proof, root_of
from verifier.transparency.tree_head import SignedTreeHead, sign_tree_head
from verifier.transparency.verify import sign_sct
from web.public import SiteSettings, create_app

ORGANISATION, DOMAIN, OPERATOR = "Ming Test", "mingjing.test", "Ming Test Logs"


@dataclass
class SmallLog:
    """RFC 6962 over a list: enough of a log for a monitor to follow, and to be made to lie."""

    name: str
    key: PrivateKey
    entries: list[api.RawEntry] = field(default_factory=list)
    frozen_head: SignedTreeHead | None = None
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def hashes(self) -> list[bytes]:
        return [hash_leaf(entry.leaf_input) for entry in self.entries]

    def add(self, chain: list[bytes], *, precertificate: bool) -> dict[str, Any]:
        certificate, issuer = Certificate.parse(chain[0]), Certificate.parse(chain[1])
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

    def get(self, call: str, query: dict[str, int]) -> dict[str, Any]:
        if call == "get-sth":
            return dict(api.sth_response(self.head()))
        if call == "get-sth-consistency":
            proof = consistency_proof(self.hashes[: query["second"]], query["first"], query["second"])
            return dict(api.consistency_response(proof))
        if call == "get-entries":
            return dict(api.entries_response(self.entries[query["start"] : query["end"] + 1]))
        raise KeyError(call)


class LogServer(ThreadingHTTPServer):
    """Serves small logs, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self, logs: list[SmallLog]) -> None:
        super().__init__(("127.0.0.1", 0), LogHandler)
        self.logs = {log.name: log for log in logs}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

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
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
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
    authority: Authority
    pair: DualCertificate
    revoked: DualCertificate
    expired: DualCertificate

    def monitor(self) -> Monitor:
        return Monitor.open(self.data / "monitor.db", operator=OPERATOR)

    def settings(self, **changes: Any) -> SiteSettings:
        known = {
            "data": self.data, "public_url": "http://127.0.0.1:8440", "org": ORGANISATION, "domain": DOMAIN,
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
    """Make CAs, logs and certificates, and let a monitor read it all."""
    data = folder / "data"
    data.mkdir()
    logs = LogServer([
        SmallLog("sm2", PrivateKey.generate(KeyAlgorithm.SM2)),
        SmallLog("p256", PrivateKey.generate(KeyAlgorithm.ECDSA)),
    ])
    endpoints = tuple(
        LogEndpoint(log.name, f"{logs.url}/log/{log.name}", log.key.public_key) for log in logs.logs.values()
    )
    settings = AuthoritySettings(
        org=ORGANISATION, domain=DOMAIN, public_url="http://127.0.0.1:8440", logs=endpoints, demo=True,
        submission=SubmissionSettings(timeout=dt.timedelta(seconds=10)),
    )  # fmt: skip
    keys = FileKeyStore.create(data / "keys", "issuer")
    store = IssuerStore(data / "issuer.db")
    authority = Authority.create(data, keys, store, settings)
    now = dt.datetime.now(dt.UTC)
    pair = authority.issue(
        IssueRequest(("good.mingjing.test", "www.mingjing.test", "xn--fiq228c.mingjing.test"))
    )
    revoked = authority.issue(IssueRequest(("revoked.mingjing.test",)))
    expired = authority.issue(
        IssueRequest(
            ("expired.mingjing.test",),
            not_before=now - dt.timedelta(days=60),
            not_after=now - dt.timedelta(days=3),
        )
    )
    for number in range(5):
        authority.issue(IssueRequest((f"host-{number}.mingjing.test",)))
    authority.revoke(f"{revoked.sm2.certificate.serial:x}")
    world = World(data, logs, authority, pair, revoked, expired)
    monitor = world.monitor()
    for log in logs.logs.values():
        monitor.watch_log(watched(log, logs.url))
    monitor.audit_now()
    for dual in (pair, revoked, expired):
        for one in (dual.sm2, dual.ecc):
            monitor.add_certificate(one.certificate.der, [above.der for above in one.chain[1:]])
    monitor.beat(dt.datetime.now(dt.UTC), 3600)
    monitor.close()
    store.close()
    return world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = make_world(tmp_path_factory.mktemp("world"))
    yield made
    made.logs.close()


@pytest.fixture
def app(world: World) -> Flask:
    return create_app(world.settings())


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
