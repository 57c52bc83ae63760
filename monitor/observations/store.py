"""The tables seen_heads, promises, availability, following, oddities and cursors. See ``monitor.store``."""

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from monitor.follower.meter import Count
from monitor.observations.values import (
    Checked,
    EndpointAvailability,
    Following,
    Promise,
    PromiseState,
    PromiseTally,
    SeenHead,
    SeenState,
)
from monitor.store.connections import Connections
from monitor.values import from_ms, to_ms
from verifier.transparency.api import RawEntry
from verifier.transparency.sct import SignedCertificateTimestamp
from verifier.transparency.tree_head import SignedTreeHead

KEEP = timedelta(days=90)
HOUR_MS = 3_600_000
MOST_ODD = 1000  # entries that one look returns
MOST_OPEN_HEADS = 1000  # of one log; whoever reports more is not listened to until these are compared


class Observations:
    """What was seen of the logs beside their entries. ``log`` is a log's row or, for readers, its name."""

    def __init__(self, connections: Connections) -> None:
        self._db = connections

    # availability and progress

    def count(self, log: int, counts: Mapping[str, Count], now: datetime) -> None:
        """Add counts to this hour's, and forget what is older than 90 days."""
        hour = to_ms(now) // HOUR_MS
        with self._db.write() as connection:
            connection.executemany(
                "INSERT INTO availability VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " ok=ok+excluded.ok, failed=failed+excluded.failed,"
                " milliseconds=milliseconds+excluded.milliseconds",
                [(log, name, hour, c.ok, c.failed, c.milliseconds) for name, c in counts.items()],
            )
            horizon = to_ms(now - KEEP) // HOUR_MS
            connection.execute("DELETE FROM availability WHERE log=? AND hour<?", (log, horizon))

    def availability(self, log: int | str, now: datetime) -> tuple[EndpointAvailability, ...]:
        """Return how each endpoint of a log answered over the last 90 days."""
        rows = self._db.rows(
            "SELECT endpoint, sum(ok) AS ok, sum(failed) AS failed, sum(milliseconds) AS ms,"
            " min(hour) AS hour FROM availability a JOIN logs l ON l.id = a.log"
            " WHERE (l.id=? OR l.name=?) AND hour>=? GROUP BY endpoint ORDER BY endpoint",
            (log, log, to_ms(now - KEEP) // HOUR_MS),
        )
        return tuple(
            EndpointAvailability(
                row["endpoint"], row["ok"], row["failed"], row["ms"] / 1000, from_ms(row["hour"] * HOUR_MS)
            )
            for row in rows
        )

    def tell_following(self, log: int, following: Following) -> None:
        """Keep where the follower stands."""
        with self._db.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO following VALUES (?, ?, ?, ?, ?, ?)",
                (
                    *(log, following.position, following.target, following.rate, following.left),
                    to_ms(following.at),
                ),
            )

    def following(self, log: int | str) -> Following | None:
        """Return where the follower of a log stood when it last said so."""
        row = self._db.row(
            "SELECT f.* FROM following f JOIN logs l ON l.id = f.log WHERE l.id=? OR l.name=?", (log, log)
        )
        if row is None:
            return None
        return Following(row["position"], row["target"], row["rate"], row["remaining"], from_ms(row["at"]))

    def accepted_roots(self, log: str) -> int | None:
        """Return how many roots the log named when it was last asked; None where it has not said."""
        row = self._db.row(
            "SELECT c.value FROM cursors c JOIN logs l ON c.name = 'roots ' || l.id WHERE l.name=?", (log,)
        )
        return int(row["value"]) if row else None

    # heads that others were shown

    def add_head(self, log: int, head: SignedTreeHead, observer: str, now: datetime) -> None:
        """Keep a head for the next audit to compare; one that is known changes nothing."""
        with self._db.write() as connection:
            (waiting,) = connection.execute(
                "SELECT count(*) FROM seen_heads WHERE log=? AND state='open'", (log,)
            ).fetchone()
            if waiting < MOST_OPEN_HEADS:
                connection.execute(
                    "INSERT OR IGNORE INTO seen_heads (log, tree_size, timestamp, root_hash, signature,"
                    " observer, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(log, head.tree_size, head.timestamp, head.root_hash, head.signature),
                        *(observer, to_ms(now)),
                    ),
                )

    def open_heads(self, log: int) -> tuple[SeenHead, ...]:
        """Return the heads that are still to be compared, smallest first."""
        rows = self._db.rows(
            "SELECT * FROM seen_heads WHERE log=? AND state='open' ORDER BY tree_size, timestamp", (log,)
        )
        return tuple(_seen(row) for row in rows)

    def seen_heads(self, log: str, limit: int) -> tuple[SeenHead, ...]:
        """Return the heads of a log that others were shown, newest first, with what is known of each."""
        rows = self._db.rows(
            "SELECT s.* FROM seen_heads s JOIN logs l ON l.id = s.log WHERE l.name=?"
            " ORDER BY s.timestamp DESC, s.id DESC LIMIT ?",
            (log, limit),
        )
        return tuple(_seen(row) for row in rows)

    def settle_head(self, log: int, head: int, state: SeenState) -> None:
        """Keep what a comparison said. Heads that agree are kept thinly, those that conflict for good."""
        with self._db.write() as connection:
            connection.execute("UPDATE seen_heads SET state=? WHERE id=?", (state.value, head))
            connection.execute(
                "DELETE FROM seen_heads WHERE log=? AND state IN ('agrees', 'forged') AND id <"
                " (SELECT max(id) FROM seen_heads) - ?",
                (log, MOST_OPEN_HEADS),
            )

    def thin_heads(self, log: int) -> None:
        """Keep the first and the last of the own heads that say the same of the newest tree.

        Conflicting heads differ in size or root and stay; so does the head that is being read towards.
        """
        with self._db.write() as connection:
            connection.execute(
                "DELETE FROM heads WHERE log=:log AND id IN (SELECT h.id FROM heads h JOIN (SELECT tree_size,"
                " root_hash, min(timestamp) AS first, max(timestamp) AS last FROM heads WHERE log=:log"
                " GROUP BY tree_size, root_hash HAVING count(*) > 2) g"
                " ON g.tree_size = h.tree_size AND g.root_hash = h.root_hash WHERE h.log=:log"
                " AND h.timestamp NOT IN (g.first, g.last)"
                " AND h.id IS NOT (SELECT chasing FROM logs WHERE id=:log))",
                {"log": log},
            )

    # promises

    def collected(self, log: int) -> int:
        """Return up to which row of the certificates the SCTs of a log were looked for."""
        return self.cursor(f"finals {log}")

    def collect(
        self, log: int, span: tuple[int, int], later: Iterable[Promise], kept: int, mmd_ms: int
    ) -> None:
        """Keep what the certificates of a span of rows promise ``later``, count what is ``kept``, go on.

        All or nothing; nothing where another process has gone on from the same row.
        """
        with self._db.write() as connection:
            if _value(connection, f"finals {log}") == span[0]:
                _insert(connection, later, mmd_ms)
                _add(connection, f"scts kept {log}", kept)
                _add(connection, f"finals {log}", span[1] - span[0])

    def add_promises(self, promises: Iterable[Promise], mmd_ms: int) -> None:
        """Keep SCTs whose entries are to be looked for once they are due; known ones stay as they are."""
        with self._db.write() as connection:
            _insert(connection, promises, mmd_ms)

    def promise_tally(self, log: int) -> PromiseTally:
        """Return how many SCTs of a log were kept, were broken, and are still waited for."""
        rows = self._db.rows("SELECT broken, count(*) AS n FROM promises WHERE log=? GROUP BY 1", (log,))
        counts = {row["broken"]: row["n"] for row in rows}
        waiting, broken = (counts.get(state, 0) for state in (PromiseState.WAITING, PromiseState.BROKEN))
        return PromiseTally(self.cursor(f"scts kept {log}"), broken, waiting)

    def checked(self, log: str) -> Checked:
        """Return how far the SCTs of a log were checked, by the log's name."""
        row = self._db.row(
            "SELECT l.id, (SELECT coalesce(max(id), 0) FROM encodings) AS certificates FROM logs l"
            " WHERE l.name=?",
            (log,),
        )
        if row is None:
            return Checked(0, 0, PromiseTally(0, 0, 0))
        return Checked(self.collected(row["id"]), row["certificates"], self.promise_tally(row["id"]))

    def due(self, log: int, before_ms: int, limit: int, skip: int = 0) -> tuple[Promise, ...]:
        """Return promises that fell due before a moment and were not judged yet, oldest first."""
        rows = self._db.rows(
            "SELECT * FROM promises WHERE log=? AND due<? AND NOT broken ORDER BY due, leaf_hash"
            " LIMIT ? OFFSET ?",
            (log, before_ms, limit, skip),
        )
        return tuple(_promise(row) for row in rows)

    def settle_promises(self, log: int, states: Mapping[bytes, PromiseState]) -> None:
        """Count and forget promises that were kept, and mark the others; by leaf hash."""
        kept = [(log, leaf) for leaf, state in states.items() if state is PromiseState.KEPT]
        others = [(state, log, leaf) for leaf, state in states.items() if state is not PromiseState.KEPT]
        with self._db.write() as connection:
            connection.executemany("DELETE FROM promises WHERE log=? AND leaf_hash=?", kept)
            _add(connection, f"scts kept {log}", len(kept))
            connection.executemany("UPDATE promises SET broken=? WHERE log=? AND leaf_hash=?", others)

    # what the follower noticed, and how far others have looked

    def odd_entries(self, log: int, start: int, end: int) -> tuple[tuple[int, RawEntry], ...]:
        """Return entries from ``start`` on whose issuer key or place seems to be another, some at most."""
        rows = self._db.rows(
            "SELECT * FROM oddities WHERE log=? AND idx>=? AND idx<? ORDER BY idx LIMIT ?",
            (log, start, end, MOST_ODD),
        )
        return tuple((row["idx"], RawEntry(row["leaf_input"], row["extra_data"])) for row in rows)

    def cursor(self, name: str) -> int:
        """Return how far a check has come; 0 where it never began."""
        row = self._db.row("SELECT value FROM cursors WHERE name=?", (name,))
        return int(row["value"]) if row else 0

    def move(self, name: str, value: int) -> None:
        """Keep how far a check has come."""
        with self._db.write() as connection:
            connection.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (name, value))


def _value(connection: sqlite3.Connection, name: str) -> int:
    row = connection.execute("SELECT value FROM cursors WHERE name=?", (name,)).fetchone()
    return int(row[0]) if row else 0


def _add(connection: sqlite3.Connection, name: str, count: int) -> None:
    connection.execute(
        "INSERT INTO cursors VALUES (?, ?) ON CONFLICT DO UPDATE SET value=value+excluded.value",
        (name, count),
    )


def _insert(connection: sqlite3.Connection, promises: Iterable[Promise], mmd_ms: int) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO promises (log, leaf_hash, due, leaf_index, sct, certificate, issuer, kind,"
        " source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(p.log, p.leaf_hash, p.sct.timestamp + mmd_ms, p.sct.leaf_index, p.sct.encode()),
                *(p.certificate, p.issuer, p.kind, p.source),
            )
            for p in promises
        ],
    )


def _promise(row: sqlite3.Row) -> Promise:
    return Promise(
        row["log"],
        row["leaf_hash"],
        SignedCertificateTimestamp.parse(row["sct"]),
        row["certificate"],
        row["issuer"],
        row["kind"],
        row["source"],
        PromiseState(row["broken"]),
    )


def _seen(row: sqlite3.Row) -> SeenHead:
    head = SignedTreeHead(row["tree_size"], row["timestamp"], row["root_hash"], row["signature"])
    at = from_ms(row["seen_at"]).astimezone(UTC)
    return SeenHead(row["id"], head, row["observer"], at, SeenState(row["state"]))
