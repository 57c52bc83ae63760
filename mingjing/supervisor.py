"""Starts the services as child processes, restarts one that dies and says so, stops them all cleanly."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mingjing.errors import MingjingError, NotStarted
from mingjing.output import talk
from mingjing.serving import answers

READY_SECONDS = 60.0
POLL_SECONDS = 0.1
STOP_SECONDS = 6.0
CALM_SECONDS = 60.0
LONGEST_PAUSE = 10.0


@dataclass(slots=True)
class Service:
    """One child: its name, and the addresses that answer once it is ready."""

    name: str
    addresses: tuple[tuple[str, int], ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restarts: int = 0
    due: float = field(default=0.0)

    def answers(self) -> bool:
        return all(answers(host, port) for host, port in self.addresses)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Owns the children of one ``mingjing up``.

    Each child's output goes to ``log/<service>.log`` in the data directory. Children ask the kernel to
    end with their parent (see ``die_with_parent``), so that even a killed supervisor leaves none behind.
    """

    def __init__(self, data: Path, report: Callable[[str], None] = talk) -> None:
        self._data = data
        self._report = report
        self._services: list[Service] = []
        self._logs = data / "log"
        self._logs.mkdir(exist_ok=True)

    def start(self, service: Service) -> Service:
        """Start ``service`` and keep it running until ``stop``."""
        self._services.append(service)
        self._spawn(service)
        return service

    def _spawn(self, service: Service) -> None:
        command = [sys.executable, "-m", "mingjing", "run", service.name, "--data", str(self._data)]
        environment = {**os.environ, "MINGJING_SUPERVISED": str(os.getpid())}
        with (self._logs / f"{service.name}.log").open("ab") as log:
            service.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        service.started = time.monotonic()

    def wait_until_ready(self, services: Sequence[Service] | None = None) -> None:
        """Return when all answer; raises MingjingError with the child's last words if one cannot start."""
        waiting = list(self._services if services is None else services)
        deadline = time.monotonic() + READY_SECONDS
        while waiting:
            for service in waiting:
                if not service.alive:
                    raise NotStarted(
                        f"the service '{service.name}' could not start: {self._last_words(service)}"
                    )
            waiting = [service for service in waiting if not service.answers()]
            if waiting and time.monotonic() > deadline:
                names = ", ".join(service.name for service in waiting)
                raise NotStarted(f"no answer from {names} after {READY_SECONDS:.0f} s; see {self._logs}/.")
            time.sleep(POLL_SECONDS / 2 if waiting else 0)

    def watch(self) -> None:
        """Restart what dies, until an exception (KeyboardInterrupt by SIGTERM or Ctrl-C) ends it."""
        while True:
            for service in self._services:
                self._look_after(service)
            time.sleep(POLL_SECONDS)

    def _look_after(self, service: Service) -> None:
        now = time.monotonic()
        if service.alive:
            if service.restarts and now - service.started > CALM_SECONDS:
                service.restarts = 0
            return
        if not service.due:
            pause = min(LONGEST_PAUSE, 0.2 * 2**service.restarts)
            service.due = now + pause
            code = service.process.returncode if service.process else None
            self._say(f"{service.name} stopped ({_how(code)}); starting it again in {pause:.1f} s.")
        elif now >= service.due:
            service.due, service.restarts = 0.0, service.restarts + 1
            self._spawn(service)

    def stop(self) -> None:
        """Ask every child to end, newest first; kill what does not. Takes a few seconds at most."""
        for service in reversed(self._services):
            if service.alive and service.process:
                service.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for service in self._services:
            if service.process is None:
                continue
            try:
                service.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                service.process.kill()
                service.process.wait()
                self._say(f"{service.name} did not stop by itself; it was ended.")

    def _say(self, text: str) -> None:
        with suppress(OSError):  # a terminal that is gone must not keep the children from being looked after
            self._report(text)

    def _last_words(self, service: Service) -> str:
        lines = (self._logs / f"{service.name}.log").read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing."


def _how(code: int | None) -> str:
    if code is None:
        return "it was never started"
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"exit code {code}"


def die_with_parent() -> None:
    """Ask the kernel to end this process when the supervisor that started it is gone (Linux)."""
    supervisor = os.environ.get("MINGJING_SUPERVISED")
    if supervisor is None or sys.platform != "linux":
        return
    import ctypes

    set_parent_death_signal = 1  # PR_SET_PDEATHSIG of prctl(2); what was acknowledged is on disk already
    ctypes.CDLL(None, use_errno=True).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != int(supervisor):
        raise MingjingError("the supervisor that started this service is gone.")
