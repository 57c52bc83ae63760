"""Clients' reports of overdue SCTs: spooled within bounds, believed only as far as the log itself signed."""

import base64
import json
import os
from datetime import UTC, datetime

import pytest

from monitor.reports import MAX_REPORT_SIZE, ReportError, SpoolFull, accept, spool
from monitor.values import AuditOutcome
from verifier.transparency.evidence import Result
from verifier.transparency.tree_head import sign_tree_head


def b64(data):
    return base64.b64encode(data).decode()


def sth(head):
    return {
        "tree_size": head.tree_size,
        "timestamp": head.timestamp,
        "sha256_root_hash": b64(head.root_hash),
        "tree_head_signature": b64(head.signature),
    }


@pytest.fixture
def watched(monitor, log, ca):
    for number in range(3):
        log.add_precertificate(ca.precertificate(f"{number}.example.test"), ca)
    monitor.watch_log(log.watched())
    monitor.audit_now()
    return log


@pytest.fixture
def report(watched, ca):
    """What a client says of a certificate whose SCT is an hour old; ``merge`` keeps the promise."""

    def make(*, merge=False, age=3600, **more):
        builder = ca.builder("client.example.test")
        moment = watched.now() - age * 1000
        sct = watched.promise(ca.poisoned(builder), ca, moment)
        if merge:
            watched.add_precertificate(ca.poisoned(builder), ca, moment)
        final = ca.issue_with_scts(builder, [sct])
        return {"sct": b64(sct.encode()), "chain": [b64(final), b64(ca.der)], **more}

    return make


def taken(monitor, body):
    accept(monitor.reports, json.dumps(body).encode())
    return monitor.auditing.take_in_reports(monitor.reports)


def failed(report):
    return {finding.code.value for finding in report.findings if finding.outcome.value == "failed"}


def test_a_broken_promise_becomes_an_alert_with_evidence(monitor, watched, report, examined):
    assert taken(monitor, report()) == 1
    assert list(monitor.reports.iterdir()) == []
    (found,) = monitor.audit_now()
    assert failed(found) == {"sct-not-merged"}
    assert examined("sct-not-merged").result is Result.PROVEN
    assert monitor.distrusted_logs() == {watched.key.public_key.key_id}
    (alert,) = monitor.alerts()
    assert alert.evidence["source"] == "a client's report"


def test_a_delivered_sct_is_judged_by_its_own_entry(monitor, watched, ca, examined):
    from verifier.transparency.entries import X509Entry
    from verifier.transparency.verify import sign_sct

    der = ca.issue("delivered.example.test")
    sct = sign_sct(X509Entry(der), watched.now() - 3_600_000, b"", watched.key)
    assert taken(monitor, {"sct": b64(sct.encode()), "chain": [b64(der)], "kind": "delivered"}) == 1
    assert failed(monitor.audit_now()[0]) == {"sct-not-merged"}
    assert examined("sct-not-merged").result is Result.PROVEN


def test_a_promise_that_was_kept_accuses_nobody(monitor, report):
    assert taken(monitor, report(merge=True)) == 1
    (found,) = monitor.audit_now()
    assert "sct-not-merged" not in failed(found)


def test_a_promise_that_is_not_due_is_waited_for(monitor, report):
    assert taken(monitor, report(age=1)) == 1
    (found,) = monitor.audit_now()
    assert found.outcome is AuditOutcome.CONSISTENT


def test_what_the_log_did_not_sign_is_dropped(monitor, make_log, ca, report):
    other = make_log("other")
    builder = ca.builder("client.example.test")
    unknown = other.promise(ca.poisoned(builder), ca, other.now() - 3_600_000)
    final = ca.issue_with_scts(builder, [unknown])
    assert taken(monitor, {"sct": b64(unknown.encode()), "chain": [b64(final), b64(ca.der)]}) == 0
    for_another = report()
    for_another["chain"][0] = b64(ca.issue("another.example.test"))
    assert taken(monitor, for_another) == 0
    assert monitor.audit_now()[0].outcome is AuditOutcome.CONSISTENT


def test_the_head_that_a_client_was_shown_is_compared(monitor, watched, report):
    forked = sign_tree_head(3, watched.now() - 1000, bytes(32), watched.key)
    assert taken(monitor, report(age=1, tree_head=sth(forked))) == 1
    assert failed(monitor.audit_now()[0]) == {"split-view"}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b"\xff", b'{"sct": "AA==", "chain": []}', b'{"sct": 1, "chain": ["AA=="]}',
        b"[" * 50_000, b'{"sct": "AA==", "chain": ["AA=="]}',
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(tmp_path, body):
    with pytest.raises(ReportError):
        accept(tmp_path / "spool", body)
    assert not (tmp_path / "spool").exists()


@pytest.mark.parametrize("change", [{"kind": "other"}, {"chain": []}, {"tree_head": {}}, {"chain": ["!"]}])
def test_a_field_that_is_wrong_is_refused(tmp_path, report, change):
    with pytest.raises(ReportError):
        accept(tmp_path / "spool", json.dumps({**report(), **change}).encode())


def test_the_spool_is_bounded(tmp_path, report, monkeypatch):
    folder = tmp_path / "spool"
    with pytest.raises(ReportError, match="at most"):
        accept(folder, json.dumps({**report(), "more": "x" * MAX_REPORT_SIZE}).encode())
    monkeypatch.setattr(spool, "MOST_WAITING", 2)
    body = report()
    for number in (1, 2):
        accept(folder, json.dumps({**body, "number": number}).encode())
    accept(folder, json.dumps({**body, "number": 2}).encode())  # the same again is the same file
    with pytest.raises(SpoolFull):
        accept(folder, json.dumps({**body, "number": 3}).encode())
    assert len(list(folder.iterdir())) == 2


def test_what_a_crash_left_is_removed(monitor, report):
    monitor.reports.mkdir()
    (monitor.reports / ".half.json.999999999").write_bytes(b"{")
    mine = monitor.reports / f".half.json.{os.getpid()}"
    mine.write_bytes(b"{")
    assert monitor.auditing.take_in_reports(monitor.reports) == 0
    assert list(monitor.reports.iterdir()) == [mine]


def test_the_schedule_takes_reports_in(monitor, watched, report, tmp_path):
    from monitor.schedule import Schedule

    accept(monitor.reports, json.dumps(report()).encode())
    Schedule(monitor, (), interval=60)._reports()
    assert monitor.observations.due(1, int(datetime.now(UTC).timestamp() * 1000), 10)
