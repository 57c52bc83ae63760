"""What is kept of an alert that is met again: the first evidence, the newest, and a proof between."""

import base64
import json
import re
import sqlite3

import pytest

from monitor import Monitor
from monitor.store.migrations import MIGRATIONS
from monitor.values import AuditOutcome
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
        reply_json(handler, {"consistency": [base64.b64encode(bytes(32)).decode()] * length})

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
