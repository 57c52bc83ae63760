"""The site's own requests, counted while they are answered: by page, status and time. Kept in memory."""

import threading
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from flask import Flask, Response, g, request

from web.public.metrics.exposition import Family, Kind

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds, those of Prometheus's own libraries."""

_NOWHERE: Final = "none"
"""The page of an address that no page has: addresses themselves are no labels, anybody may make them up."""


@dataclass(slots=True)
class Timed:
    """Durations of one page: how many up to each bound, and their sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0


class Requests:
    """Counts requests; thread-safe. A streamed answer is timed until its first byte."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._times: defaultdict[str, Timed] = defaultdict(Timed)

    def register(self, app: Flask) -> None:
        """Watch every request of an application."""
        app.before_request(_begin)
        app.after_request(self._end)

    def _end(self, response: Response) -> Response:
        page = request.endpoint or _NOWHERE
        took = time.perf_counter() - g.get("began", time.perf_counter())
        with self._lock:
            self._counts[page, _method(), str(response.status_code)] += 1
            timed = self._times[page]
            timed.counts[bisect_left(BUCKETS, took)] += 1
            timed.seconds += took
        return response

    def families(self) -> Iterator[Family]:
        """Yield the counts since this process began."""
        requests = Family("mingjing_http_requests_total", "Requests answered.", Kind.COUNTER)
        reports = Family(
            "mingjing_sct_reports_total", "Reports of missing entries, by what became of them.", Kind.COUNTER
        )
        times = Family(
            "mingjing_http_request_duration_seconds", "Time to an answer's first byte.", Kind.HISTOGRAM
        )
        with self._lock:
            for (page, method, status), count in sorted(self._counts.items()):
                requests.add(count, page=page, method=method, code=status)
            taken = self._counts["reports.report", "POST", "202"]
            sent = sum(
                count for (page, method, _), count in self._counts.items() if (page, method) == _REPORT
            )
            for page, timed in sorted(self._times.items()):
                _histogram(times, page, timed)
        reports.add(taken, result="taken_in").add(sent - taken, result="refused")
        yield from (requests, times, reports)


_REPORT: Final = ("reports.report", "POST")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS"})


def _begin() -> None:
    g.began = time.perf_counter()


def _method() -> str:
    return request.method if request.method in _METHODS else "other"


def _histogram(family: Family, page: str, timed: Timed) -> None:
    total = 0
    for bound, count in zip((*BUCKETS, float("inf")), timed.counts, strict=True):
        total += count
        family.add(total, suffix="_bucket", page=page, le="+Inf" if bound == float("inf") else f"{bound:g}")
    family.add(timed.seconds, suffix="_sum", page=page).add(total, suffix="_count", page=page)
