"""A whole service as its user starts it: ``mingjing up --demo`` on free ports, once for these tests."""

import json
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

STARTING_SECONDS = 240


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@dataclass
class Service:
    """A running service: its process, its data directory, and what it announced."""

    process: subprocess.Popen
    data: Path
    facts: dict
    errors: Path
    seconds: float

    @property
    def site(self) -> str:
        return self.facts["services"]["site"].rstrip("/")

    @property
    def proxy(self) -> str:
        return self.facts["services"]["proxy"]

    @property
    def ca(self) -> str:
        return self.facts["local_ca"]

    def run(self, *arguments: str, data: Path | None = None, **options) -> subprocess.CompletedProcess:
        return mingjing(*arguments, "--data", str(data or self.data), **options)

    def curl(self, url: str, *options: str) -> subprocess.CompletedProcess:
        command = ["curl", "-sS", "--max-time", "60", "-x", self.proxy, "--cacert", self.ca, *options, url]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def mingjing(*arguments: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "mingjing", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, **options)


def port_options() -> list[str]:
    names = ("site", "proxy", "authority", "gateway", "logs")
    return [f"--{name}-port={port}" for name, port in zip(names, free_ports(len(names)), strict=True)]


def start(data: Path, *options: str) -> Service:
    """Start ``mingjing up --demo`` and return once it has announced itself."""
    started = time.monotonic()
    output, errors = (data.parent / f"{data.name}.{name}" for name in ("stdout", "stderr"))
    command = [sys.executable, "-m", "mingjing", "up", "--demo", "--json", "--data", str(data), *options]
    with output.open("wb") as stdout, errors.open("ab") as stderr:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
    facts = _announcement(process, output, errors)
    return Service(process, data, facts, errors, time.monotonic() - started)


def _announcement(process: subprocess.Popen, output: Path, errors: Path) -> dict:
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return json.loads(output.read_text())
        except json.JSONDecodeError:
            time.sleep(0.05)
    process.kill()
    process.wait()
    pytest.fail(f"mingjing up did not announce itself:\n{output.read_text()}\n{errors.read_text()}")


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    running = start(tmp_path_factory.mktemp("up") / "data", *port_options())
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def initialised(tmp_path_factory) -> Path:
    """A data directory after ``init``, on which no service runs; copy it before changing anything."""
    data = tmp_path_factory.mktemp("init") / "data"
    done = mingjing("init", "--data", str(data), "--org", "Example", "--domain", "corp.example")
    assert done.returncode == 0, done.stderr
    text = (data / "mingjing.toml").read_text()
    (data / "mingjing.toml").write_text(text.replace("logs = 8444", "logs = 1"))  # nothing answers there
    return data
