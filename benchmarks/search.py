"""Searches in a monitor's database with many certificates, beside a bare SELECT: p50 and p95 of each kind.

Each kind is asked twice, each time by a new process: cold, after the system was told to forget what it holds
of the file (where it can be told), then warm. The first search of a process is among its figures.

``MINGJING_BENCH_CERTIFICATES=1000000`` makes it a million; ``MINGJING_BENCH_DATABASE`` names a file that is
made once and used again.
"""

import multiprocessing
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from benchmarks.figure import Figure
from benchmarks.generated.certificates import HOT, fill
from monitor import Monitor
from monitor.index.filters import Filters, Validity
from monitor.store import Connections
from monitor.values import Match, Query

CERTIFICATES: Final = int(os.environ.get("MINGJING_BENCH_CERTIFICATES", "100_000"))
SEARCHES: Final = 200
PAGE: Final = 50
NOW: Final = datetime.now(UTC).replace(microsecond=0)
LIMITS: Final = {Match.EXACT: 20.0, Match.SUBDOMAIN: 20.0, Match.CONTAINS: 100.0}
"""Milliseconds that 95 of 100 searches may take at a million certificates."""
FILTERED: Final = (
    Filters(exclude=frozenset({"expired", "revoked"})),
    Filters(validity=Validity.EXPIRED, expires_from=NOW - timedelta(days=400)),
    Filters(revocation="revoked"),
    Filters(issuer="issuing ca 7,", seen_from=NOW - timedelta(days=365)),
)
COMMON: Final = ("www", "com", "cloud", "example", "www.", "xn--")
NOWHERE: Final = ("zzqqxxyy", "wwwexample", "comcomcom", "nosuchname.invalid", "q")
SHORT: Final = ("a", "zu", "w.", "-", "q", "7", "例", "犬", "ü", "xq")


def measure() -> Iterator[Figure]:
    """Measure each kind of search by name, without filters and with each of them."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(os.environ.get("MINGJING_BENCH_DATABASE", Path(directory) / "monitor.db"))
        if not path.exists():
            fill(path, CERTIFICATES)
        Connections(path).close()  # brings an older file up to date
        bare, *_ = _times(_select_by_key(path))
        for name, match, queries in _kinds(_some_names(path)):
            for state in ("cold", "warm"):
                p50, p95, processor = _in_new_process(path, queries, state)
                yield Figure(f"{name}, {state}: p50", p50, "ms", "SELECT of 50 rows, p50", bare, None, False)
                asked = f"asked of p95 at {CERTIFICATES:,}"
                yield Figure(f"{name}, {state}: p95", p95, "ms", asked, LIMITS[match], 1.0, False)
                yield Figure(
                    "  the processor's time: p95", processor, "ms", asked, LIMITS[match], None, False
                )


def _in_new_process(path: Path, queries: Sequence[Query], state: str) -> tuple[float, float, float]:
    if state == "cold":
        forget(path)
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(answer, (path, queries))


def answer(path: Path, queries: Sequence[Query]) -> tuple[float, float, float]:
    """The p50 and the p95 of these queries from the first one on, and the p95 of their processor time."""
    monitor = Monitor.open(path, read_only=True)
    wanted = iter(cycle(queries))
    try:
        return _times(lambda: monitor.search(next(wanted), NOW))
    finally:
        monitor.close()


def forget(path: Path) -> None:
    """Take a file out of the system's cache, where there is a call for that."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _kinds(names: list[str]) -> Iterator[tuple[str, Match, list[Query]]]:
    chance = random.Random(1)  # noqa: S311  not for secrets
    parts = [name[at : at + chance.randrange(3, 8)] for name in names for at in [chance.randrange(3)]]
    texts = {
        Match.EXACT: [*names, *(f"no{name}" for name in names[:40])],
        Match.SUBDOMAIN: [*(name.partition(".")[2] for name in names), *names[:40], *HOT * 10, "com", "net"],
        Match.CONTAINS: [*(part for part in parts if len(part) > 2), *COMMON * 10, *NOWHERE * 8, *SHORT * 6],
    }
    for match, some in texts.items():
        queries = [Query(f"name:{text}", match, limit=PAGE) for text in some]
        chance.shuffle(queries)
        yield f"search, {match}", match, queries
        filtered = [replace(query, filters=which) for query, which in zip(queries, cycle(FILTERED))]
        yield f"search, {match}, filtered", match, filtered


def _some_names(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    (last,) = connection.execute("SELECT max(id) FROM certificates").fetchone()
    rows = random.sample(range(1, last + 1), SEARCHES)
    marks = ",".join("?" * len(rows))
    found = connection.execute(f"SELECT common_name FROM certificates WHERE id IN ({marks})", rows).fetchall()  # noqa: S608
    connection.close()
    return [name for (name,) in found]


def _select_by_key(path: Path) -> Callable[[], object]:
    connection = sqlite3.connect(path)
    (last,) = connection.execute("SELECT max(id) FROM certificates").fetchone()
    sql = f"SELECT * FROM certificates WHERE id IN ({','.join('?' * PAGE)})"  # noqa: S608
    return lambda: connection.execute(sql, random.sample(range(1, last + 1), PAGE)).fetchall()


def _times(call: Callable[[], Any]) -> tuple[float, float, float]:
    """The p50 and the p95 of many calls, and the p95 of their processor time, in milliseconds.

    On a machine that does other things, only the last says what a search costs.
    """
    times, processor = [], []
    for _ in range(SEARCHES):
        began, worked = time.perf_counter(), time.process_time()
        call()
        times.append((time.perf_counter() - began) * 1000)
        processor.append((time.process_time() - worked) * 1000)
    p95, processor_p95 = (statistics.quantiles(each, n=20)[-1] for each in (times, processor))
    return statistics.median(times), p95, processor_p95
