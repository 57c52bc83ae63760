"""Answers that no honest log gives, at the head and at the entries, over both protocols, and poor networks.

What cannot be read is unavailable, by its kind; it is never called inconsistent. What no honest log answers
is an alert when the next audit meets it too, with the record as its evidence; it distrusts nobody.
"""

import base64
import gzip
import json
import time

import pytest

from monitor.errors import EntryCountWrong
from monitor.follower import follow
from monitor.follower.rfc6962 import Rfc6962Source
from monitor.values import MISCONDUCT, AuditOutcome
from tests.monitor.conftest import MadeLog, StaticLog
from verifier.transparency.evidence import Result

HEADS = ("get-sth", "checkpoint")
ENTRIES = ("get-entries", "tile/data/000.p/8")


@pytest.fixture(params=[*HEADS, *ENTRIES])
def place(request, monitor, served, ca, monkeypatch):
    """Replaces one answer of a log of five entries that was audited and has grown by three."""
    monkeypatch.setattr(follow, "ATTEMPTS", 1)
    kind = MadeLog if request.param.startswith("get-") else StaticLog
    log = served(kind("made"))
    for number in range(8):
        log.add_precertificate(ca.precertificate(f"{number}.example.test"), ca)
        if number == 4:
            monitor.watch_log(log.watched())
            assert monitor.audit_now()[0].outcome is AuditOutcome.CONSISTENT

    def answer(hook):
        log.hooks[request.param] = log.hooks[request.param.partition(".p/")[0]] = hook

    return answer


heads = pytest.mark.parametrize("place", HEADS, indirect=True)


@pytest.fixture
def unavailable(monitor, examined):
    """Audit: one finding says what was met, nobody is distrusted; misconduct is an alert the second time."""

    def check(code):
        (report,) = monitor.audit_now()
        assert report.outcome is AuditOutcome.UNAVAILABLE, report.findings
        (position,) = [n for n, found in enumerate(report.findings) if found.outcome.value == "unavailable"]
        assert report.findings[position].code == code, report.findings
        assert "Traceback" not in report.findings[position].detail
        assert monitor.alerts() == ()
        if code in MISCONDUCT:
            monitor.audit_now()
            assert [alert.code for alert in monitor.alerts()] == [code]
            assert examined(code).result is Result.OBSERVED
        assert monitor.distrusted_logs() == frozenset()
        return monitor.evidence.finding(report.id, position)

    return check


def test_nobody_listens(monitor, log, unavailable):
    monitor.watch_log(log.watched(url="http://127.0.0.1:9/log/made/"))
    unavailable("unavailable")


@pytest.mark.parametrize("status", [404, 204])
def test_another_status(place, reply, unavailable, status):
    place(lambda handler, _query: reply(handler, b"", status))
    unavailable("unavailable")


@pytest.mark.parametrize("status", [429, 503])
def test_busy(place, reply, unavailable, status):
    place(lambda handler, _query: reply(handler, b"", status, Retry_After="600"))
    unavailable("busy")


@heads
@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'{"tree_size": "5"}', b"\xff\xfe", b"[" * 50_000,
        b"logs.example/made\n8\n",
        b'{"tree_size": true, "timestamp": 1, "sha256_root_hash": "", "tree_head_signature": ""}',
        b'{"tree_size": 99999999999999999999, "timestamp": 1, "sha256_root_hash": "AAAA", "x": ""}',
        b'{"tree_size": 1, "timestamp": 1, "sha256_root_hash": "A?", "tree_head_signature": ""}',
        b'{"tree_size": -1, "timestamp": 1, "sha256_root_hash": "", "tree_head_signature": ""}',
    ],
)  # fmt: skip
def test_a_head_that_is_none(place, reply, unavailable, body):
    place(lambda handler, _query: reply(handler, body))
    unavailable("response-malformed")


def test_an_announced_huge_body(place, unavailable):
    def answer(handler, _query):
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()

    place(answer)
    unavailable("response-oversized")


def test_a_body_without_end(place, unavailable):
    def answer(handler, _query):
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        while True:
            handler.wfile.write(b"x" * 65536)

    place(answer)
    unavailable("response-oversized")


@pytest.mark.parametrize("place", ["get-sth", *ENTRIES], indirect=True)
def test_a_compressed_bomb(place, reply, unavailable):
    body = gzip.compress(bytes(100 << 20))
    place(lambda handler, _query: reply(handler, body, Content_Encoding="gzip"))
    unavailable("response-bomb")


@heads
def test_a_small_bomb(place, reply, unavailable):
    body = gzip.compress(bytes(2 << 20))
    place(lambda handler, _query: reply(handler, body, Content_Encoding="gzip"))
    unavailable("response-bomb")


@pytest.mark.parametrize("where", ["headers", "body"])
def test_a_slow_drip(monitor, place, unavailable, where):
    monitor.fetcher = type(monitor.fetcher)(answer_seconds=1.0)

    def answer(handler, _query):
        handler.close_connection = True
        if where == "body":
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
        else:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        for _ in range(1200):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)

    place(answer)
    unavailable("response-drip")


def test_no_answer_in_time_is_no_misconduct(monitor, place, unavailable):
    """A network may lose an answer: it is recorded, and never an alert."""
    monitor.fetcher = type(monitor.fetcher)(answer_seconds=1.0)

    def answer(_handler, _query):
        time.sleep(5)

    place(answer)
    evidence = unavailable("response-timeout")
    assert (evidence["code"], evidence["standing"]) == ("response-timeout", "observation")
    monitor.audit_now()
    assert monitor.alerts() == ()


def test_redirects_without_end(place, reply, unavailable):
    place(lambda handler, _query: reply(handler, b"", 302, Location=handler.path))
    unavailable("redirect-endless")


@heads
@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("http://elsewhere.example/log/", "redirect-refused"),
        ("http://127.0.0.2:80/elsewhere", "redirect-private"),
        ("http://[fd00::1]/", "redirect-private"),
        ("http://169.254.169.254/latest/meta-data/", "redirect-private"),
        ("http://localhost/", "redirect-private"),
        ("https://elsewhere.example/", "redirect-scheme"),
        ("ftp://elsewhere.example/", "redirect-scheme"),
        ("file:///etc/passwd", "redirect-scheme"),
    ],
)
def test_a_redirect_to_another_place(place, reply, unavailable, target, code):
    place(lambda handler, _query: reply(handler, b"", 302, Location=target))
    unavailable(code)


def test_a_redirect_at_home_is_followed(monitor, place, reply):
    """An honest log may move a file within its own address."""
    asked = []

    def answer(handler, _query):
        if "moved" in handler.path:
            reply(handler, b"{}")
        else:
            asked.append(handler.path)
            reply(handler, b"", 302, Location=handler.path.partition("?")[0] + "?moved")

    place(answer)
    (report,) = monitor.audit_now()
    assert asked
    assert not [finding for finding in report.findings if finding.code.value.startswith("redirect")]


entries = pytest.mark.parametrize("place", ["get-entries"], indirect=True)


@entries
@pytest.mark.parametrize(
    "value", [{"entries": []}, {"entries": None}, {"entries": [{}]}, {"entries": [{"leaf_input": 1}]}]
)
def test_entries_that_are_none(place, reply_json, unavailable, value):
    place(lambda handler, _query: reply_json(handler, value))
    unavailable("entry-count-wrong" if value == {"entries": []} else "response-malformed")


@entries
def test_more_entries_than_asked_for(place, reply_json, unavailable):
    one = {"leaf_input": base64.b64encode(b"x").decode(), "extra_data": ""}
    place(lambda handler, _query: reply_json(handler, {"entries": [one] * 9}))
    unavailable("entry-count-wrong")


def test_a_batch_larger_than_asked_for():
    """The batch asked for may be smaller than what is still wanted: the follower alone would not see it."""

    class Canned:
        def get(self, _url, **_options):
            one = {"leaf_input": "", "extra_data": ""}
            return json.dumps({"entries": [one] * 3}).encode()

    source = Rfc6962Source("http://log.example/", Canned())
    source.batch = 2
    with pytest.raises(EntryCountWrong, match="3 entries, expected 1 to 2"):
        source.entries(0, 10)
