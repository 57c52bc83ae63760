"""Watching as the site and the command line see it; ``runner`` is for the scheduler."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from monitor.errors import MonitorError
from monitor.evidence import EvidenceFiles
from monitor.index.query import Index
from monitor.store.connections import Connections
from monitor.store.deliveries import Deliveries
from monitor.store.notices import NewNotice, Notices, Wanted, add, reclassify
from monitor.store.reading import Certificates
from monitor.store.watches import Watches
from monitor.values import from_ms, to_ms
from monitor.watching.rounds import IsOurs, Rounds
from monitor.watching.runner import Runner
from monitor.watching.values import Beside, Notice, Origin, Subject, WatchingState
from monitor.watching.watchlist import Watchlist
from verifier.algorithms import Signer

HASH_BYTES = 32


class UnknownNotice(MonitorError):
    """No notice has this number."""


class Watching:
    """What is watched, what was found, who was told. Thread-safe; a reader can do all that does not write."""

    def __init__(self, connections: Connections, certificates: Certificates, index: Index) -> None:
        self._db = connections
        self._certificates = certificates
        self._index = index
        self._watches = Watches(connections)
        self._notices = Notices(connections, certificates)
        self._deliveries = Deliveries(connections)

    def state(self) -> WatchingState:
        """Return what is watched, the channels, and whether all of it works."""
        row = self._watches.state()

        def moment(name: str) -> datetime | None:
            return from_ms(row[name]) if row[name] is not None else None

        return WatchingState(
            public=bool(row["public"]),
            error=row["error"],
            loaded_at=moment("loaded_at"),
            checked_at=moment("checked_at"),
            working_since=moment("working_since"),
            watches=self._watches.items(),
            channels=self._deliveries.channels(),
            open=self._notices.count_open(),
        )

    def notices(
        self,
        *,
        watch: int | None = None,
        subject: Subject | None = None,
        origin: Origin | None = None,
        open_only: bool = False,
        before: int | None = None,
        limit: int = 50,
    ) -> tuple[Notice, ...]:
        """Return notices, newest first; ``before`` is the number of the last one of the page before."""
        return self._notices.page(Wanted(watch, subject, origin, open_only, before, limit))

    def notice(self, number: int) -> Notice | None:
        """Return one notice."""
        return self._notices.get(number)

    def beside(self, watch: int, limit: int = 50) -> Beside:
        """Return the certificates of a watch: our own, the known ones, and those that nobody here ordered."""
        ours, authorised, unknown = (
            self._notices.page(Wanted(watch, Subject.CERTIFICATE, origin, limit=limit))
            for origin in (Origin.OURS, Origin.AUTHORISED, Origin.UNKNOWN)
        )
        return Beside(ours, authorised, unknown)

    # writing

    def acknowledge(self, number: int, note: str, now: datetime) -> Notice:
        """Mark a notice as looked at and keep a note of why; raises UnknownNotice.

        A log's alert is acknowledged with the notice of it.
        """
        notice = self._known(number)
        if note:
            self._notices.note(number, note, now)
        self._notices.acknowledge(number, now)
        if notice.alert is not None:
            EvidenceFiles(self._db).acknowledge(notice.alert, note, now)
        return self._known(number)

    def authorise(self, tbs_hash: bytes, now: datetime) -> None:
        """Know a certificate by the SHA-256 of its TBS: its notices need nobody any more."""
        if len(tbs_hash) != HASH_BYTES:
            raise MonitorError(f"expected a SHA-256 of {HASH_BYTES} bytes, got {len(tbs_hash)}")
        self._watches.authorise(tbs_hash, now)
        with self._db.write() as connection:
            reclassify(connection, to_ms(now))

    def test(self, now: datetime) -> Notice:
        """Queue a test notice on every channel, which are all tried again at once."""
        new = NewNotice(
            f"test {uuid4()}",
            Subject.TEST,
            Origin.UNKNOWN,
            "This is a test: whoever reads it will be told of certificates too.",
        )
        with self._db.write() as connection:
            (number,) = add(connection, [new], to_ms(now))
        self._notices.acknowledge(number, now)
        self._deliveries.resume()
        return self._known(number)

    def retry(self, number: int, now: datetime) -> Notice:
        """Queue once more what was given up; raises UnknownNotice."""
        self._known(number)
        self._deliveries.retry(number, now)
        self._deliveries.resume()
        return self._known(number)

    def _known(self, number: int) -> Notice:
        notice = self._notices.get(number)
        if notice is None:
            raise UnknownNotice(f"there is no notice {number}; see `mingjing watch list`")
        return notice

    # at work

    def runner(
        self, file: Path, *, is_ours: IsOurs, site: str = "", signers: Sequence[Signer] = ()
    ) -> Runner:
        """Return what reads the watchlist in ``file``, compares and delivers.

        ``site`` begins the links in notices; ``signers`` sign what goes to webhooks.
        """

        def rounds(watchlist: Watchlist) -> Rounds:
            return Rounds(
                self._db,
                self._certificates,
                self._index,
                is_ours=is_ours,
                deliver_past=watchlist.deliver_past,
            )

        return Runner(self._db, self._notices, rounds, file, site=site, signers=signers)
