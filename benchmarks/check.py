"""``mingjing check`` as a whole process, beside the interpreter loading what it needs and doing nothing."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure

RUNS = 7
LOADED = "import proxy_addon.connect.check, verifier.judge, cryptography.x509, OpenSSL.SSL"


def measure() -> Iterator[Figure]:
    """Start the demo on free ports and time ``check`` against its good site."""
    with tempfile.TemporaryDirectory(prefix="mingjing-bench-") as folder:
        data = Path(folder) / "data"
        service = _start(data)
        try:
            command = [sys.executable, "-m", "mingjing", "check", "good.mingjing.test", "--data", str(data)]
            check, imports = _median(command), _median([sys.executable, "-c", LOADED])
            idle = _median([sys.executable, "-m", "mingjing", "--help"])
        finally:
            service.terminate()
            service.wait()
    yield Figure("check good.mingjing.test, whole process", check, "s", "imports alone", imports, None, False)
    yield Figure("mingjing --help, whole process", idle, "s", "asked for", 0.3, 1.0, False)


def _start(data: Path) -> subprocess.Popen[bytes]:
    ports = [f"--{name}-port={_free_port()}" for name in ("site", "proxy", "authority", "gateway", "logs")]
    command = [sys.executable, "-m", "mingjing", "up", "--demo", "--json", "--data", str(data), *ports]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    while process.stdout.readline() not in {b"}\n", b""}:
        pass
    return process


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _median(command: list[str]) -> float:
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - started)
    return sorted(times)[RUNS // 2]
