"""The supervisor restarts what dies and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mingjing.errors import MingjingError
from mingjing.supervisor import Service, Supervisor


class Sleeper(Supervisor):
    """A supervisor whose children run the given Python program instead of a service."""

    program = "import time; time.sleep(600)"

    def _spawn(self, service):
        log = (self._logs / f"{service.name}.log").open("ab")
        with log:
            service.process = subprocess.Popen(
                [sys.executable, "-c", self.program], stdout=log, stderr=log, start_new_session=True
            )
        service.started = time.monotonic()


def test_a_child_that_dies_is_started_again_and_it_is_said(tmp_path):
    said = []
    supervisor = Sleeper(tmp_path, said.append)
    service = supervisor.start(Service("site"))
    first = service.process.pid
    try:
        os.kill(first, signal.SIGKILL)
        service.process.wait(60)
        deadline = time.monotonic() + 60
        while not (service.alive and service.process.pid != first):
            supervisor._look_after(service)
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert said == ["site stopped (ended by SIGKILL); starting it again in 0.2 s."]
    finally:
        supervisor.stop()
    assert not service.alive


def test_a_child_that_cannot_start_is_quoted(tmp_path):
    supervisor = Sleeper(tmp_path)
    supervisor.program = "raise SystemExit('port 1 is taken')"
    service = supervisor.start(Service("site", (("127.0.0.1", 1),)))
    service.process.wait(60)
    with pytest.raises(MingjingError, match="'site' could not start: port 1 is taken"):
        supervisor.wait_until_ready()


def test_a_child_that_ignores_sigterm_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("mingjing.supervisor.STOP_SECONDS", 0.5)
    said = []
    supervisor = Sleeper(tmp_path, said.append)
    supervisor.program = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)"
    )
    service = supervisor.start(Service("site"))
    while not (tmp_path / "log" / "site.log").stat().st_size:
        time.sleep(0.02)
    supervisor.stop()
    assert said == ["site did not stop by itself; it was ended."]
    assert service.process.returncode == -signal.SIGKILL


def test_a_second_signal_does_not_cut_the_clean_up_short(tmp_path):
    program = (
        "import time\n"
        "from mingjing.signals import end_on_sigterm\n"
        "end_on_sigterm()\n"
        "try:\n    print('ready', flush=True)\n    time.sleep(600)\n"
        "except KeyboardInterrupt:\n    print('ending', flush=True)\n    time.sleep(1)\n"
        "print('clean', flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "ending\n"
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "clean\n"
    assert process.returncode == 0
