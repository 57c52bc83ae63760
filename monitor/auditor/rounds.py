"""Audits put together: the source that a log speaks, the meter, other vantages, and the store."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

from monitor.auditor.audit import Auditor
from monitor.auditor.finals import Finals
from monitor.auditor.logged_rows import LoggedRows
from monitor.auditor.running import RunningAudit
from monitor.auditor.witnesses import Witnesses, WitnessPolicy
from monitor.errors import SourceError
from monitor.follower.fetch import Fetcher
from monitor.follower.meter import Gets, Meter
from monitor.follower.rfc6962 import Rfc6962Source
from monitor.follower.source import LogSource
from monitor.follower.static_ct import StaticSource
from monitor.observations import Observations
from monitor.reports import take_in
from monitor.store import Audits, Connections, Logs
from monitor.store.logs import LogRow
from monitor.values import AuditCode, AuditReport, WatchedLog, to_ms

VANTAGE_SECONDS = 10.0
_DAY_MS = 86_400_000


class Auditing:
    """Audits logs one at a time in the caller's thread.

    ``vantages`` are addresses of HTTP proxies elsewhere: a log that shows them another tree is found out.
    """

    def __init__(
        self,
        connections: Connections,
        fetcher: Fetcher,
        operator: str,
        vantages: Sequence[str] = (),
        witnesses: WitnessPolicy | None = None,
    ) -> None:
        self._logs = Logs(connections)
        self._audits = Audits(connections)
        self._finals = Finals(connections)
        self._rows = LoggedRows(connections)
        self.observations = Observations(connections)
        self._fetcher = fetcher
        self._operator = operator
        self._witnesses = Witnesses(connections, fetcher, witnesses or WitnessPolicy())
        self._vantages = {
            proxy: Fetcher(fetcher.local, answer_seconds=VANTAGE_SECONDS, proxy=proxy) for proxy in vantages
        }

    def audit(
        self,
        row: LogRow,
        fetcher: Gets,
        progress: Callable[[str], None] | None,
        stop: Event,
        budget: timedelta,
    ) -> AuditReport:
        """Run one audit of one log and store it with what was learnt on the way."""
        meter = Meter(fetcher)
        source = source_of(row.log, meter)
        running = RunningAudit(
            row,
            source,
            self._logs,
            self._audits,
            self.observations,
            peers={other.log.log_id: other.log for other in self._logs.all()},
            roots=lambda: _roots(row.log, meter),
            operator=self._operator,
            budget=budget,
            stop=stop,
            progress=progress,
        )
        self._look_from_elsewhere(running)
        report = Auditor(running, self._finals, self._rows, self._witnesses).audit()
        self._count_roots(running)
        self.observations.count(row.id, meter.counts, datetime.now(UTC))
        if isinstance(source, StaticSource) and source.origin != row.log.origin:
            self._logs.set_origin(row.id, source.origin)
        return report

    def _count_roots(self, audit: RunningAudit) -> None:
        """Ask once a day how many roots the log accepts, and keep the number for whoever looks at the log."""
        asked, now = f"roots asked {audit.row.id}", to_ms(audit.clock())
        if now - self.observations.cursor(asked) < _DAY_MS:
            return
        self.observations.move(asked, now)
        if roots := audit.roots():
            self.observations.move(f"roots {audit.row.id}", len(roots))

    def take_in_reports(self, directory: Path) -> int:
        """Take in what clients reported; the next audits judge it. Returns how many reports were genuine."""
        return take_in(directory, self._logs, self.observations)

    def _look_from_elsewhere(self, audit: RunningAudit) -> None:
        for address, fetcher in self._vantages.items():
            proxy = _without_password(address)
            try:
                head = source_of(audit.log, fetcher).tree_head()
            except SourceError as error:
                detail = f"Through {proxy} the log could not be read: {error}."
                audit.note(AuditCode.UNAVAILABLE, detail, "RFC 6962 section 5.3")
                continue
            self.observations.add_head(audit.row.id, head, proxy, audit.clock())


def _without_password(address: str) -> str:
    """Return a proxy's address as anybody may read it: what the auditor finds is public."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def source_of(log: WatchedLog, fetcher: Gets) -> LogSource:
    """Return a reader of the protocol that the log speaks."""
    if log.url:
        return Rfc6962Source(log.url, fetcher)
    return StaticSource(log.monitoring_url, log.origin, log.log_id, fetcher)


def _roots(log: WatchedLog, fetcher: Gets) -> Mapping[bytes, bytes]:
    """The roots that the log says it accepts, by fingerprint; none where it does not say."""
    where = log.url or log.submission_url
    if not where:
        return {}
    try:
        return {sha256(der).digest(): der for der in Rfc6962Source(where, fetcher).roots()}
    except SourceError:
        return {}
