"""The watchlist in force, what is watched, and how far certificates, entries and alerts were compared."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.store.certificates import select_in
from monitor.store.connections import Connections
from monitor.values import from_ms, to_ms
from monitor.watching.values import SILENT, Kind, WatchedItem

CHECKED_EVERY = 10_000  # ms between two writes that say no more than "I looked"
_COUNTS = (
    "SELECT watch, sum(origin='unknown' AND acknowledged_at IS NULL), sum(origin='ours'),"
    " sum(origin='authorised'), count(*) FROM notices WHERE watch > 0 GROUP BY watch"
)


@dataclass(frozen=True, slots=True)
class TakenList:
    """What of a watchlist is kept here; ``text`` is the file, to go on with should the next one be wrong."""

    text: str
    watches: tuple[tuple[Kind, str], ...]
    authorised: frozenset[bytes]
    public: bool


@dataclass(frozen=True, slots=True)
class WatchRow:
    """A watch as it is compared; its past certificates are those above ``searched``, to ``search_end``."""

    id: int
    kind: Kind
    value: str
    searched: int
    search_end: int
    asked: bool
    """Whether the index was asked for what it finds at once."""


@dataclass(frozen=True, slots=True)
class MalformedEntryRow:
    """A malformed entry as it is compared."""

    log: int
    log_name: str
    index: int
    leaf_hash: bytes
    data: bytes
    listed_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert of the auditor's that has been raised since it was last looked at."""

    id: int
    log: int
    log_name: str
    code: str
    detail: str
    last_at: int
    told_at: int | None
    """``last_at`` when it was last looked at; None the first time."""


class Watches:
    """The tables watchlist, watches, authorised, watched_malformed and watched_alerts."""

    def __init__(self, connections: Connections) -> None:
        self._db = connections

    # the file

    def take(self, taken: TakenList, now: datetime) -> None:
        """Put a watchlist in force: all of it, or nothing where this fails."""
        moment = to_ms(now)
        with self._db.write() as connection:
            _replace_watches(connection, [(kind.value, value) for kind, value in taken.watches], moment)
            _replace_authorised(connection, taken.authorised, moment)
            connection.execute(
                "UPDATE watchlist SET public=?, text=?, error='', loaded_at=?",
                (taken.public, taken.text, moment),
            )

    def refuse(self, error: str) -> None:
        """Keep why the present file is refused; what is in force stays so."""
        with self._db.write() as connection:
            connection.execute("UPDATE watchlist SET error=? WHERE error != ?", (error, error))

    def authorise(self, tbs_hash: bytes, now: datetime) -> None:
        """Know a certificate from now on."""
        with self._db.write() as connection:
            connection.execute("INSERT OR IGNORE INTO authorised VALUES (?, ?, 0)", (tbs_hash, to_ms(now)))

    def authorised(self, hashes: Iterable[bytes]) -> frozenset[bytes]:
        """Return which of these TBS hashes are known."""
        sql = "SELECT tbs_hash FROM authorised WHERE tbs_hash IN ({})"
        return frozenset(bytes(row[0]) for row in select_in(self._db.database().conn, sql, hashes))

    def state(self) -> sqlite3.Row:
        """Return the row of the watchlist in force."""
        row = self._db.row("SELECT * FROM watchlist")
        if row is None:
            raise LookupError("the table watchlist has no row")  # its migration makes one
        return row

    # what is watched

    def active(self) -> list[WatchRow]:
        """Return what is watched now."""
        rows = self._db.rows("SELECT * FROM watches WHERE NOT removed ORDER BY id")
        return [
            WatchRow(r["id"], Kind(r["kind"]), r["value"], r["searched"], r["search_end"], bool(r["asked"]))
            for r in rows
        ]

    def items(self) -> tuple[WatchedItem, ...]:
        """Return what is watched now, with what came of it."""
        counts = {row[0]: tuple(row)[1:] for row in self._db.rows(_COUNTS)}
        rows = self._db.rows("SELECT * FROM watches WHERE NOT removed ORDER BY kind, value")
        return tuple(_item(row, *counts.get(row["id"], (0, 0, 0, 0))) for row in rows)

    # how far was looked

    def new_certificates(self, position: int, limit: int) -> list[int]:
        """Return the rows of certificates after ``position``, oldest first."""
        rows = self._db.rows("SELECT id FROM certificates WHERE id>? ORDER BY id LIMIT ?", (position, limit))
        return [row["id"] for row in rows]

    def checked(self, now: datetime) -> None:
        """Say that the matcher looked; written now and then, or after a gap."""
        moment, state = to_ms(now), self.state()
        if state["checked_at"] is not None and 0 <= moment - state["checked_at"] < CHECKED_EVERY:
            return
        gap = SILENT.total_seconds() * 1000
        with self._db.write() as connection:
            connection.execute(
                "UPDATE watchlist SET working_since = CASE WHEN working_since IS NULL"
                " OR ?1 - checked_at > ?2 THEN ?1 ELSE working_since END, checked_at=?1",
                (moment, gap),
            )

    def malformed(self, limit: int) -> list[MalformedEntryRow]:
        """Return malformed entries that were not compared yet, in the order of each log."""
        rows = self._db.rows(
            "SELECT m.*, e.leaf_hash, l.name AS log_name FROM malformed m JOIN logs l ON l.id = m.log"
            " JOIN entries e ON e.log = m.log AND e.idx = m.idx"
            " LEFT JOIN watched_malformed w ON w.log = m.log WHERE m.idx >= coalesce(w.idx, 0)"
            " ORDER BY m.log, m.idx LIMIT ?",
            (limit,),
        )
        return [_malformed(row) for row in rows]

    def raised_alerts(self) -> list[AlertRow]:
        """Return the auditor's alerts that were raised, for the first time or again, since the last look."""
        rows = self._db.rows(
            "SELECT a.id, a.log, l.name, a.code, a.detail, a.last_at, w.last_at AS told_at FROM alerts a"
            " JOIN logs l ON l.id = a.log"
            " LEFT JOIN watched_alerts w ON w.alert = a.id"
            " WHERE w.last_at IS NULL OR a.last_at > w.last_at ORDER BY a.id"
        )
        return [AlertRow(*row) for row in rows]

    def closed_alerts(self) -> list[int]:
        """Return open notices of alerts that a person has acknowledged with the audit."""
        rows = self._db.rows(
            "SELECT n.id FROM notices n JOIN alerts a ON a.id = n.alert WHERE a.acknowledged"
            " AND n.origin='unknown' AND n.acknowledged_at IS NULL"
        )
        return [row["id"] for row in rows]


def move(connection: sqlite3.Connection, before: int, after: int) -> bool:
    """Record that certificates up to ``after`` were compared; False where another process did so."""
    done = connection.execute("UPDATE watchlist SET position=? WHERE position=?", (after, before))
    return done.rowcount == 1


def searched(connection: sqlite3.Connection, watches: Iterable[int], before: int, after: int) -> None:
    """Record that the past certificates of some watches were compared up to ``after``."""
    connection.executemany(
        "UPDATE watches SET searched=? WHERE id=? AND searched=?",
        [(after, watch, before) for watch in watches],
    )


def asked(connection: sqlite3.Connection, watch: int) -> None:
    """Record that the index was asked for a watch's past certificates."""
    connection.execute("UPDATE watches SET asked=1 WHERE id=?", (watch,))


def seen(connection: sqlite3.Connection, watches: Iterable[int], now_ms: int) -> None:
    """Record that something matched these watches."""
    connection.executemany(
        "UPDATE watches SET last_seen=? WHERE id=?", [(now_ms, watch) for watch in watches]
    )


def compared(connection: sqlite3.Connection, entries: Iterable[MalformedEntryRow]) -> None:
    """Record that these malformed entries, and those before them in their logs, were compared."""
    last = {entry.log: entry.index + 1 for entry in entries}
    connection.executemany("INSERT OR REPLACE INTO watched_malformed VALUES (?, ?)", list(last.items()))


def close(connection: sqlite3.Connection, notices: Iterable[int], now_ms: int) -> None:
    """Mark notices as looked at."""
    connection.executemany(
        "UPDATE notices SET acknowledged_at=? WHERE id=?", [(now_ms, notice) for notice in notices]
    )


def told(connection: sqlite3.Connection, alerts: Iterable[AlertRow]) -> None:
    """Record that these alerts were taken over."""
    connection.executemany(
        "INSERT OR REPLACE INTO watched_alerts VALUES (?, ?)", [(alert.id, alert.last_at) for alert in alerts]
    )


def _replace_watches(connection: sqlite3.Connection, wanted: Sequence[tuple[str, str]], now_ms: int) -> None:
    """Keep what is watched now. What is new, or back, has the whole index up to here as its past."""
    (position,) = connection.execute("SELECT position FROM watchlist").fetchone()
    rows = connection.execute("SELECT kind, value, removed FROM watches")
    removed = {(kind, value): bool(gone) for kind, value, gone in rows}
    connection.executemany(
        "UPDATE watches SET removed=1 WHERE kind=? AND value=?", list(removed.keys() - set(wanted))
    )
    fresh = [watch for watch in wanted if removed.get(watch, True)]
    connection.executemany(
        "INSERT INTO watches (kind, value, since, search_end) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (kind, value) DO UPDATE SET removed=0, since=excluded.since, searched=0,"
        " search_end=excluded.search_end, asked=0",
        [(kind, value, now_ms, position) for kind, value in fresh],
    )
    if fresh:
        connection.execute("DELETE FROM watched_malformed")


def _replace_authorised(connection: sqlite3.Connection, hashes: Iterable[bytes], now_ms: int) -> None:
    connection.execute("DELETE FROM authorised WHERE in_file")
    connection.executemany(
        "INSERT OR IGNORE INTO authorised VALUES (?, ?, 1)", [(tbs_hash, now_ms) for tbs_hash in hashes]
    )


def _malformed(row: sqlite3.Row) -> MalformedEntryRow:
    data = bytes(row["leaf_input"]) + bytes(row["extra_data"])
    names = tuple(json.loads(row["names"]))
    return MalformedEntryRow(row["log"], row["log_name"], row["idx"], row["leaf_hash"], data, names)


def _item(row: sqlite3.Row, unknown: int, ours: int, authorised: int, total: int) -> WatchedItem:
    return WatchedItem(
        id=row["id"],
        kind=Kind(row["kind"]),
        value=row["value"],
        since=from_ms(row["since"]),
        last_seen=from_ms(row["last_seen"]) if row["last_seen"] is not None else None,
        scanned=row["searched"] / row["search_end"] if row["searched"] < row["search_end"] else 1.0,
        unknown=unknown,
        ours=ours,
        authorised=authorised,
        total=total,
    )
