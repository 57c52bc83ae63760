"""A watchlist in a directory of its own, the runner that reads it, and receivers of notices."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor import Monitor
from monitor.watching.runner import Runner
from monitor.watching.service import Watching
from tests.monitor.conftest import TestCa


class Watchlist:
    """watchlist.toml beside a monitor's database, with a hook that keeps what it is given."""

    def __init__(self, directory: Path, monitor: Monitor) -> None:
        self.directory = directory
        self.monitor = monitor
        self.file = directory / "watchlist.toml"
        self.told = directory / "told"
        self.told.mkdir()
        self.ours: set[bytes] = set()
        self._times = 0

    def write(self, text: str) -> None:
        """Replace the file, as if some time ago; the time of change differs from the one before."""
        self._times += 1
        new = self.file.with_suffix(".new")
        new.write_text(text)
        os.utime(new, (time.time(), time.time() - 3600 + self._times))
        new.replace(self.file)

    def watch(self, *names: str, hook: bool = True, more: str = "") -> None:
        listed = ", ".join(json.dumps(name) for name in names)
        self.write(f"names = [{listed}]\n{more}\n" + (self.hook() if hook else ""))

    def hook(self, script: str = "", name: str = "hook", timeout: float = 30) -> str:
        """Make a program that runs ``script`` and then keeps its stdin; returns its section."""
        program = self.directory / f"{name}.sh"
        keep = f'cat > "{self.told}/$$.part" && mv "{self.told}/$$.part" "{self.told}/$(date +%s%N).$$.json"'
        program.write_text(f"#!/bin/sh\n{script}\n{keep}\n")
        program.chmod(0o755)
        return f'[[hook]]\nname = "{name}"\nprogram = "{program.name}"\ntimeout = {timeout}\n'

    def runner(self, **options: Any) -> Runner:
        return self.monitor.watching.runner(
            self.file, is_ours=lambda _serial, tbs: tbs in self.ours, site="https://site.example", **options
        )

    @contextmanager
    def running(self, **options: Any) -> Iterator[Runner]:
        runner = self.runner(**options).start()
        try:
            yield runner
        finally:
            runner.stop()

    def received(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.told.glob("*.json"))]


def until[T](get: Callable[[], T], seconds: float = 90) -> T:
    """Wait until ``get`` gives something true, and return it."""
    deadline = time.monotonic() + seconds
    while not (value := get()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert value, "waited in vain"
    return value


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., Any]:
    return until


def states(watching: Watching) -> list[str]:
    """Where each notice stands with its first channel, from the oldest on."""
    return [notice.deliveries[0].state.value for notice in reversed(watching.notices())]


@pytest.fixture
def watchlist(tmp_path: Path, monitor: Monitor) -> Watchlist:
    return Watchlist(tmp_path, monitor)


@pytest.fixture
def queued(watchlist: Watchlist, ca: TestCa) -> Watching:
    """Three notices queued on the channel "hook", whose own thread is stopped; the courier is the test's."""
    watchlist.watch(".example.com")
    runner = watchlist.runner()
    runner.look(datetime.now(UTC))
    runner.stop_couriers()
    for name in ("a", "b", "c"):
        watchlist.monitor.add_certificate(ca.issue(f"{name}.example.com"))
    while runner.look(datetime.now(UTC)):
        pass
    return watchlist.monitor.watching
