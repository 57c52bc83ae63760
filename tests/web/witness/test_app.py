"""The witness over HTTP: the specification's statuses, forms and limits, through its real server."""

import hashlib
import json
import threading
from collections.abc import Iterator

import pytest
import urllib3

from monitor.witness import Cosigner, KnownLogs, WitnessStore
from tests.monitor.witness.notes import NoteLog, verified_time
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.transparency.log_key import LogKey
from web.logs import LogServer
from web.logs.http import Request
from web.logs.limits import Rate
from web.witness import Application

NAME = "witness.example/w<1>"


@pytest.fixture
def made() -> NoteLog:
    return NoteLog("log.example/<one>").grow(7)


@pytest.fixture
def cosigner(tmp_path, made) -> Iterator[Cosigner]:
    store = WitnessStore(tmp_path / "witness.db")
    key = PrivateKey.generate(KeyAlgorithm.ED25519)
    yield Cosigner(NAME, key, store, KnownLogs([LogKey.parse(made.vkey)]))
    store.close()


@pytest.fixture
def base(cosigner) -> Iterator[str]:
    server = LogServer(Application(cosigner), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()
    thread.join(60)


def add(base: str, body: bytes) -> urllib3.BaseHTTPResponse:
    return urllib3.request("POST", f"{base}/add-checkpoint", body=body, retries=False)


def get(base: str, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", f"{base}{path}", headers=headers, retries=False)


def test_the_statuses_of_the_specification(base, made):
    stranger, impostor = NoteLog("log.example/two").grow(3), NoteLog(made.origin).grow(7)
    asked = [
        (200, made.request(0, 3)),
        (400, b"old\n"),
        (400, made.request(4, 3)),
        (403, impostor.request(3, 4)),
        (404, stranger.request(0, 3)),
        (409, made.request(2, 4)),
        (422, b"old 3\n\n" + made.checkpoint(4).encode()),
        (413, made.request(3, 4) + b"x" * 140_000),
        (200, made.request(3, 7)),
    ]
    answers = [add(base, body) for _, body in asked]
    assert [answer.status for answer in answers] == [status for status, _ in asked]
    conflict = answers[5]
    assert (conflict.data, conflict.headers["Content-Type"]) == (b"3\n", "text/x.tlog.size")
    assert all(answer.headers["Cache-Control"] == "no-store" for answer in answers)


def test_the_answer_is_a_cosignature_and_the_checkpoint_is_served_with_it(base, cosigner, made):
    address = f"/{hashlib.sha256(made.origin.encode()).hexdigest()}/checkpoint"
    assert get(base, address).status == 404
    line = add(base, made.request(0, 7)).data
    verified_time(line, cosigner.witness.encode(), made.body(7))
    served = get(base, address)
    assert served.data == made.checkpoint(7).encode() + line
    assert served.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_other_pages_and_methods(base):
    for path in ("/nothing", "/add-checkpoint/", f"/{'A' * 64}/checkpoint", f"/{'a' * 63}/checkpoint"):
        assert get(base, path).status == 404
    assert get(base, "/add-checkpoint").status == 405
    assert urllib3.request("POST", f"{base}/", body=b"", retries=False).status == 405
    assert get(base, "/healthz").status == 200


def test_the_page_says_who_it_is_and_what_it_saw(base, cosigner, made):
    assert "not yet" in get(base, "/").data.decode()
    add(base, made.request(0, 7))
    page = get(base, "/")
    assert "log.example/&lt;one&gt;" in page.data.decode()
    assert "<1>" not in page.data.decode()
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    told = get(base, "/?output=json").json()
    assert told == get(base, "/", Accept="application/json").json()
    assert (told["name"], told["vkey"]) == (NAME, cosigner.witness.encode())
    assert [(log["origin"], log["size"]) for log in told["logs"]] == [(made.origin, 7)]
    assert get(base, f"/{told['logs'][0]['checkpoint']}").status == 200


def test_readiness_and_metrics(base, cosigner, made):
    add(base, made.request(0, 7))
    add(base, made.request(0, 7))
    assert get(base, "/readyz").json() == {"witness": cosigner.witness.encode(), "logs": 1}
    lines = get(base, "/metrics").data.decode().splitlines()
    assert 'mingjing_witness_answers_total{status="200"} 1' in lines
    assert 'mingjing_witness_answers_total{status="409"} 1' in lines
    assert f"mingjing_witness_log_entries{{origin={json.dumps(made.origin)}}} 7" in lines


def test_a_witness_without_logs_or_without_its_disk_is_not_ready(tmp_path, made):
    store = WitnessStore(tmp_path / "w.db")
    key = PrivateKey.generate(KeyAlgorithm.ED25519)
    application = Application(Cosigner(NAME, key, store, KnownLogs()))
    assert application.answer(Request("GET", "/readyz")).status == 503
    known = Application(Cosigner(NAME, key, store, KnownLogs([LogKey.parse(made.vkey)])))
    store.close()
    for request in (Request("GET", "/readyz"), Request("POST", "/add-checkpoint", body=made.request(0, 1))):
        answer = known.answer(request)
        assert (answer.status, answer.body) == (503, b"this witness has a problem of its own\n")


def test_an_address_may_ask_so_much(cosigner, made):
    application = Application(cosigner, asking=Rate(per_second=0.001, burst=2))
    request = Request("POST", "/add-checkpoint", body=b"", address="192.0.2.1")
    assert [application.answer(request).status for _ in range(3)] == [400, 400, 429]
    elsewhere = Request("POST", "/add-checkpoint", body=made.request(0, 1), address="192.0.2.2")
    assert application.answer(elsewhere).status == 200
