"""A log that shows different trees to different observers: every pair of heads seen by anyone is compared."""

import http.client
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from monitor import Monitor
from monitor.values import AuditOutcome
from tests.monitor.conftest import StaticLog
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.transparency.evidence import Result
from verifier.transparency.merkle import root_of
from verifier.transparency.tree_head import sign_tree_head


@pytest.fixture
def watched(monitor, log, ca):
    for number in range(9):
        log.add_precertificate(ca.precertificate(f"{number}.example.test"), ca)
    monitor.watch_log(log.watched())
    monitor.audit_now()
    return log


def seen(monitor, head, observer="a proxy in Lisbon"):
    row = monitor.auditing._logs.get("made").id
    monitor.observations.add_head(row, head, observer, datetime.now(UTC))


def failed(report):
    return {finding.code.value for finding in report.findings if finding.outcome.value == "failed"}


@pytest.mark.parametrize(
    ("size", "root", "age"),
    [
        (9, bytes(32), 1000),  # another tree of the same size
        (5, bytes(32), 1000),  # a smaller one that is not the beginning of ours
        (0, bytes(32), 1000),
        (3, None, -5000),  # the beginning of ours, but dated later
        (40, bytes(32), 50_000),  # larger, but dated earlier
    ],
)
def test_two_observers_are_shown_two_histories(monitor, watched, examined, size, root, age):
    known = root_of(watched.hashes()[:size]) if root is None else root
    seen(monitor, sign_tree_head(size, watched.now() - age, known, watched.key))
    (report,) = monitor.audit_now()
    assert failed(report) == {"split-view"}, report.findings
    assert examined("split-view").result is Result.PROVEN
    assert monitor.distrusted_logs()
    (alert,) = monitor.alerts()
    assert "a proxy in Lisbon" in alert.detail


def test_heads_of_the_same_tree_agree(monitor, watched):
    for size in range(10):
        seen(
            monitor, sign_tree_head(size, watched.now() - 5000, root_of(watched.hashes()[:size]), watched.key)
        )
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT
    assert "heads-agree" in {finding.code.value for finding in report.findings}


@pytest.mark.parametrize("honest", [True, False])
def test_a_head_ahead_of_us_waits_until_we_are_there(monitor, watched, ca, honest):
    before = watched.hashes()
    watched.add_precertificate(ca.precertificate("next.example.test"), ca)
    root = root_of(watched.hashes()) if honest else bytes(32)
    seen(monitor, sign_tree_head(10, watched.now(), root, watched.key))
    watched.size = len(before)
    watched.timestamp = watched.now() - 2000
    (report,) = monitor.audit_now()
    assert "heads-to-compare" in {finding.code.value for finding in report.findings}
    watched.size = watched.timestamp = None
    (report,) = monitor.audit_now()
    assert failed(report) == (set() if honest else {"split-view"})


def test_heads_that_wait_are_bounded(monitor, watched, monkeypatch):
    """Whoever reports more is not listened to until these are compared."""
    from monitor.observations import store

    monkeypatch.setattr(store, "MOST_OPEN_HEADS", 3)
    for size in range(100, 110):
        seen(monitor, sign_tree_head(size, watched.now(), bytes(32), watched.key))
    assert [one.head.tree_size for one in monitor.observations.open_heads(1)] == [100, 101, 102]


def test_a_head_that_the_log_did_not_sign_accuses_nobody(monitor, watched):
    other = PrivateKey.generate(KeyAlgorithm.ECDSA)
    seen(monitor, sign_tree_head(9, watched.now(), bytes(32), other))
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT
    assert monitor.observations.open_heads(1) == ()


@pytest.fixture
def elsewhere():
    """An HTTP proxy in another place: what comes through it says so."""

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
            connection.request("GET", parts.path, headers={"Via": "1.1 elsewhere"})
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class TwoFaced(StaticLog):
    """Shows another tree to whoever comes from elsewhere."""

    lying = True

    def answer(self, handler):
        from_elsewhere = handler.headers.get("Via") is not None
        other = sign_tree_head(len(self.entries), self.now() - 1000, bytes(32), self.key)
        self.tree_hook = (lambda: other) if from_elsewhere and self.lying else None
        super().answer(handler)


@pytest.mark.parametrize("lying", [True, False])
def test_another_vantage_is_asked_through_a_proxy(database, served, ca, elsewhere, lying):
    log = served(TwoFaced("made"))
    log.lying = lying
    for number in range(5):
        log.add_precertificate(ca.precertificate(f"{number}.example.test"), ca)
    monitor = Monitor.open(database, vantages=[elsewhere])
    monitor.watch_log(log.watched())
    (report,) = monitor.audit_now()
    assert failed(report) == ({"split-view"} if lying else set()), report.findings
    monitor.close()


def test_a_vantage_that_does_not_answer_is_only_noted(database, log):
    monitor = Monitor.open(database, vantages=["http://127.0.0.1:9"])
    monitor.watch_log(log.watched())
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT
    assert any("http://127.0.0.1:9" in finding.detail for finding in report.findings)
    monitor.close()


def test_equal_heads_are_thinned_to_the_first_and_the_last(monitor, watched):
    first = monitor.heads("made")[-1]
    for _ in range(6):
        monitor.audit_now()
    kept = monitor.heads("made")
    assert [head.tree_size for head in kept] == [9, 9]
    assert kept[-1] == first
    assert all(head.rebuilt for head in kept)
