"""What an audit keeps for whoever looks at a log: heads that others saw, its roots, who cosigned."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor import Monitor
from monitor.observations.values import SeenState
from verifier.transparency.tree_head import sign_tree_head


@pytest.fixture
def watched(monitor, log, ca):
    for number in range(4):
        log.add_precertificate(ca.precertificate(f"{number}.example.test"), ca)
    monitor.watch_log(log.watched())
    monitor.audit_now()
    return log


def test_heads_of_others_are_shown_with_what_is_known_of_them(monitor, watched):
    row = monitor.auditing._logs.get("made").id
    agreeing = watched.head()
    conflicting = sign_tree_head(agreeing.tree_size, agreeing.timestamp, bytes(32), watched.key)
    larger = sign_tree_head(agreeing.tree_size + 9, agreeing.timestamp + 1000, bytes(32), watched.key)
    for number, head in enumerate((agreeing, conflicting, larger)):
        monitor.observations.add_head(row, head, f"observer {number}", datetime.now(UTC))
    assert {seen.state for seen in monitor.observations.seen_heads("made", 10)} == {SeenState.OPEN}
    monitor.audit_now()
    found = {seen.observer: seen.state for seen in monitor.observations.seen_heads("made", 10)}
    assert found == {
        "observer 0": SeenState.AGREES, "observer 1": SeenState.CONFLICTS, "observer 2": SeenState.OPEN,
    }  # fmt: skip
    assert [seen.observer for seen in monitor.observations.seen_heads("made", 1)] == ["observer 2"]
    assert monitor.observations.seen_heads("another", 10) == ()


def test_the_roots_that_a_log_accepts_are_counted_once_a_day(monitor, watched, monkeypatch):
    asked = []
    monkeypatch.setattr("monitor.auditor.rounds._roots", lambda *_: asked.append(1) or {b"a": b"", b"b": b""})
    row = monitor.auditing._logs.get("made").id
    monitor.observations.move(f"roots asked {row}", 0)
    for _ in range(3):
        monitor.audit_now()
    assert len(asked) == 1
    assert monitor.observations.accepted_roots("made") == 2
    yesterday = datetime.now(UTC) - timedelta(days=1, minutes=1)
    monitor.observations.move(f"roots asked {row}", int(yesterday.timestamp() * 1000))
    monkeypatch.setattr("monitor.auditor.rounds._roots", lambda *_: asked.append(1) or {})
    monitor.audit_now()
    assert len(asked) == 2
    assert monitor.observations.accepted_roots("made") == 2  # silence takes nothing back
    assert monitor.observations.accepted_roots("another") is None


def test_what_is_found_through_a_proxy_names_it_without_its_password(database, log):
    monitor = Monitor.open(database, vantages=["http://user:secret@127.0.0.1:9/"])
    monitor.watch_log(log.watched())
    (report,) = monitor.audit_now()
    monitor.close()
    details = [finding.detail for finding in report.findings]
    assert any("Through http://127.0.0.1:9/" in detail for detail in details)
    assert "secret" not in str(report.to_json())
