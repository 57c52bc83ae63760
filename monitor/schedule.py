"""The scheduler process: every log followed and audited around the clock, revocation kept fresh."""

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Lock
from typing import Any
from urllib.parse import urlsplit

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from monitor.errors import MonitorError
from monitor.service import AUDIT_THREADS, Monitor
from verifier.transparency.log_list import MAX_LOG_LIST_SIZE, LogList, parse_log_list

MISFIRE_SECONDS = 3600  # a machine that slept audits once when it wakes, whatever it missed
HEARTBEAT_SECONDS = 5.0
HEART = "heart"  # a thread of its own: logs that hang, however many, do not make it skip


@dataclass(slots=True)
class Schedule:
    """Runs a monitor's jobs. ``log_lists`` are paths or URLs of log lists, read again before every round.

    ``revocation_every`` bounds how long a CRL is used although it has not run out. ``after_round`` is called
    after every audit, one call at a time: the publisher looks there for newly distrusted logs.
    """

    monitor: Monitor
    log_lists: tuple[str, ...]
    interval: float
    revocation_every: timedelta | None = None
    after_round: Callable[[], None] | None = None
    report: Callable[[str], None] = lambda _line: None
    stop: Event = field(default_factory=Event)
    _after: Lock = field(default_factory=Lock)
    _scheduler: BackgroundScheduler = field(init=False)

    def __post_init__(self) -> None:
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(AUDIT_THREADS), HEART: ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": MISFIRE_SECONDS},
            timezone=UTC,
        )

    def run(self) -> None:
        """Start, and block until SIGTERM, SIGINT or ``stop``; the audits that run are ended cleanly."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop.set())
        self.start()
        try:
            self.stop.wait()
        finally:
            self.shutdown()

    def start(self) -> None:
        """Start the jobs in the background."""
        self._every(HEARTBEAT_SECONDS, self._beat, "heartbeat", executor=HEART)
        self._every(self.interval, self._plan, "log lists")
        self._every(self.interval, self._reports, "reports")
        self._every(self.interval, self._revocation, "revocation", first=min(2.0, self.interval))
        self._scheduler.start()

    def shutdown(self) -> None:
        """Stop between two batches of entries, waiting for no log; what was read is kept."""
        self.stop.set()
        self.monitor.fetcher.stop.set()
        self._scheduler.pause()  # or it hands a job to an executor that has ended, and says so as an error
        self._scheduler.shutdown(wait=True)

    def _every(
        self,
        seconds: float,
        job: Callable[..., None],
        name: str,
        *args: Any,
        first: float = 0.0,
        executor: str = "default",
    ) -> None:
        begin = datetime.now(UTC) + timedelta(seconds=first)
        self._scheduler.add_job(
            job,
            "interval",
            args,
            id=name,
            name=name,
            executor=executor,
            seconds=seconds,
            next_run_time=begin,
            replace_existing=True,
        )

    def _beat(self) -> None:
        self.monitor.beat(datetime.now(UTC), max(self.interval, HEARTBEAT_SECONDS))

    def _plan(self) -> None:
        """Read the log lists and give each log that is new a job of its own."""
        for place in self.log_lists:
            try:
                names = self.monitor.watch(self._log_list(place))
            except (OSError, ValueError, MonitorError) as error:
                self.report(f"could not read the log list {place}: {error}")
                continue
            for name in names:
                if self._scheduler.get_job(f"audit {name}") is None:
                    self._every(self.interval, self._audit, f"audit {name}", name)

    def _log_list(self, place: str) -> LogList:
        if urlsplit(place).scheme in {"http", "https"}:
            return parse_log_list(self.monitor.fetcher.get(place, limit=MAX_LOG_LIST_SIZE), place)
        return parse_log_list(Path(place).read_bytes(), place)

    def _audit(self, name: str) -> None:
        (report,) = self.monitor.audit_now(
            [name], stop=self.stop, budget=timedelta(seconds=max(self.interval, 30))
        )
        failed = [
            finding for finding in report.findings if finding.outcome.value in {"failed", "unavailable"}
        ]
        for finding in failed:
            self.report(f"{name}: {finding.code.value}: {finding.detail}")
        if self.after_round:
            with self._after:
                self.after_round()

    def _reports(self) -> None:
        self.monitor.auditing.take_in_reports(self.monitor.reports)

    def _revocation(self) -> None:
        self.monitor.refresh_revocation(datetime.now(UTC), at_least_every=self.revocation_every)
