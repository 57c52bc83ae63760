"""One look at what is new: certificates, malformed entries and the auditor's alerts become notices.

Every look starts where the last one was recorded to end, in the same transaction as its notices. A process
that is killed in between looks at the same again, and a notice is stored once for what it is about.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitor.index.query import Index
from monitor.store import watches as progress
from monitor.store.connections import Connections
from monitor.store.notices import NewNotice, add
from monitor.store.reading import Certificates
from monitor.store.watches import AlertRow, MalformedEntryRow, Watches, WatchRow
from monitor.values import CertificateSummary, Match, Query, from_ms, to_ms
from monitor.watching import words
from monitor.watching.match import Matcher, Matches
from monitor.watching.values import Kind, Origin, Subject

CHUNK: Final = 1000
MALFORMED_CHUNK: Final = 200
NO_WATCH: Final = 0
ASKED_AT_MOST: Final = 1000
QUIET: Final = timedelta(hours=1)
"""An alert that is raised again after being quiet for this long is told again."""

type IsOurs = Callable[[int, bytes], bool]
"""Tells whether our own issuer made the certificate with this serial number and TBS hash."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A certificate that was compared, by its row, and the watches that it concerns."""

    row: int
    summary: CertificateSummary
    matches: Matches


class Rounds:
    """Compares what is new with one watchlist. ``deliver_past`` is false where the past is only listed."""

    def __init__(
        self,
        connections: Connections,
        certificates: Certificates,
        index: Index,
        *,
        is_ours: IsOurs,
        deliver_past: bool = True,
    ) -> None:
        self._db = connections
        self._certificates = certificates
        self._index = index
        self._watches = Watches(connections)
        self._is_ours = is_ours
        self._deliver_past = deliver_past
        self._active = self._watches.active()
        self._matcher = Matcher((watch.id, watch.kind, watch.value) for watch in self._active)

    def look(self, now: datetime) -> bool:
        """Look at one portion of everything; returns whether there is more to look at right now."""
        more = [self.new_certificates(now), self.malformed(now), self.alerts(now)]
        if not any(more):
            more.append(self.past_certificates(now))
        self._watches.checked(now)
        return any(more)

    def new_certificates(self, now: datetime) -> bool:
        """Compare the next new certificates; returns whether there may be more."""
        position = self._watches.state()["position"]
        rows = self._watches.new_certificates(position, CHUNK)
        if not rows:
            return False
        found = self._compare(rows, self._matcher)
        notices = list(self._notices(found, now, past=False))
        with self._db.write() as connection:
            if progress.move(connection, position, rows[-1]):
                add(connection, notices, to_ms(now))
                progress.seen(connection, {notice.watch for notice in notices}, to_ms(now))
        return True

    # past certificates of newly watched names

    def past_certificates(self, now: datetime) -> bool:
        """Ask the index for what it finds at once; then compare every certificate, for hidden names too."""
        waiting = [watch for watch in self._active if watch.searched < watch.search_end]
        if not waiting:
            return False
        fresh = next((watch for watch in waiting if not watch.asked), None)
        if fresh is not None:
            self._ask(fresh, now)
        else:
            self._search(waiting, now)
        self._active = self._watches.active()
        return True

    def _ask(self, watch: WatchRow, now: datetime) -> None:
        matcher = Matcher([(watch.id, watch.kind, watch.value)])
        summaries = self._index.page(_query(watch), now).results if _query(watch).q else ()
        found = [
            _Found(row, summary, matches)
            for summary in summaries
            if (matches := matcher.certificate(summary))
            and (row := self._certificates.find(summary.sha256)) is not None
        ]
        with self._db.write() as connection:
            notices = list(self._notices(found, now, past=True))
            add(connection, notices, to_ms(now))
            progress.seen(connection, {notice.watch for notice in notices}, to_ms(now))
            progress.asked(connection, watch.id)

    def _search(self, waiting: Sequence[WatchRow], now: datetime) -> None:
        """Take the watches that stand furthest back one portion on."""
        start = min(watch.searched for watch in waiting)
        group = [watch for watch in waiting if watch.searched == start]
        end = min(watch.search_end for watch in group)
        rows = [row for row in self._watches.new_certificates(start, CHUNK) if row <= end]
        matcher = Matcher((watch.id, watch.kind, watch.value) for watch in group)
        notices = list(self._notices(self._compare(rows, matcher), now, past=True))
        reached = rows[-1] if len(rows) == CHUNK else end
        with self._db.write() as connection:
            add(connection, notices, to_ms(now))
            progress.seen(connection, {notice.watch for notice in notices}, to_ms(now))
            progress.searched(connection, [watch.id for watch in group], start, reached)

    # certificates

    def _compare(self, rows: Sequence[int], matcher: Matcher) -> list[_Found]:
        if not matcher.watches:
            return []
        pairs = zip(rows, self._certificates.summaries(rows), strict=True)
        return [_Found(row, each, matches) for row, each in pairs if (matches := _matches(matcher, each))]

    def _notices(self, found: Sequence[_Found], now: datetime, *, past: bool) -> Iterator[NewNotice]:
        known = self._watches.authorised({each.summary.tbs_hash for each in found})
        by_id = {watch.id: f"{watch.kind.value} {watch.value}" for watch in self._active}
        for each in found:
            origin = self._origin(each.summary, known, now, past=past)
            for watch, matched in each.matches.items():
                yield NewNotice(
                    key=f"certificate {each.row}",
                    subject=Subject.CERTIFICATE,
                    origin=origin,
                    summary=words.certificate(
                        each.summary, by_id.get(watch, "everything"), matched, origin, past=past
                    ),
                    watch=watch,
                    matched=matched,
                    certificate=each.row,
                    silent=past and not self._deliver_past,
                )

    def _origin(
        self, summary: CertificateSummary, known: frozenset[bytes], now: datetime, *, past: bool
    ) -> Origin:
        if summary.tbs_hash in known:
            return Origin.AUTHORISED
        if self._is_ours(summary.serial, summary.tbs_hash):
            return Origin.OURS
        return Origin.EXPIRED if past and summary.not_after < now else Origin.UNKNOWN

    # malformed entries and alerts

    def malformed(self, now: datetime) -> bool:
        """Compare the next malformed entries; returns whether there may be more."""
        entries = self._watches.malformed(MALFORMED_CHUNK)
        if not entries:
            return False
        notices = [notice for entry in entries for notice in self._of_entry(entry)]
        with self._db.write() as connection:
            add(connection, notices, to_ms(now))
            progress.seen(connection, {notice.watch for notice in notices}, to_ms(now))
            progress.compared(connection, entries)
        return len(entries) == MALFORMED_CHUNK

    def _of_entry(self, entry: MalformedEntryRow) -> Iterable[NewNotice]:
        matches = self._matcher.malformed(entry.listed_names, entry.data)
        return (
            NewNotice(
                key=f"malformed {entry.log} {entry.index} {entry.leaf_hash.hex()}",
                subject=Subject.MALFORMED,
                origin=Origin.UNKNOWN,
                summary=words.malformed(entry.log_name, entry.index, matched),
                watch=watch,
                matched=matched,
                log=entry.log,
                index=entry.index,
            )
            for watch, matched in matches.items()
        )

    def alerts(self, now: datetime) -> bool:
        """Take over the auditor's alerts, and what a person has said of them there."""
        raised, closed = self._watches.raised_alerts(), self._watches.closed_alerts()
        if not raised and not closed:
            return False
        notices = [_of_alert(alert) for alert in raised if _is_news(alert)]
        with self._db.write() as connection:
            add(connection, notices, to_ms(now))
            progress.told(connection, raised)
            progress.close(connection, closed, to_ms(now))
        return False


def _matches(matcher: Matcher, summary: CertificateSummary) -> Matches:
    """Compare one certificate. One that cannot be compared must not hide those behind it, nor itself."""
    try:
        return matcher.certificate(summary)
    except Exception as error:  # noqa: BLE001  whatever it was that a hostile certificate has found
        return {NO_WATCH: (f"could not be compared: {error!r}",)}


def _is_news(alert: AlertRow) -> bool:
    return alert.told_at is None or from_ms(alert.last_at) - from_ms(alert.told_at) > QUIET


def _of_alert(alert: AlertRow) -> NewNotice:
    return NewNotice(
        key=f"alert {alert.id} {alert.last_at}",
        subject=Subject.LOG,
        origin=Origin.UNKNOWN,
        summary=words.alert(alert.log_name, alert.code, alert.detail),
        log=alert.log,
        alert=alert.id,
        code=alert.code,
    )


def _query(watch: WatchRow) -> Query:
    """Return the search that finds most of what a watch is about; empty where there is none."""
    bare = watch.value.removeprefix(".")
    host = bare.partition("/")[0] if bare.endswith(("/32", "/128")) else ""
    under = Match.SUBDOMAIN
    text, match = {
        Kind.NAME: (f"name:{bare}", Match.EXACT),
        Kind.SUBTREE: (f"name:{bare}", under),
        Kind.EMAIL: (f"name:{bare}", under),
        Kind.ADDRESS: (f"name:{host}" if host else "", Match.EXACT),
        Kind.ORGANISATION: (f"organisation:{bare}", Match.EXACT),
        Kind.ISSUER: (f"issuer:{bare}", Match.EXACT),
        Kind.LOOKALIKE: ("", Match.EXACT),
    }[watch.kind]
    return Query(text, match, limit=ASKED_AT_MOST)
