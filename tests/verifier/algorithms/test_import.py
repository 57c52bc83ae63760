"""Importing the room is cheap: a command's --help must answer within 0.3 s."""

import subprocess
import sys

import pytest

_PROGRAM = """
import sys, time
start = time.process_time()
import verifier.algorithms
print(time.process_time() - start, *sorted(sys.modules))
"""


@pytest.fixture(scope="module")
def after_import() -> list[str]:
    """CPU seconds (a busy machine does not count), then the modules that are loaded; the best of three."""
    runs = []
    for _ in range(3):
        command = [sys.executable, "-c", _PROGRAM]
        runs.append(subprocess.run(command, capture_output=True, check=True, text=True).stdout.split())
    return min(runs, key=lambda run: float(run[0]))


def test_it_is_quick(after_import: list[str]) -> None:
    assert float(after_import[0]) < 0.2


@pytest.mark.parametrize(
    "module", ["gmssl", "asn1crypto", "OpenSSL", "mitmproxy", "asyncio", "verifier.algorithms.libcrypto"]
)
def test_it_loads_no_engine_and_nothing_heavy(after_import: list[str], module: str) -> None:
    assert module not in after_import
