"""Every SCT that is known is checked, however many there are: in one audit, or over several that say so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pytest

from monitor.auditor import collecting, logged, promises
from monitor.values import AuditOutcome
from tests.monitor.conftest import promised
from verifier.transparency.tree_head import sign_tree_head

MERGED = 30


@pytest.fixture
def holder(make_log, log, ca):
    """A log that holds thirty certificates with SCTs of the other log, all of them kept."""
    made = make_log("holder")
    for number in range(MERGED):
        made.add_certificate(promised(ca, log, f"{number}.example.test"), ca)
    return made


@pytest.fixture
def few_at_once(monkeypatch):
    monkeypatch.setattr(collecting, "AT_ONCE", 7)
    monkeypatch.setattr(promises, "AT_ONCE", 7)
    monkeypatch.setattr(logged, "AT_ONCE", 7)


def audited(monitor, name, **options):
    (report,) = monitor.audit_now([name], **options)
    return report, {finding.code.value: finding.detail for finding in report.findings}


def test_all_of_a_first_load_are_checked_in_one_audit(monitor, log, holder, few_at_once):
    for one in (holder, log):
        monitor.watch_log(one.watched())
    audited(monitor, "holder")
    report, found = audited(monitor, "made")
    assert report.outcome is AuditOutcome.CONSISTENT, report.findings
    assert found["scts-kept"] == f"All {MERGED} SCTs that were due have their entries in the tree."
    assert monitor.observations.cursor("logged 2") == MERGED


def test_what_takes_longer_goes_on_and_says_how_far_it_is(monitor, log, holder, few_at_once):
    """Not before the last SCT was looked at is the log called consistent, or are all said to be kept."""
    for one in (log, holder):
        monitor.watch_log(one.watched())
    monitor.audit_now()
    monitor.audit_now()
    row = monitor.auditing._logs.get("made").id
    with monitor._connections.write() as connection:
        connection.execute("DELETE FROM cursors WHERE name IN (?, ?)", (f"finals {row}", f"scts kept {row}"))
    said, outcomes = [], []
    for _ in range(12):
        report, found = audited(monitor, "made", budget=timedelta(0), progress=said.append)
        outcomes.append(report.outcome)
        if report.outcome is AuditOutcome.CONSISTENT:
            break
        assert "scts-kept" not in found
        assert found["scts-to-check"].startswith("The SCTs in ")
    assert outcomes[:2] == [AuditOutcome.PENDING] * 2
    assert found["scts-kept"] == f"All {MERGED} SCTs that were due have their entries in the tree."
    total = 2 * MERGED  # the precertificates of the one log, the final certificates of the other
    assert f"made: SCTs checked in {total} of {total} certificates" in said
    assert len([line for line in said if "SCTs checked" in line]) == len(outcomes)


def test_the_last_promise_is_not_passed_over(monitor, log, holder, ca, few_at_once):
    """Among many that are kept, one that is not, wherever it stands."""
    holder.add_certificate(promised(ca, log, "broken.example.test", merge=False), ca)
    for one in (holder, log):
        monitor.watch_log(one.watched())
    audited(monitor, "holder")
    report, found = audited(monitor, "made")
    assert report.outcome is AuditOutcome.INCONSISTENT
    assert "sct-not-merged" in found
    assert found["scts-broken"] == f"1 of {MERGED + 1} SCTs that were due were not kept."
    _, found = audited(monitor, "made")
    assert "scts-kept" not in found
    assert found["scts-broken"] == f"1 of {MERGED + 1} SCTs that were due were not kept."


def test_a_log_that_is_followed_later_finds_what_others_hold_of_it(monitor, log, holder, ca):
    holder.add_certificate(promised(ca, log, "broken.example.test", merge=False), ca)
    monitor.watch_log(holder.watched())
    audited(monitor, "holder")
    audited(monitor, "holder")
    monitor.watch_log(log.watched())
    _, found = audited(monitor, "made")
    assert "sct-not-merged" in found


def test_those_that_are_not_due_are_counted_apart(monitor, log, holder, ca):
    holder.add_certificate(promised(ca, log, "soon.example.test", age=-600, merge=False), ca)
    for one in (holder, log):
        monitor.watch_log(one.watched())
    audited(monitor, "holder")
    report, found = audited(monitor, "made")
    assert report.outcome is AuditOutcome.CONSISTENT
    kept = f"All {MERGED} SCTs that were due have their entries in the tree. 1 more are not due yet."
    assert found["scts-kept"] == kept


def test_a_log_with_many_broken_promises_fills_no_report(monitor, log, make_log, ca, monkeypatch):
    """A few are shown an audit; each is counted in the end."""
    monkeypatch.setattr(promises, "MOST_FOUND", 2)
    made = make_log("holder")
    for number in range(5):
        made.add_certificate(promised(ca, log, f"{number}.example.test", merge=False), ca)
    for one in (made, log):
        monitor.watch_log(one.watched())
    audited(monitor, "holder")
    shown = []
    for _ in range(4):
        (report,) = monitor.audit_now(["made"])
        shown.append(sum(finding.code == "sct-not-merged" for finding in report.findings))
    assert shown == [2, 2, 1, 0]
    assert monitor.alerts()[0].count == 5


def test_two_processes_count_the_same_certificates_once(monitor, log):
    """The second to finish finds that the first has gone on from there."""
    monitor.watch_log(log.watched())
    for _ in range(2):
        monitor.observations.collect(1, (0, 7), [], 5, 60_000)
    assert monitor.observations.collected(1) == 7
    assert monitor.observations.promise_tally(1).kept == 5


def test_forged_scts_do_not_hide_a_broken_promise(monitor, log, make_log, ca, monkeypatch):
    """Anybody's CA can write a log's name into certificates: what the log did not sign holds nothing up."""
    monkeypatch.setattr(promises, "MOST_FOUND", 2)
    made, forger = make_log("holder"), make_log("forger")
    for number in range(6):
        builder = ca.builder(f"forged-{number}.example.test")
        sct = forger.promise(ca.poisoned(builder), ca, log.now() - 7_200_000)  # due before the true one
        forged = replace(sct, log_id=log.key.public_key.key_id)
        made.add_certificate(ca.issue_with_scts(builder, [forged]), ca)
    made.add_certificate(promised(ca, log, "broken.example.test", merge=False), ca)
    for one in (made, log):
        monitor.watch_log(one.watched())
    audited(monitor, "holder")
    (report,) = monitor.audit_now(["made"])
    forged = [finding for finding in report.findings if finding.code == "sct-signature-invalid"]
    assert len(forged) == 3
    assert forged[-1].detail.startswith("4 more certificates")
    assert any(finding.code == "sct-not-merged" for finding in report.findings)
    assert monitor.observations.promise_tally(2).broken == 1


@pytest.mark.parametrize("offence", ["promise", "entry", "view"])
def test_what_is_told_once_is_not_lost_by_a_crash(monitor, log, make_log, ca, monkeypatch, offence):
    """The audit ends before its report is stored: the next one finds it again."""
    log.add_precertificate(ca.precertificate("a.example.test"), ca)
    made = make_log("holder")
    for one in (made, log):
        monitor.watch_log(one.watched())
    monitor.audit_now()
    if offence == "promise":
        made.add_certificate(promised(ca, log, "broken.example.test", merge=False), ca)
        audited(monitor, "holder")
    elif offence == "entry":
        log.add_precertificate(ca.precertificate("b.example.test"), ca, timestamp=log.now() + 200_000)
    else:
        row = monitor.auditing._logs.get("made").id
        forked = sign_tree_head(1, log.now() - 1000, bytes(32), log.key)
        monitor.observations.add_head(row, forked, "somebody", datetime.now(UTC))

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(monitor.auditing._audits, "keep", crash)
        with pytest.raises(KeyboardInterrupt):
            monitor.audit_now(["made"])
    assert monitor.alerts() == ()
    _, found = audited(monitor, "made")
    code = {"promise": "sct-not-merged", "entry": "entry-after-head", "view": "split-view"}[offence]
    assert code in found
    _, found = audited(monitor, "made")
    assert code not in found  # told once
    assert monitor.alerts("made")[0].count == 1


def test_a_log_with_much_to_check_holds_no_other_up(monitor, log, holder, monkeypatch):
    """One stands still in the middle of its certificates; the other is audited meanwhile."""
    for one in (log, holder):
        monitor.watch_log(one.watched())
    monitor.audit_now()
    held, reached = Event(), Event()
    after, slow = monitor.auditing._finals.after, []

    def waiting(row, limit):
        if not slow:
            slow.append(row)
            reached.set()
            held.wait(60)
        return after(row, limit)

    row = monitor.auditing._logs.get("made").id
    with monitor._connections.write() as connection:
        connection.execute("DELETE FROM cursors WHERE name=?", (f"finals {row}",))
    monkeypatch.setattr(monitor.auditing._finals, "after", waiting)
    first = Thread(target=monitor.audit_now, args=(["made"],))
    first.start()
    assert reached.wait(60)
    report, _ = audited(monitor, "holder")
    assert report.outcome is AuditOutcome.CONSISTENT
    assert first.is_alive()
    held.set()
    first.join(60)
    assert not first.is_alive()
