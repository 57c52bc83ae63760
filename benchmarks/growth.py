"""A log that has grown: what a submission, a restart and an entry cost at a large size.

The size is 100,000 unless ``MINGJING_GROWTH_ENTRIES`` names another (the figures asked for are at 1,000,000),
the key P-256 unless ``MINGJING_GROWTH_ALGORITHM`` is SM2.

Up to that size the log is filled with made-up entries, past HTTP and past admission, so nobody checks their
signatures. From the look-up of the index on nothing is left out: pool, sealing, hashing, staging, lock,
tiles, checkpoint, the signature of every SCT, index. Then real chains are submitted with full admission,
without HTTP, a pool (750) at a time, by turns to this log and to one of 10,000 entries: what slows the
machine slows both.
"""

import multiprocessing
import os
import statistics
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from benchmarks.figure import Figure
from benchmarks.growing.filling import POOL, Filled, Restarted, fill, restart
from verifier.algorithms import KeyAlgorithm, PrivateKey

SIZE: Final = int(os.environ.get("MINGJING_GROWTH_ENTRIES", "100000"))
SM2: Final = os.environ.get("MINGJING_GROWTH_ALGORITHM") == "SM2"
SMALL: Final = 10_000
ROUNDS: Final = 16
ASKED_COST: Final = 1.1
MEMORY_LIMIT: Final = 300.0  # MB
RESTART_LIMIT: Final = 5.0  # seconds
SUNLIGHT_BYTES: Final = 1600.0  # an entry, before compression
_TILES_SAMPLED: Final = 50
_GZIP_LEVEL: Final = 5  # as web.logs serves them


def measure() -> Iterator[Figure]:
    """Grow a log, compare it with a small one, restart it, and weigh it."""
    name = f"{'SM2' if SM2 else 'P-256'} log of {SIZE:,}"
    with tempfile.TemporaryDirectory(prefix="growth-") as directory:
        filled, restarted = grow(
            Path(directory), KeyAlgorithm.SM2 if SM2 else KeyAlgorithm.ECDSA, SIZE, ROUNDS
        )
        yield from _costs(name, filled)
        for what, value, unit, limit in (
            ("memory", max(filled.memory, restarted.memory), "MB", MEMORY_LIMIT),
            ("restart", restarted.seconds, "s", RESTART_LIMIT),
        ):
            yield Figure(f"{name}: {what}", value, unit, "asked", limit, required=1.0, higher_is_better=False)
        yield from _bytes(name, Path(directory) / "large")


def grow(directory: Path, algorithm: KeyAlgorithm, size: int, rounds: int) -> tuple[Filled, Restarted]:
    """Fill ``directory/small`` and ``directory/large``, then open the large one, in two new processes."""
    key = PrivateKey.generate(algorithm).to_pkcs8()
    filled = _in_process(fill, directory, key, {"small": min(SMALL, size), "large": size}, rounds)
    return filled, _in_process(restart, directory / "large", key)


def _in_process[T](work: Callable[..., T], *arguments: Any) -> T:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, work, arguments))
    process.start()
    theirs.close()
    result: T = ours.recv()
    process.join()
    return result


def _run(pipe: Connection, work: Callable[..., object], arguments: Sequence[Any]) -> None:
    pipe.send(work(*arguments))


def _costs(name: str, filled: Filled) -> Iterator[Figure]:
    for kind in ("cpu", "wall"):
        large, small = (
            statistics.median(getattr(costs, kind)) / POOL * 1e6 for costs in (filled.large, filled.small)
        )
        yield Figure(
            f"{name}: {kind} a submission", large, "µs", f"at {SMALL:,} entries", small,
            required=1 / ASKED_COST, higher_is_better=False,
        )  # fmt: skip


def _bytes(name: str, directory: Path) -> Iterator[Figure]:
    """Bytes an entry: as they lie on disk, and with the data tiles compressed as they are served."""
    entries = int((directory / "checkpoint").read_text().split("\n")[1])
    sizes = {path: path.stat().st_size for path in directory.rglob("*") if path.is_file()}
    tiles = [path for path in sizes if path.is_relative_to(directory / "tile" / "data")]
    data, everything = sum(sizes[path] for path in tiles), sum(sizes.values())
    index = sum(size for path, size in sizes.items() if path.name.startswith("index.db"))
    for what, size in (
        ("disk an entry", everything),
        ("  of that, data tiles", data),
        ("  of that, the index", index),
        ("disk, data tiles gzipped", everything - data + _gzipped(tiles) * data),
    ):
        yield Figure(
            f"{name}: {what}", size / entries, "B", "sunlight, uncompressed", SUNLIGHT_BYTES,
            higher_is_better=False,
        )  # fmt: skip


def _gzipped(tiles: Sequence[Path]) -> float:
    """The share of their size that compressed tiles have, from a sample of them."""
    sample = [path.read_bytes() for path in sorted(tiles)[:: max(1, len(tiles) // _TILES_SAMPLED)]]
    return sum(len(zlib.compress(data, _GZIP_LEVEL)) for data in sample) / sum(map(len, sample))
