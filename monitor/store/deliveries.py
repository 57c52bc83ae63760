"""The queue of each channel. A notice leaves it when it was delivered or visibly given up, never silently."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.store.connections import Connections
from monitor.values import from_ms, to_ms
from monitor.watching.values import Channel

LONGEST_ERROR = 500
LONGEST_WAIT = 24 * 3600 * 1000  # ms; what is put off for longer was put off by a clock that was wrong


_DUE = (
    "SELECT d.* FROM deliveries d JOIN channels c ON c.name = d.channel JOIN notices n ON n.id = d.notice"
    " WHERE d.channel=?1 AND d.state='pending' AND d.aside_until NOT BETWEEN ?2 + 1 AND ?2 + ?3"
    " AND c.retry_at NOT BETWEEN ?2 + 1 AND ?2 + ?3"
)


@dataclass(frozen=True, slots=True)
class Due:
    """The notice that a channel delivers next, and how often that was tried."""

    notice: int
    attempts: int
    queued_at: datetime


class Deliveries:
    """The tables channels and deliveries.

    Order: the oldest pending notice first, unless it was set aside for a while. Durability: what is
    recorded as delivered is on disk when the method returns; a crash before that delivers once more.
    """

    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def take(self, channels: Iterable[tuple[str, str]], now: datetime) -> None:
        """Keep the channels (name, kind) in force; a new one is given what is still open."""
        moment, wanted = to_ms(now), dict(channels)
        with self._db.write() as connection:
            known = dict(connection.execute("SELECT name, removed FROM channels").fetchall())
            for name in known.keys() - wanted.keys():
                connection.execute("UPDATE channels SET removed=1 WHERE name=?", (name,))
            for name, kind in wanted.items():
                fresh = known.get(name, 1)
                connection.execute(
                    "INSERT INTO channels (name, kind, since) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
                    " SET kind=excluded.kind, removed=0,"
                    " since=CASE WHEN removed THEN excluded.since ELSE since END",
                    (name, kind, moment),
                )
                if fresh:
                    _queue_open(connection, name, moment)

    def channels(self) -> tuple[Channel, ...]:
        """Return the channels in force."""
        rows = self._db.rows(
            "SELECT c.*, (SELECT count(*) FROM deliveries d WHERE d.channel=c.name AND d.state='pending')"
            " AS pending, (SELECT count(*) FROM deliveries d WHERE d.channel=c.name AND d.state='dead')"
            " AS dead FROM channels c WHERE NOT removed ORDER BY name"
        )
        return tuple(_channel(row) for row in rows)

    def due(self, channel: str, now: datetime, *, after: int = 0, without: Sequence[str] = ()) -> Due | None:
        """Return the next notice of a channel behind ``after``; None when there is none, or not yet.

        ``without`` names subjects that are left out.
        """
        row = self._db.row(
            f"{_DUE} AND d.notice>?4 AND n.subject NOT IN (SELECT value FROM json_each(?5))"  # noqa: S608
            " ORDER BY d.notice LIMIT 1",
            (channel, to_ms(now), LONGEST_WAIT, after, json.dumps(list(without))),
        )
        return _due(row) if row else None

    def gathered(
        self, channel: str, now: datetime, before: datetime, subjects: Sequence[str], limit: int
    ) -> tuple[Due, ...]:
        """Return notices of these subjects that were queued before a moment, unless the channel rests."""
        rows = self._db.rows(
            f"{_DUE} AND d.queued_at<?4 AND n.subject IN (SELECT value FROM json_each(?5))"  # noqa: S608
            " ORDER BY d.notice LIMIT ?6",
            (channel, to_ms(now), LONGEST_WAIT, to_ms(before), json.dumps(list(subjects)), limit),
        )
        return tuple(map(_due, rows))

    def delivered(self, channel: str, notice: int, now: datetime) -> None:
        """Record that the receiver has it."""
        moment = to_ms(now)
        with self._db.write() as connection:
            connection.execute(
                "UPDATE deliveries SET state='delivered', attempts=attempts+1, delivered_at=?, error=''"
                " WHERE channel=? AND notice=?",
                (moment, channel, notice),
            )
            connection.execute(
                "UPDATE channels SET last_attempt=?, last_success=?, last_error='', failures=0, retry_at=0"
                " WHERE name=?",
                (moment, moment, channel),
            )

    def failed(self, channel: str, notice: int, error: str, now: datetime, *, dead: bool) -> None:
        """Record a failed attempt; ``dead`` gives the notice up."""
        state, error = "dead" if dead else "pending", error[:LONGEST_ERROR]
        with self._db.write() as connection:
            connection.execute(
                "UPDATE deliveries SET state=?, attempts=attempts+1, error=? WHERE channel=? AND notice=?",
                (state, error, channel, notice),
            )
            connection.execute(
                "UPDATE channels SET last_attempt=?, last_error=?, failures=failures+1 WHERE name=?",
                (to_ms(now), error, channel),
            )

    def failures(self, channel: str) -> int:
        """Return how often a channel has failed in a row."""
        row = self._db.row("SELECT failures FROM channels WHERE name=?", (channel,))
        return int(row["failures"]) if row else 0

    def pause(self, channel: str, until: datetime) -> None:
        """Leave a channel alone until then."""
        with self._db.write() as connection:
            connection.execute("UPDATE channels SET retry_at=? WHERE name=?", (to_ms(until), channel))

    def set_aside(self, channel: str, notice: int, until: datetime) -> None:
        """Let the notices behind one that fails alone go first until then."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE deliveries SET aside_until=? WHERE channel=? AND notice=?",
                (to_ms(until), channel, notice),
            )

    def retry(self, notice: int, now: datetime) -> int:
        """Queue what was given up once more; returns on how many channels."""
        with self._db.write() as connection:
            done = connection.execute(
                "UPDATE deliveries SET state='pending', queued_at=?, aside_until=0 WHERE notice=?"
                " AND state IN ('dead', 'pending')",
                (to_ms(now), notice),
            )
        return done.rowcount

    def resume(self) -> None:
        """Try every channel again at once: a person is waiting for it."""
        with self._db.write() as connection:
            connection.execute("UPDATE channels SET retry_at=0")


def retry_pause(failures: int, shortest: timedelta, longest: timedelta) -> timedelta:
    """Return how long to wait after ``failures`` in a row: doubled each time.

    None are counted where the program stops, or where a person had all tried again, during an attempt.
    """
    return min(longest, shortest * (1 << min(max(failures - 1, 0), 30)))


def _queue_open(connection: sqlite3.Connection, channel: str, now_ms: int) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO deliveries (channel, notice, state, queued_at)"
        " SELECT ?, id, 'pending', ? FROM notices"
        " WHERE origin='unknown' AND acknowledged_at IS NULL AND NOT silent AND subject != 'test'",
        (channel, now_ms),
    )


def _due(row: sqlite3.Row) -> Due:
    return Due(row["notice"], row["attempts"], from_ms(row["queued_at"]))


def _channel(row: sqlite3.Row) -> Channel:
    def moment(value: int | None) -> datetime | None:
        return from_ms(value) if value else None

    return Channel(
        row["name"],
        row["kind"],
        from_ms(row["since"]),
        moment(row["last_attempt"]),
        moment(row["last_success"]),
        row["last_error"],
        moment(row["retry_at"]),
        row["pending"],
        row["dead"],
    )
