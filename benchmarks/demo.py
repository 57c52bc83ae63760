"""The demo as a process of its own, on free ports, for the benchmarks that need the whole house running."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Final, Self

LISTENERS: Final = ("site", "proxy", "authority", "gateway", "logs")


class Demo:
    """``mingjing up --demo`` in a with-statement: ready when it is entered, ended when it is left."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._ports = {name: _free_port() for name in LISTENERS}

    @property
    def site(self) -> str:
        """The public site's address, without a path."""
        return f"http://127.0.0.1:{self._ports['site']}"

    def __enter__(self) -> Self:
        ports = [f"--{name}-port={port}" for name, port in self._ports.items()]
        command = [
            sys.executable,
            "-m",
            "mingjing",
            "up",
            "--demo",
            "--json",
            "--data",
            str(self.data),
            *ports,
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._process.stdout is not None
        while self._process.stdout.readline() not in {b"}\n", b""}:
            pass
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
