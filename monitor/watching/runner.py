"""Watching at work, in the scheduler: reads the watchlist, compares, and keeps the couriers going."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

from monitor.store.connections import Connections
from monitor.store.deliveries import Deliveries
from monitor.store.notices import NewNotice, Notices, add, reclassify
from monitor.store.watches import TakenList, Watches
from monitor.values import to_ms
from monitor.watching.channel import Sender
from monitor.watching.courier import Courier, Desk
from monitor.watching.digest import DigestCourier
from monitor.watching.hook import HookRunner
from monitor.watching.parse import parse_watchlist
from monitor.watching.rounds import Rounds
from monitor.watching.values import Notice, Origin, Subject
from monitor.watching.watchlist import FILE_NAME, ChannelSettings, Watchlist, WatchlistError, Webhook
from monitor.watching.webhook import WebhookSender
from verifier.algorithms import Signer

POLL_SECONDS: Final = 1.0
"""How soon another process's work is noticed: the scheduler's own wakes the matcher at once."""
SETTLING_SECONDS: Final = 1.0
LONGEST_FILE: Final = 8 * 1024 * 1024
EMPTIED: Final = (
    f"{FILE_NAME}, line 1: the file is empty, as if a program had only begun to write it; to watch nothing,"
    " write names = []"
)
logger = logging.getLogger(__name__)

type Print = tuple[int, int, int] | None
"""What tells a changed file: inode, time of change, size; None where there is no file."""
NOT_READ: Final[Print] = (0, 0, 0)


class Runner:
    """The matcher's thread and the couriers. ``wake`` it when entries were read: it looks at once."""

    def __init__(
        self,
        connections: Connections,
        notices: Notices,
        make_rounds: Callable[[Watchlist], Rounds],
        file: Path,
        *,
        site: str,
        signers: Sequence[Signer] = (),
    ) -> None:
        self._db = connections
        self._watches, self._deliveries, self._notices = (
            Watches(connections),
            Deliveries(connections),
            notices,
        )
        self._make_rounds = make_rounds
        self._file, self._site, self._signers = file, site, signers
        self._print: Print = NOT_READ
        self._list = Watchlist()
        self._rounds: Rounds | None = None
        self._couriers: dict[ChannelSettings, Courier] = {}
        self._awake, self._stop = Event(), Event()
        self._thread = Thread(target=self._run, name="watching", daemon=True)

    def start(self) -> "Runner":
        """Start in the background."""
        self._thread.start()
        return self

    def wake(self) -> None:
        """Look at once."""
        self._awake.set()

    def stop(self) -> None:
        """End after the present portion; what is queued stays queued."""
        self._stop.set()
        self._awake.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                if not self._look_safely():
                    self._awake.wait(POLL_SECONDS)
                    self._awake.clear()
        finally:
            self.stop_couriers()
            self._db.release()

    def _look_safely(self) -> bool:
        """A look must never end the thread: nothing would be watched, and nobody would be told."""
        try:
            return self.look(datetime.now(UTC))
        except Exception:
            logger.exception("watching: a look failed; the next one begins where the last one ended")
            return False

    def look(self, now: datetime) -> bool:
        """Read the watchlist if it has changed, and look at one portion; returns whether there is more."""
        self._read(now)
        if self._rounds is None:
            self._rounds = self._make_rounds(self._list)
        more = self._rounds.look(now)
        for courier in self._couriers.values():
            courier.wake()
        return more

    # the watchlist

    def _read(self, now: datetime) -> None:
        """Take the file over when it has changed. One that was in force and is gone is a mistake too."""
        found = _print(self._file)
        if found == self._print or (found and self._print is not NOT_READ and _is_settling(found, now)):
            return
        kept = str(self._watches.state()["text"])
        if not found and not kept:
            self._print = found
            return
        try:
            text, watchlist = self._whole(kept)
        except WatchlistError as error:
            if _print(self._file) != found:
                return  # it changed under our eyes: the next look reads it whole
            if self._print is NOT_READ and kept:
                self._take(kept, parse_watchlist(kept, self._file.parent), now)
            self._refuse(str(error), f"{found or now.date()}", now)
        else:
            if _print(self._file) != found:
                return
            self._take(text, watchlist, now)
        self._print = found

    def _whole(self, kept: str) -> tuple[str, Watchlist]:
        """Read the file. One that was emptied is none: a list that watches nothing says so."""
        text, watchlist = read_watchlist(self._file)
        if kept.strip() and not text.strip():
            raise WatchlistError(EMPTIED)
        return text, watchlist

    def _refuse(self, error: str, which: str, now: datetime) -> None:
        """Say that the old list stays in force; after a start it is the one that the database has kept."""
        logger.warning("watching: %s; the list before it stays in force", error)
        self._watches.refuse(error)
        notice = NewNotice(
            f"watchlist {which} {error}",
            Subject.SYSTEM,
            Origin.UNKNOWN,
            f"The watchlist was changed and is refused, the one before stays in force: {error}",
        )
        with self._db.write() as connection:
            add(connection, [notice], to_ms(now))

    def _take(self, text: str, watchlist: Watchlist, now: datetime) -> None:
        taken = TakenList(text, watchlist.watches, watchlist.authorised, watchlist.public)
        self._watches.take(taken, now)
        self._deliveries.take([(channel.name, channel.kind) for channel in watchlist.channels], now)
        with self._db.write() as connection:
            reclassify(connection, to_ms(now))
        self._list, self._rounds = watchlist, None
        self._employ(watchlist)

    def _employ(self, watchlist: Watchlist) -> None:
        desk = Desk(
            self._deliveries, self._notices.get, self._content, watchlist.give_up_after, self._db.release
        )
        self.stop_couriers()
        self._couriers = {
            channel: courier_of(channel, sender_of(channel, self._signers), desk)
            for channel in watchlist.channels
        }
        for courier in self._couriers.values():
            courier.start()

    def stop_couriers(self) -> None:
        """End the channels' threads; the next watchlist starts its own."""
        for courier in self._couriers.values():
            courier.end()
        for courier in self._couriers.values():
            courier.stop()
        self._couriers = {}

    def _content(self, notice: Notice) -> Mapping[str, Any]:
        page = "/audit" if notice.subject is Subject.LOG else "/watch"
        if notice.certificate:
            page = f"/certificate/{notice.certificate.sha256.hex()}"
        evidence = f"{self._site}/evidence/{notice.alert}.json" if notice.alert is not None else None
        return {**notice.to_json(), "url": f"{self._site}{page}", "evidence": evidence}


def read_watchlist(file: Path) -> tuple[str, Watchlist]:
    """Return the text of ``file`` and the watchlist in it; relative paths in it lie beside it.

    Raises WatchlistError.
    """
    try:
        if file.stat().st_size > LONGEST_FILE:
            raise WatchlistError(f"{file.name}: more than {LONGEST_FILE} bytes")
        text = file.read_text("utf-8")
        return text, parse_watchlist(text, file.parent)
    except OSError as error:
        raise WatchlistError(f"could not read {file.name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WatchlistError(f"{file.name}: expected UTF-8: {error}") from error


def sender_of(channel: ChannelSettings, signers: Sequence[Signer] = ()) -> Sender:
    """Return what sends through a channel; ``signers`` sign for webhooks."""
    return WebhookSender(channel, signers) if isinstance(channel, Webhook) else HookRunner(channel)


def courier_of(channel: ChannelSettings, sender: Sender, desk: Desk) -> Courier:
    """Return what works a channel's queue off."""
    if channel.digest is not None:
        return DigestCourier(channel.name, sender, desk, channel.digest)
    return Courier(channel.name, sender, desk)


def _is_settling(found: tuple[int, int, int], now: datetime) -> bool:
    """An editor may still be writing: half a list can look like a whole one."""
    return abs(now.timestamp() - found[1] / 1e9) < SETTLING_SECONDS


def _print(file: Path) -> Print:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
