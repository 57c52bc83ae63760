"""An honest log raises no alert: empty, growing, restarted, of every kind of key."""

from datetime import timedelta

import pytest

from monitor import Monitor
from monitor.values import AuditCode, AuditOutcome, AuditReport
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
