"""``mingjing check`` as a whole process, beside the interpreter loading what it needs and doing nothing."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.demo import Demo
from benchmarks.figure import Figure

RUNS = 7
LOADED = "import proxy_addon.connect.check, verifier.judge, cryptography.x509, OpenSSL.SSL"


def measure() -> Iterator[Figure]:
    """Start the demo on free ports and time ``check`` against its good site."""
    with tempfile.TemporaryDirectory(prefix="mingjing-bench-") as folder, Demo(Path(folder) / "data") as demo:
        command = [sys.executable, "-m", "mingjing", "check", "good.mingjing.test", "--data", str(demo.data)]
        check, imports = _median(command), _median([sys.executable, "-c", LOADED])
        idle = _median([sys.executable, "-m", "mingjing", "--help"])
    yield Figure("check good.mingjing.test, whole process", check, "s", "imports alone", imports, None, False)
    yield Figure("mingjing --help, whole process", idle, "s", "asked for", 0.3, 1.0, False)


def _median(command: list[str]) -> float:
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - started)
    return sorted(times)[RUNS // 2]
