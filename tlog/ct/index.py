"""The log's index: which entry a resubmission repeats, and which leaf a hash belongs to.

SQLite beside the tree, made anew from it when it is lost or behind: nothing in it is a promise by itself
except the signed timestamps, which it keeps so that a resubmission gets the identical one.

Promises are appended in the order of the leaves, which touches few pages. The two look-up trees are in the
order of hashes, where in a large log each new row is on another page: so the newest rows are found in memory
and go into the trees a slice of all hashes at a time, many rows to a page. What is in memory only is read
again at the start: some ten thousand rows, however large the log is.
"""

import sqlite3
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tlog.ct.index_file import SLICES, connect, is_damage, number_of, remove
from tlog.ct.places import RecentPlaces
from tlog.errors import StorageError

_KEY_SIZE: Final = 16
"""Bytes of a SHA-256 kept as key: a collision takes 2**64 work, and yields an SCT that does not verify.

The trees hold 8 bytes. Whoever finds two entries that agree in these gets the second one logged anew each
time that it is submitted, as a log without an index would do.
"""

_IN_MEMORY: Final = 48 * 1024
"""Rows that are found in memory; from there on a slice goes into the trees with each flush."""

_READER_CACHE_KIB: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Promise:
    """Where an entry stands in the log; ``signature`` is its SCT's, None if none was handed out yet."""

    index: int
    timestamp: int
    signature: bytes | None


@dataclass(frozen=True, slots=True)
class Indexed:
    """One merged entry: its deduplication key, its leaf hash and its promise."""

    key: bytes
    leaf_hash: bytes
    promise: Promise


class Index:
    """Raises StorageError when it cannot be opened. A damaged one is made anew, empty.

    Two connections, each guarded by a lock: the sequencer writes by one, everyone looks up by the other,
    so that no look-up waits for a flush.

    Commits survive the process's end at once and the machine's within moments (WAL, synchronous NORMAL);
    what a power cut takes is read again from the tree.
    """

    def __init__(self, path: Path, *, in_memory: int = _IN_MEMORY) -> None:
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._path = path
        self._in_memory = in_memory
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise StorageError(f"could not open {path}: {error}") from error
            remove(path)  # it holds nothing that the tree does not
            self._open()

    def _open(self) -> None:
        with ExitStack() as undo:
            self._connection = connect(self._path)
            undo.callback(self._connection.close)
            self._reader = sqlite3.connect(self._path, check_same_thread=False)
            undo.callback(self._reader.close)
            self._reader.execute("PRAGMA query_only = 1")
            self._reader.execute(f"PRAGMA cache_size = -{_READER_CACHE_KIB}")
            self._load_recent()
            undo.pop_all()

    def _load_recent(self) -> None:
        self._entries, self._leaves = RecentPlaces(), RecentPlaces()
        in_trees = [size for (size,) in self._connection.execute("SELECT size FROM slice ORDER BY number")]
        self._next_slice = in_trees.index(min(in_trees))
        rows = self._connection.execute(
            "SELECT leaf_index, key, hash FROM promise WHERE leaf_index >= ?", (min(in_trees),)
        ).fetchall()
        self._entries.load(((number_of(key), place) for place, key, _ in rows), in_trees)
        self._leaves.load(((leaf, place) for place, _, leaf in rows), in_trees)

    @property
    def size(self) -> int:
        """How many leaves, from the first on, are indexed."""
        with self._lock:
            return int(self._connection.execute("SELECT size FROM progress").fetchone()[0])

    def add(self, entries: Iterable[Indexed], size: int) -> None:
        """Add merged entries in one transaction; ``size`` is the tree's with them. First promises stay."""
        rows = list(entries)
        with self._lock:
            part = self._next_slice if len(self._entries) > self._in_memory else None
            with self._connection:
                if part is not None:
                    self._put_into_trees(part)
                self._append(rows, size)
            if part is not None:
                self._entries.forget(part)
                self._leaves.forget(part)
                self._next_slice = (part + 1) % SLICES
            for row in rows:
                self._entries.add(number_of(row.key), row.promise.index)
                self._leaves.add(number_of(row.leaf_hash), row.promise.index)

    def _append(self, rows: Iterable[Indexed], size: int) -> None:
        self._connection.executemany(
            "INSERT INTO promise VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [
                (
                    row.promise.index,
                    row.key[:_KEY_SIZE],
                    number_of(row.leaf_hash),
                    row.promise.timestamp,
                    row.promise.signature,
                )
                for row in rows
            ],
        )
        self._connection.execute("UPDATE progress SET size = ?", (size,))

    def _put_into_trees(self, part: int) -> None:
        insert = self._connection.executemany
        insert("INSERT INTO entry VALUES (?, ?) ON CONFLICT DO NOTHING", self._entries.rows(part))
        insert("INSERT INTO leaf VALUES (?, ?) ON CONFLICT DO NOTHING", self._leaves.rows(part))
        self._connection.execute(
            "UPDATE slice SET size = (SELECT size FROM progress) WHERE number = ?", (part,)
        )

    def promise(self, key: bytes) -> Promise | None:
        """Return where the entry of this deduplication key stands, None if it is not in the log."""
        recent = self._entries.get(number_of(key))  # before the tree: what leaves memory is in the tree
        with self._reading:
            row = self._reader.execute(
                "SELECT promise.leaf_index, timestamp, signature, promise.key FROM promise"
                " WHERE leaf_index = coalesce((SELECT leaf_index FROM entry WHERE key = ?), ?)",
                (number_of(key), recent),
            ).fetchone()
        return Promise(*row[:3]) if row and row[3] == key[:_KEY_SIZE] else None

    def keep_signature(self, key: bytes, signature: bytes) -> bytes:
        """Store the first signature given for an entry, and return the one that is stored."""
        if (promise := self.promise(key)) is None:
            return signature
        with self._lock, self._connection:
            self._connection.execute(
                "UPDATE promise SET signature = ? WHERE leaf_index = ? AND signature IS NULL",
                (signature, promise.index),
            )
            row = self._connection.execute(
                "SELECT signature FROM promise WHERE leaf_index = ?", (promise.index,)
            ).fetchone()
        return bytes(row[0])

    def leaf_index(self, leaf_hash: bytes) -> int | None:
        """Return the index of the leaf with this hash (the caller compares the whole hash), or None."""
        number = number_of(leaf_hash)
        if (recent := self._leaves.get(number)) is not None:
            return recent
        with self._reading:
            row = self._reader.execute("SELECT leaf_index FROM leaf WHERE hash = ?", (number,)).fetchone()
        return int(row[0]) if row else None

    def start_over(self) -> None:
        """Forget everything, to be filled from the tree again."""
        with self._lock, self._reading:
            self._close()
            remove(self._path)
            self._open()

    def close(self) -> None:
        """Close the database."""
        with self._lock, self._reading:
            self._close()

    def _close(self) -> None:
        self._reader.close()
        self._connection.close()
