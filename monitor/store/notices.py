"""Notices: written once for what they are about, read back with everything that belongs to them."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from monitor.store.certificates import select_in
from monitor.store.connections import Connections
from monitor.store.reading import Certificates
from monitor.values import CertificateSummary, from_ms, to_ms
from monitor.watching.values import Delivery, DeliveryState, Kind, Note, Notice, Origin, Subject

_NOTICE = (
    "SELECT n.*, w.kind, w.value, l.name AS log_name FROM notices n LEFT JOIN watches w ON w.id = n.watch"
    " LEFT JOIN logs l ON l.id = n.log"
)
_KNOWN = "(SELECT c.id FROM certificates c JOIN authorised a ON a.tbs_hash = c.tbs_hash)"


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A notice before it is stored. ``key`` says what it is about: a second one of a watch is not stored."""

    key: str
    subject: Subject
    origin: Origin
    summary: str
    watch: int = 0
    matched: tuple[str, ...] = ()
    certificate: int | None = None
    log: int | None = None
    index: int | None = None
    alert: int | None = None
    code: str = ""
    silent: bool = False
    """Listed, and delivered on no channel."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which notices to read: those below ``before``, of one watch, subject or origin, or open ones only."""

    watch: int | None = None
    subject: Subject | None = None
    origin: Origin | None = None
    open_only: bool = False
    before: int | None = None
    limit: int = 50


class Notices:
    """The tables notices and notes, read with their certificates and deliveries."""

    def __init__(self, connections: Connections, certificates: Certificates) -> None:
        self._db = connections
        self._certificates = certificates

    def page(self, wanted: Wanted) -> tuple[Notice, ...]:
        """Return notices, newest first."""
        rows = self._db.rows(
            f"{_NOTICE} WHERE n.id < ?1 AND (?2 IS NULL OR n.watch = ?2) AND (?3 IS NULL OR n.subject = ?3)"
            " AND (?4 IS NULL OR n.origin = ?4)"
            " AND (NOT ?5 OR (n.origin = 'unknown' AND n.acknowledged_at IS NULL))"
            " ORDER BY n.id DESC LIMIT ?6",
            (
                *(wanted.before if wanted.before is not None else 2**62, wanted.watch),
                *(wanted.subject, wanted.origin, wanted.open_only, wanted.limit),
            ),
        )
        return self._whole(rows)

    def get(self, notice: int) -> Notice | None:
        """Return one notice."""
        found = self._whole(self._db.rows(f"{_NOTICE} WHERE n.id=?", (notice,)))
        return found[0] if found else None

    def count_open(self) -> int:
        """Return how many notices a person still has to look at."""
        row = self._db.row(
            "SELECT count(*) AS total FROM notices WHERE origin='unknown' AND acknowledged_at IS NULL"
        )
        return int(row["total"]) if row else 0

    def acknowledge(self, notice: int, now: datetime) -> None:
        """Mark a notice as looked at; the first time counts."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE notices SET acknowledged_at=? WHERE id=? AND acknowledged_at IS NULL",
                (to_ms(now), notice),
            )

    def note(self, notice: int, text: str, now: datetime) -> None:
        """Keep what a person says of a notice."""
        with self._db.write() as connection:
            connection.execute(
                "INSERT INTO notes (notice, at, text) VALUES (?, ?, ?)", (notice, to_ms(now), text)
            )

    def _whole(self, rows: Sequence[sqlite3.Row]) -> tuple[Notice, ...]:
        ids = [row["id"] for row in rows]
        wanted = list(dict.fromkeys(row["certificate"] for row in rows if row["certificate"] is not None))
        present = [w for w in wanted if self._db.row("SELECT 1 FROM certificates WHERE id=?", (w,))]
        summaries = dict(zip(present, self._certificates.summaries(present), strict=True))
        notes, deliveries = self._notes(ids), self._deliveries(ids)
        return tuple(
            _notice(row, summaries.get(row["certificate"]), notes[row["id"]], deliveries[row["id"]])
            for row in rows
        )

    def _notes(self, notices: Sequence[int]) -> dict[int, list[Note]]:
        sql = "SELECT notice, at, text FROM notes WHERE notice IN ({}) ORDER BY id"
        found: dict[int, list[Note]] = defaultdict(list)
        for notice, at, text in select_in(self._db.database().conn, sql, notices):
            found[notice].append(Note(from_ms(at), text))
        return found

    def _deliveries(self, notices: Sequence[int]) -> dict[int, list[Delivery]]:
        sql = (
            "SELECT notice, channel, state, attempts, delivered_at, error FROM deliveries"
            " WHERE notice IN ({}) ORDER BY channel"
        )
        found: dict[int, list[Delivery]] = defaultdict(list)
        for notice, channel, state, attempts, at, error in select_in(self._db.database().conn, sql, notices):
            moment = from_ms(at) if at is not None else None
            found[notice].append(Delivery(channel, DeliveryState(state), attempts, moment, error))
        return found


def add(connection: sqlite3.Connection, new: Iterable[NewNotice], now_ms: int) -> list[int]:
    """Store notices and queue them on every channel; returns the rows of those that are really new."""
    added = [row for notice in new if (row := _insert(connection, notice, now_ms)) is not None]
    _queue(connection, added, now_ms)
    return added


def _insert(connection: sqlite3.Connection, new: NewNotice, now_ms: int) -> int | None:
    done = connection.execute(
        "INSERT OR IGNORE INTO notices (uid, watch, key, subject, origin, created_at, summary, matched,"
        " certificate, log, idx, alert, code, silent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(f"urn:uuid:{uuid4()}", new.watch, new.key, new.subject.value, new.origin.value, now_ms),
            *(new.summary, json.dumps(new.matched), new.certificate, new.log, new.index, new.alert),
            *(new.code, new.silent),
        ),
    )
    return done.lastrowid if done.rowcount == 1 else None


def _queue(connection: sqlite3.Connection, notices: Iterable[int], now_ms: int) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO deliveries (channel, notice, state, queued_at)"
        " SELECT c.name, n.id, 'pending', ? FROM notices n, channels c"
        " WHERE n.id=? AND n.origin='unknown' AND NOT n.silent AND NOT c.removed",
        [(now_ms, notice) for notice in notices],
    )


def reclassify(connection: sqlite3.Connection, now_ms: int) -> None:
    """Follow the list of known certificates: what is on it needs nobody, what has left it does again."""
    connection.execute(
        f"UPDATE notices SET origin='authorised' WHERE origin='unknown' AND certificate IN {_KNOWN}"  # noqa: S608
    )
    connection.execute(
        "UPDATE deliveries SET state='not-needed' WHERE state IN ('pending', 'dead')"
        " AND notice IN (SELECT id FROM notices WHERE origin='authorised')"
    )
    left = connection.execute(
        f"SELECT id FROM notices WHERE origin='authorised' AND certificate NOT IN {_KNOWN}"  # noqa: S608
    ).fetchall()
    connection.executemany("UPDATE notices SET origin='unknown' WHERE id=?", left)
    connection.executemany(
        "UPDATE deliveries SET state='pending', queued_at=? WHERE notice=? AND state='not-needed'",
        [(now_ms, notice) for (notice,) in left],
    )
    _queue(connection, [notice for (notice,) in left], now_ms)


def _notice(
    row: sqlite3.Row,
    certificate: CertificateSummary | None,
    notes: Sequence[Note],
    deliveries: Sequence[Delivery],
) -> Notice:
    return Notice(
        id=row["id"],
        uid=row["uid"],
        subject=Subject(row["subject"]),
        origin=Origin(row["origin"]),
        created_at=from_ms(row["created_at"]),
        kind=Kind(row["kind"]) if row["kind"] else None,
        value=row["value"] or "",
        summary=row["summary"],
        matched=tuple(json.loads(row["matched"])),
        certificate=certificate,
        log=row["log_name"] or "",
        index=row["idx"],
        alert=row["alert"],
        code=row["code"],
        acknowledged_at=from_ms(row["acknowledged_at"]) if row["acknowledged_at"] is not None else None,
        notes=tuple(notes),
        deliveries=tuple(deliveries),
    )
