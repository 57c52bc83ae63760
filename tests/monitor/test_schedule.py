"""The scheduler: what it does beside its audits goes on while every one of them hangs."""

from threading import Event, Semaphore

import pytest

from monitor import schedule
from monitor.schedule import Schedule
from monitor.service import AUDIT_THREADS, Monitor

PATIENCE = 60.0  # seconds, for a machine under load; without a thread of its own no beat ever comes


@pytest.mark.timeout(300)
def test_the_heart_beats_while_all_audits_hang(monitor, monkeypatch):
    release, hanging, beats = Event(), Semaphore(0), Semaphore(0)

    def hang(_self, _name):
        hanging.release()
        release.wait(PATIENCE * 4)

    names = [f"log-{number}" for number in range(AUDIT_THREADS * 2)]
    monkeypatch.setattr(Schedule, "_audit", hang)
    monkeypatch.setattr(Schedule, "_log_list", lambda _self, _place: None)
    monkeypatch.setattr(Monitor, "watch", lambda _self, _logs: names)
    monkeypatch.setattr(Monitor, "beat", lambda _self, _now, _interval: beats.release())
    monkeypatch.setattr(schedule, "HEARTBEAT_SECONDS", 0.05)
    running = Schedule(monitor, ("a list",), 3600.0)
    running.start()
    try:
        assert all(hanging.acquire(timeout=PATIENCE) for _ in range(AUDIT_THREADS))
        while beats.acquire(blocking=False):
            pass  # those from before
        assert all(beats.acquire(timeout=PATIENCE) for _ in range(3))
    finally:
        release.set()
        running.shutdown()
