"""Certificates counted by state, against the same counted one by one."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from monitor import Monitor
from monitor.store.counts import Counts
from monitor.values import AuditOutcome

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = 86_400_000
# not_before and not_after in days from now, and the revocation
LIVES = [
    *[(-10, 80, None)] * 5,
    *[(-10, 80, "good")] * 3,
    *[(-60, 29.9, "good")] * 2,
    (-60, 30.1, "unknown"),
    (-60, 0, None),  # its last moment
    *[(-90, -1, None)] * 4,
    (-90, -1, "revoked"),
    *[(2, 92, None)] * 2,
    (2, 12, "revoked"),
    (-10, 10, "revoked"),
    *[(-10, 80, "revoked")] * 3,
]


@pytest.fixture
def filled(tmp_path):
    monitor = Monitor.open(tmp_path / "monitor.db")
    now = int(NOW.timestamp() * 1000)
    with sqlite3.connect(tmp_path / "monitor.db") as database:
        for number, (start, end, status) in enumerate(LIVES, 1):
            life = (number, now + int(start * DAY), now + int(end * DAY))
            database.execute("INSERT INTO facts VALUES (?, ?, ?, 0, 1)", life)
            if status:
                database.execute(
                    "INSERT INTO revocations VALUES (?, ?, 0, NULL, '', '', '')", (number, status)
                )
    database.close()
    yield monitor
    monitor.close()


def test_each_certificate_is_in_one_state(filled):
    counts = filled.tally.by_state(NOW)
    assert counts == Counts(valid=12, revoked=5, expired=5, not_yet_valid=2, expiring=3)
    assert counts.valid + counts.revoked + counts.expired + counts.not_yet_valid == len(LIVES)


def test_time_alone_moves_them(filled):
    later = filled.tally.by_state(NOW + timedelta(days=40))
    assert later == Counts(valid=10, revoked=3, expired=11, not_yet_valid=0, expiring=0)


def test_nothing_is_known_of_an_empty_monitor(tmp_path):
    monitor = Monitor.open(tmp_path / "none.db", read_only=True)
    assert monitor.tally.by_state(NOW) == Counts()
    monitor.close()


def test_audits_are_listed_without_their_findings(monitor, log, ca):
    log.add_precertificate(ca.precertificate("one.example.test"), ca)
    monitor.watch_log(log.watched())
    reports = [*monitor.audit_now(), *monitor.audit_now()]
    marks = monitor.tally.marks("made")
    assert [(mark.id, mark.outcome) for mark in marks] == [(r.id, r.outcome) for r in reversed(reports)]
    assert monitor.tally.marks(outcome=AuditOutcome.CONSISTENT, limit=1) == marks[:1]
    assert monitor.tally.marks("made", outcome=AuditOutcome.INCONSISTENT) == ()
    assert monitor.tally.marks("another") == ()
