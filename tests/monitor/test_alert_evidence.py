"""What is kept of an alert that is met again: the first evidence, the newest, and a proof between."""

import json
import re
import sqlite3

import pytest

from monitor import Monitor
from monitor.store.migrations import MIGRATIONS
from monitor.values import AuditOutcome
from tests.monitor.conftest import b64, reply_entries
from verifier.transparency.merkle import consistency_spans


@pytest.fixture
def watched(monitor, log, ca):
    for number in range(5):
        log.add_precertificate(ca.precertificate(f"{number}.example.test"), ca)
    monitor.watch_log(log.watched())
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT
    return log


@pytest.fixture
def again(monitor, watched, ca, reply_json):
    """Another audit of a log that grew: it garbles its proof, or has another history."""
    honest = watched.entries[1]

    def garbled(handler, query):
        length = len(consistency_spans(int(query["first"]), int(query["second"])))
        reply_json(handler, {"consistency": [b64(bytes(32))] * length})

    def audit(*, history: bool) -> None:
        watched.entries[1] = (honest[0] + b"x", honest[1]) if history else honest
        watched.add_precertificate(ca.precertificate("more.example.test"), ca)
        watched.hooks["get-sth-consistency"] = garbled
        if history:
            del watched.hooks["get-sth-consistency"]
        (report,) = monitor.audit_now()
        assert "consistency-invalid" in {finding.code.value for finding in report.findings}

    return audit


def test_the_first_evidence_and_the_newest_are_kept(monitor, watched):
    watched.size = 3
    for _ in range(5):
        monitor.audit_now()
    (alert,) = monitor.alerts()
    first, newest = monitor.evidence.kept(alert.id)
    assert (alert.count, first.recorded_at, newest.recorded_at) == (5, alert.first_at, alert.last_at)
    assert first.material["tree_head"]["timestamp"] < newest.material["tree_head"]["timestamp"]
    assert monitor.evidence.evidence(alert.id) == newest  # of equals
    assert alert.evidence == newest.material


def test_a_proof_is_not_given_up_for_observations(monitor, again):
    again(history=False)
    (alert,) = monitor.alerts()
    assert [one.standing for one in monitor.evidence.kept(alert.id)] == ["observation"]
    again(history=True)
    assert [one.standing for one in monitor.evidence.kept(alert.id)] == ["observation", "proof"]
    proof = monitor.evidence.evidence(alert.id)
    for _ in range(6):
        again(history=False)
    kept = monitor.evidence.kept(alert.id)
    assert [one.standing for one in kept] == ["observation", "proof", "observation"]
    assert monitor.evidence.evidence(alert.id) == kept[1] == proof
    assert monitor.evidence.document(alert.id)["standing"] == "proof"
    (alert,) = [alert for alert in monitor.alerts() if alert.code == "consistency-invalid"]
    assert kept[0].recorded_at == alert.first_at
    assert kept[2].recorded_at == alert.last_at


def test_large_evidence_of_what_goes_on_is_kept_once_an_audit_long(monitor, watched, ca):
    """A log that lies for months fills no disk; each audit says what it found."""
    for _ in range(200):
        watched.add_precertificate(ca.precertificate("more.example.test"), ca)
    served = [(leaf + b"x", extra) for leaf, extra in watched.entries]

    def answer(handler, query):
        reply_entries(handler, served[int(query["start"]) : int(query["end"]) + 1])

    watched.hooks["get-entries"] = answer
    sizes = []
    for _ in range(3):
        monitor.audit_now()
        (stored, *_) = monitor.audits("made")
        (finding,) = [one for one in stored.findings if one.outcome.value == "failed"]
        assert finding.code == "entry-altered"
        sizes.append(len(json.dumps(dict(finding.evidence))))
    assert sizes[0] > 8 * 1024
    assert sizes[1:] == [2, 2]
    (alert,) = monitor.alerts()
    first, newest = monitor.evidence.kept(alert.id)
    assert (alert.count, first.standing, newest.standing) == (3, "observation", "observation")


def test_small_evidence_is_kept_with_every_audit(monitor, watched):
    watched.size = 3
    for _ in range(2):
        monitor.audit_now()
    for stored in monitor.audits("made", limit=2):
        assert any(finding.evidence for finding in stored.findings if finding.code == "tree-shrunk")


def test_the_evidence_of_an_older_database_is_still_there(tmp_path, log):
    """Version 4 kept that of the first time alone, beside the alert."""
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    for step in MIGRATIONS[:4]:
        connection.executescript(re.sub(r"--[^\n]*", "", step))
    key = log.key.public_key
    connection.execute(
        "INSERT INTO logs (name, log_id, spki, description, operator, url, monitoring_url, origin, mmd,"
        " state) VALUES ('made', ?, ?, '', '', ?, '', '', 60, 'usable')",
        (key.key_id, key.spki, log.base),
    )
    sth = {**log.sth_json(log.head()), "tree_size": 0}
    connection.execute(
        "INSERT INTO alerts (log, code, detail, distrusting, first_at, last_at, count, evidence)"
        " VALUES (1, 'head-signature-invalid', 'wrong', 1, 1000, 9000, 7, ?)",
        (json.dumps({"tree_head": {**sth, "timestamp": 5}}),),
    )
    connection.execute("PRAGMA user_version=4")
    connection.commit()
    connection.close()
    monitor = Monitor.open(path)
    (alert,) = monitor.alerts()
    (kept,) = monitor.evidence.kept(alert.id)
    assert (alert.count, alert.evidence["tree_head"]["timestamp"]) == (7, 5)
    assert (kept.recorded_at, kept.standing) == (alert.first_at, "observation")
    monitor.close()
