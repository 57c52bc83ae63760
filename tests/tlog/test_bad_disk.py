"""A disk that is full or read-only, and really so: a small file system of its own, or rights taken away.

Each runs in a process of its own (``on_bad_disk``), with what it may do cut down by util-linux.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIZE = "5m"


def run(prefix: list[str], kind: str, directory: Path) -> None:
    command = [*prefix, sys.executable, "-m", "tests.tlog.on_bad_disk", kind, str(directory)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "ok\n"


@pytest.fixture
def mounting() -> list[str]:
    """A command that lets another one mount: as root, or as an ordinary user in a namespace of its own."""
    command = (
        ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    )
    tried = subprocess.run(
        [*command, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
    )
    if tried.returncode:
        why = f"not run: no right to mount here: {tried.stderr.decode().strip()}"
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)
    return command


@pytest.mark.needs("unshare", "mount")
@pytest.mark.parametrize("kind", ["full", "readonly"])
def test_a_small_file_system(mounting, tmp_path, kind) -> None:
    mount = 'mount -t tmpfs -o size="$0" none "$1" && shift && exec "$@"'
    run([*mounting, "sh", "-c", mount, SIZE, str(tmp_path)], kind, tmp_path)


@pytest.mark.needs("setpriv")
def test_a_directory_without_the_right_to_write(tmp_path) -> None:
    """Root may write anywhere, unless it gives that right up."""
    without = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    run(without, "unwritable", tmp_path)
