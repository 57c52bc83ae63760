"""An honest log raises no alert: empty, growing, restarted, of every kind of key."""

import time
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from monitor import Monitor
from monitor.errors import SourceError
from monitor.follower.meter import Count, Meter
from monitor.values import AuditCode, AuditOutcome, AuditReport
from tests.monitor.conftest import StaticLog
from verifier.algorithms import KeyAlgorithm
from verifier.transparency.merkle import root_of


def codes(report: AuditReport) -> list[str]:
    return [finding.code.value for finding in report.findings]


def test_an_empty_log_is_audited(monitor, log):
    monitor.watch_log(log.watched())
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT
    assert codes(report) == ["head-signature", "head-fresh", "head-first", "root-rebuilt"]
    assert monitor.log("made").head.tree_size == 0
    assert monitor.alerts() == ()


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.SM2, KeyAlgorithm.ECDSA, KeyAlgorithm.RSA])
def test_a_growing_log_stays_consistent_through_restarts(database, make_log, ca, algorithm):
    log = make_log("grows", algorithm)
    for round_ in range(5):
        for number in range(round_ * 3):
            log.add_precertificate(ca.precertificate(f"{number}.r{round_}.example.test"), ca)
        monitor = Monitor.open(database)
        monitor.watch_log(log.watched())
        (report,) = monitor.audit_now()
        assert report.outcome is AuditOutcome.CONSISTENT, codes(report)
        state = monitor.log("grows")
        assert (state.followed, state.head.tree_size) == (len(log.entries), len(log.entries))
        assert state.head.root_hash == root_of(log.hashes())
        assert monitor.alerts() == ()
        monitor.close()


def test_the_same_tree_signed_again_is_a_new_verified_head(monitor, log, ca):
    log.add_precertificate(ca.precertificate("a.example.test"), ca)
    monitor.watch_log(log.watched())
    monitor.audit_now()
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT
    assert [head.rebuilt for head in monitor.heads("made")] == [True, True]


def test_an_older_head_of_the_same_tree_is_only_noted(monitor, log, ca):
    log.add_precertificate(ca.precertificate("a.example.test"), ca)
    log.add_precertificate(ca.precertificate("b.example.test"), ca)
    monitor.watch_log(log.watched())
    monitor.audit_now()
    log.size, log.timestamp = 1, log.now() - 5000
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT
    assert "head-older" in codes(report)
    assert monitor.log("made").head.tree_size == 2


def test_an_audit_by_the_logs_own_operator_says_so(database, log):
    monitor = Monitor.open(database, operator="Log Operator")
    monitor.watch_log(log.watched())
    (report,) = monitor.audit_now()
    assert report.findings[-1].code is AuditCode.SAME_OPERATOR
    assert monitor.log("made").same_operator
    assert report.outcome is AuditOutcome.CONSISTENT
    monitor.close()


class SlowLog(StaticLog):
    """Answers late and in small pieces, as over a poor line."""

    def answer(self, handler):
        time.sleep(0.05)
        whole, handler.wfile = handler.wfile, Dribble(handler.wfile)
        try:
            super().answer(handler)
        finally:
            handler.wfile = whole


class Dribble:
    def __init__(self, wfile):
        self._wfile = wfile

    def write(self, data):
        for at in range(0, len(data), 1500):
            self._wfile.write(data[at : at + 1500])
            self._wfile.flush()
            time.sleep(0.005)

    def flush(self):
        self._wfile.flush()


def test_an_honest_log_behind_a_poor_line_raises_nothing(monitor, served, ca):
    log = served(SlowLog("slow", KeyAlgorithm.SM2))
    monitor.watch_log(log.watched())
    for round_ in range(3):
        for number in range(40):
            log.add_precertificate(ca.precertificate(f"{number}.r{round_}.example.test"), ca)
        (report,) = monitor.audit_now()
        assert report.outcome is AuditOutcome.CONSISTENT, report.findings
    assert monitor.alerts() == ()


def test_logs_are_read_side_by_side(monitor, make_log, ca):
    """A log that hangs holds up no other; each tells where it stands."""
    held = Event()
    logs = [make_log(name) for name in ("hangs", "one", "two")]
    logs[0].hooks["get-sth"] = lambda _handler, _query: held.wait(120)
    for log in logs:
        log.add_precertificate(ca.precertificate("a.example.test"), ca)
        monitor.watch_log(log.watched())
    monitor.fetcher = type(monitor.fetcher)(answer_seconds=5.0)
    reports = monitor.audit_now(stop=Event())
    held.set()
    outcomes = [report.outcome.value for report in reports]
    assert outcomes == ["unavailable", "consistent", "consistent"]
    assert max(report.finished_at for report in reports[1:]) < reports[0].finished_at
    following = monitor.observations.following("two")
    assert (following.position, following.target, following.backlog) == (1, 1, 0)


def test_availability_is_kept_by_endpoint_and_hour(monitor, log, ca, reply):
    log.add_precertificate(ca.precertificate("a.example.test"), ca)
    monitor.watch_log(log.watched())
    for _ in range(3):
        monitor.audit_now()
    log.hooks["get-sth"] = lambda handler, _query: reply(handler, b"", 500)
    monitor.audit_now()
    log.hooks["get-sth"] = lambda handler, _query: reply(handler, b"", 429)  # its limit, no fault
    monitor.audit_now()
    now = datetime.now(UTC)
    kept = {row.endpoint: row for row in monitor.observations.availability("made", now)}
    assert (kept["get-sth"].ok, kept["get-sth"].failed) == (3, 1)
    assert kept["get-sth"].ratio == 0.75
    assert not kept["get-sth"].meets
    assert (kept["get-entries"].ok, kept["get-entries"].meets) == (1, True)
    assert kept["get-sth"].latency is not None
    assert monitor.observations.availability("made", now + timedelta(days=91)) == ()
    monitor.observations.count(1, {"get-sth": Count(10_000, 500, 1)}, now)
    (report,) = monitor.audit_now()
    assert "availability-low" in codes(report)
    assert monitor.alerts() == ()


@pytest.mark.parametrize("status", [400, 404, 500])
def test_what_need_not_be_there_is_no_failure(status):
    """A leaf that is asked for by its hash, and a partial tile; any other answer that fails is one."""

    class Log:
        def get(self, url, **_options):
            raise SourceError(url, {"url": url, "status": status})

    meter = Meter(Log())
    for path in (
        "ct/v1/get-proof-by-hash?hash=x",
        "tile/0/000.p/7",
        "tile/0/000",
        "ct/v1/get-sth",
        "checkpoint",
    ):
        with pytest.raises(SourceError):
            meter.get(f"https://log.example/{path}")
    failed = {name: count.failed for name, count in meter.counts.items()}
    need_not_be = 1 if status == 500 else 0
    assert failed == {
        "get-proof-by-hash": need_not_be,
        "tile": 1 + need_not_be,
        "get-sth": 1,
        "checkpoint": 1,
    }


def test_a_long_log_is_read_over_several_audits(monitor, log, ca):
    der = ca.precertificate("many.example.test")
    for _ in range(3000):
        log.add_precertificate(der, ca)
    log.limit = 100
    monitor.watch_log(log.watched())
    outcomes = []
    for _ in range(200):
        (report,) = monitor.audit_now(budget=timedelta(milliseconds=40))
        outcomes.append(report.outcome)
        if report.outcome is AuditOutcome.CONSISTENT:
            break
    assert outcomes[0] is AuditOutcome.PENDING
    assert outcomes[-1] is AuditOutcome.CONSISTENT
    assert monitor.log("made").head.tree_size == 3000
