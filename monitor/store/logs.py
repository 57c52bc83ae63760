"""The followed logs: who they are, how far they were read, their entries, their tree and their heads."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.errors import Moved, UnknownLog
from monitor.store import tree
from monitor.store.certificates import insert, known_encodings, known_tbs
from monitor.store.connections import Connections
from monitor.store.head_rows import HEAD, head_of, interval_of, interval_row
from monitor.store.rows import CertificateRow, EntryRow
from monitor.store.tree import TreeReader
from monitor.values import Head, MalformedEntry, WatchedLog, from_ms, to_ms
from verifier.algorithms import PublicKey


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries read from one log, starting at index ``position``, and the certificates first seen in them."""

    position: int
    entries: tuple[EntryRow, ...]
    certificates: tuple[CertificateRow, ...]
    odd: tuple[tuple[int, bytes, bytes], ...] = ()
    """Entries that name another key than their issuer's: index, leaf_input, extra_data."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """A log as it is stored."""

    id: int
    log: WatchedLog
    size: int
    malformed: int
    chasing: int | None
    distrusted_at: datetime | None
    distrusted_reason: str


class Logs:
    """The tables logs, heads, entries, malformed and tiles."""

    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def watch(self, log: WatchedLog) -> WatchedLog:
        """Keep a log, or what changed about it; returns it under the name that it goes by here."""
        with self._db.write() as connection:
            name = _name(connection, log)
            connection.execute(
                "INSERT INTO logs (name, log_id, spki, description, operator, url, monitoring_url, origin,"
                " mmd, state, codepoint, submission_url, interval_start, interval_end)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (log_id) DO UPDATE SET"
                " description=excluded.description, operator=excluded.operator, url=excluded.url,"
                " monitoring_url=excluded.monitoring_url, mmd=excluded.mmd,"
                " state=excluded.state, codepoint=excluded.codepoint,"
                " submission_url=excluded.submission_url,"
                " interval_start=excluded.interval_start, interval_end=excluded.interval_end",
                (
                    *(name, log.log_id, log.key.spki, log.description, log.operator, log.url),
                    *(log.monitoring_url, log.origin, int(log.mmd.total_seconds()), log.state, log.codepoint),
                    *(log.submission_url, *interval_row(log.interval)),
                ),
            )
        return self.get(name).log

    def all(self) -> list[LogRow]:
        """Return every log, in the order in which they were first watched."""
        return [_log(row) for row in self._db.rows("SELECT * FROM logs ORDER BY id")]

    def get(self, name: str) -> LogRow:
        """Return a log by its name or the hex of its LogID; raises UnknownLog."""
        row = self._db.row("SELECT * FROM logs WHERE name=? OR lower(hex(log_id))=?", (name, name.lower()))
        if row is None:
            raise UnknownLog(f"no log named {name!r} is followed")
        return _log(row)

    def append(self, log: int, batch: Batch, now: datetime) -> None:
        """Store a batch, its tree nodes and the new position as one; raises Moved, writing nothing."""
        end = batch.position + len(batch.entries)
        malformed = [
            (offset, entry.malformed) for offset, entry in enumerate(batch.entries) if entry.malformed
        ]
        with self._db.write() as connection:
            if _size(connection, log) != batch.position:
                raise Moved(f"the log stands at {_size(connection, log)}, not at {batch.position}")
            encodings = insert(connection, batch.certificates, to_ms(now))
            seen = {entry.sha256 for entry in batch.entries if entry.sha256} - encodings.keys()
            encodings.update(known_encodings(connection, seen))
            connection.executemany(
                "INSERT INTO entries (log, idx, timestamp, leaf_hash, encoding) VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        log,
                        index,
                        entry.timestamp,
                        entry.leaf_hash,
                        encodings[entry.sha256] if entry.sha256 else None,
                    )
                    for index, entry in enumerate(batch.entries, batch.position)
                ],
            )
            connection.executemany(
                "INSERT INTO malformed (log, idx, reason, leaf_input, extra_data, names)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (
                        log,
                        batch.position + offset,
                        row.reason,
                        row.leaf_input,
                        row.extra_data,
                        json.dumps(row.names),
                    )
                    for offset, row in malformed
                ],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO oddities VALUES (?, ?, ?, ?)", [(log, *odd) for odd in batch.odd]
            )
            tree.append(connection, log, batch.position, [entry.leaf_hash for entry in batch.entries])
            connection.execute(
                "UPDATE logs SET size=?, malformed=malformed+? WHERE id=?", (end, len(malformed), log)
            )

    def known(self, fingerprints: Sequence[bytes]) -> dict[bytes, tuple[bytes, bool]]:
        """Return the certificates stored, by SHA-256: TBS hash, and whether it is a precertificate."""
        return known_tbs(self._db.database().conn, fingerprints)

    def rewind(self, log: int, size: int) -> None:
        """Forget the entries from index ``size`` on, to read them once more. Certificates stay known."""
        with self._db.write() as connection:
            connection.execute("DELETE FROM entries WHERE log=? AND idx>=?", (log, size))
            connection.execute("DELETE FROM malformed WHERE log=? AND idx>=?", (log, size))
            connection.execute("DELETE FROM oddities WHERE log=? AND idx>=?", (log, size))
            connection.execute("UPDATE watched_malformed SET idx=min(idx, ?) WHERE log=?", (size, log))
            tree.truncate(connection, log, size)
            (malformed,) = connection.execute("SELECT count(*) FROM malformed WHERE log=?", (log,)).fetchone()
            connection.execute("UPDATE logs SET size=?, malformed=? WHERE id=?", (size, malformed, log))

    def set_origin(self, log: int, origin: str) -> None:
        """Keep the origin that the log's checkpoints have."""
        with self._db.write() as connection:
            connection.execute("UPDATE logs SET origin=? WHERE id=? AND origin=''", (origin, log))

    def size(self, log: int) -> int:
        """Return how many entries were read."""
        return _size(self._db.database().conn, log)

    def tree(self, log: int) -> TreeReader:
        """Return a reader of the log's tree, in this thread's connection."""
        return TreeReader(self._db.database().conn, log)

    def leaf_hashes(self, log: int, start: int, end: int) -> list[bytes]:
        """Return the leaf hashes of the entries ``start`` to ``end`` (exclusive)."""
        rows = self._db.rows(
            "SELECT leaf_hash FROM entries WHERE log=? AND idx>=? AND idx<? ORDER BY idx", (log, start, end)
        )
        return [bytes(row["leaf_hash"]) for row in rows]

    def by_prefix(
        self, log: int, size: int, first: bytes, last: bytes, limit: int
    ) -> list[tuple[int, bytes]]:
        """Return (index, leaf hash) of the entries below ``size`` whose hash lies within the two bounds."""
        rows = self._db.rows(
            "SELECT idx, leaf_hash FROM entries WHERE log=? AND leaf_hash BETWEEN ? AND ? AND idx<?"
            " ORDER BY leaf_hash, idx LIMIT ?",
            (log, first, last, size, limit),
        )
        return [(row["idx"], bytes(row["leaf_hash"])) for row in rows]

    def entry(self, log: int, index: int) -> bytes | None:
        """Return the leaf hash at ``index``."""
        row = self._db.row("SELECT leaf_hash FROM entries WHERE log=? AND idx=?", (log, index))
        return bytes(row["leaf_hash"]) if row else None

    def malformed(self, log: int, limit: int) -> list[MalformedEntry]:
        """Return the last malformed entries, newest first."""
        rows = self._db.rows(
            "SELECT m.*, l.name FROM malformed m JOIN logs l ON l.id=m.log WHERE log=?"
            " ORDER BY idx DESC LIMIT ?",
            (log, limit),
        )
        return [
            MalformedEntry(
                row["name"],
                row["idx"],
                row["reason"],
                row["leaf_input"],
                row["extra_data"],
                tuple(json.loads(row["names"])),
            )
            for row in rows
        ]

    # tree heads

    def keep_head(self, log: int, head: Head) -> int:
        """Keep a head that was verified; the same head again changes nothing. Returns its row."""
        with self._db.write() as connection:
            key = (log, head.tree_size, head.timestamp_ms, head.root_hash)
            connection.execute(
                "INSERT OR IGNORE INTO heads (log, tree_size, timestamp, root_hash, signature, seen_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (*key, head.signature, to_ms(head.seen_at)),
            )
            (row,) = connection.execute(
                "SELECT id FROM heads WHERE log=? AND tree_size=? AND timestamp=? AND root_hash=?", key
            ).fetchone()
        return int(row)

    def chase(self, log: int, head: int | None) -> None:
        """Remember which head the follower reads towards."""
        with self._db.write() as connection:
            connection.execute("UPDATE logs SET chasing=? WHERE id=?", (head, log))

    def mark_rebuilt(self, log: int, head: int) -> None:
        """Record that this head's root was rebuilt from the entries; heads of the same tree share that."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE heads SET rebuilt=1 WHERE log=? AND (tree_size, root_hash) ="
                " (SELECT tree_size, root_hash FROM heads WHERE id=?)",
                (log, head),
            )
            connection.execute("UPDATE logs SET chasing=NULL WHERE id=?", (log,))

    def chased(self, log: int) -> tuple[int, Head] | None:
        """Return the head that the follower has been reading towards since an earlier audit."""
        row = self._db.row(f"{HEAD} WHERE h.id = l.chasing AND l.id=?", (log,))
        return (row["id"], head_of(row)) if row else None

    def newest_unbuilt(self, log: int) -> tuple[int, Head] | None:
        """Return the largest, then newest head when its root was not rebuilt yet."""
        row = self._db.row(f"{HEAD} WHERE h.log=? ORDER BY tree_size DESC, timestamp DESC LIMIT 1", (log,))
        return (row["id"], head_of(row)) if row and not row["rebuilt"] else None

    def last_head(self, log: int) -> Head | None:
        """Return the largest, then newest head that was verified against the one before."""
        row = self._db.row(f"{HEAD} WHERE h.log=? ORDER BY tree_size DESC, timestamp DESC LIMIT 1", (log,))
        return head_of(row) if row else None

    def last_rebuilt(self, log: int) -> Head | None:
        """Return the largest, then newest head whose root was rebuilt."""
        row = self._db.row(
            f"{HEAD} WHERE h.log=? AND rebuilt ORDER BY tree_size DESC, timestamp DESC LIMIT 1", (log,)
        )
        return head_of(row) if row else None

    def heads(self, log: int, limit: int) -> list[Head]:
        """Return the last heads seen, newest first."""
        return [
            head_of(row)
            for row in self._db.rows(f"{HEAD} WHERE h.log=? ORDER BY h.id DESC LIMIT ?", (log, limit))
        ]

    def total_entries(self) -> int:
        """Return how many entries were read from all logs."""
        row = self._db.row("SELECT coalesce(sum(size), 0) AS total FROM logs")
        return int(row["total"]) if row else 0


def _name(connection: sqlite3.Connection, log: WatchedLog) -> str:
    """Return the name that a log has here; a second log of the same name gets its LogID's beginning too."""
    known = connection.execute("SELECT name FROM logs WHERE log_id=?", (log.log_id,)).fetchone()
    if known:
        return str(known[0])
    taken = connection.execute("SELECT 1 FROM logs WHERE name=?", (log.name,)).fetchone()
    return f"{log.name}-{log.log_id.hex()[:8]}" if taken else log.name


def _size(connection: sqlite3.Connection, log: int) -> int:
    return int(connection.execute("SELECT size FROM logs WHERE id=?", (log,)).fetchone()[0])


def _log(row: sqlite3.Row) -> LogRow:
    log = WatchedLog(
        name=row["name"],
        log_id=row["log_id"],
        key=PublicKey.from_spki(row["spki"]),
        description=row["description"],
        operator=row["operator"],
        mmd=timedelta(seconds=row["mmd"]),
        state=row["state"],
        url=row["url"],
        monitoring_url=row["monitoring_url"],
        origin=row["origin"],
        codepoint=row["codepoint"],
        submission_url=row["submission_url"],
        interval=interval_of(row["interval_start"], row["interval_end"]),
    )
    distrusted = from_ms(row["distrusted_at"]) if row["distrusted_at"] is not None else None
    return LogRow(
        row["id"], log, row["size"], row["malformed"], row["chasing"], distrusted, row["distrusted_reason"]
    )
