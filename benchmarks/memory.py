"""How much memory a process has, as Linux counts it."""

import re
from pathlib import Path


def private() -> float:
    """What this process keeps to itself, in MiB."""
    return _status("RssAnon")


def most() -> float:
    """The most that this program ever held, in MiB; ``ru_maxrss`` would count what started it, too."""
    return _status("VmHWM")


def _status(field: str) -> float:
    found = re.search(rf"^{field}:\s*(\d+) kB$", Path("/proc/self/status").read_text("ascii"), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"/proc/self/status names no {field}: this measure needs Linux 4.5")
    return int(found[1]) / 1024
