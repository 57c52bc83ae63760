"""The index: promises are found again wherever they lie, in memory or in the trees, and after a restart."""

import random
import sqlite3

import pytest

from tlog.ct.index import Index, Indexed, Promise
from tlog.errors import StorageError

FLUSH = 20
SMALL = 1000
"""Rows in memory, so that a few thousand entries fill the trees many times over."""


def row(number: int) -> Indexed:
    source = random.Random(number)  # noqa: S311 -- the same each time
    return Indexed(
        source.randbytes(32), source.randbytes(32), Promise(number, 7 * number, source.randbytes(70))
    )


def fill(index: Index, until: int) -> None:
    while (size := index.size) < until:
        index.add([row(number) for number in range(size, size + FLUSH)], size + FLUSH)


@pytest.fixture
def index(tmp_path):
    opened = Index(tmp_path / "index.db", in_memory=SMALL)
    yield opened
    opened.close()


def check(index: Index, size: int) -> None:
    for number in range(size):
        wanted = row(number)
        assert index.promise(wanted.key) == wanted.promise
        assert index.leaf_index(wanted.leaf_hash) == number
    assert index.promise(row(size).key) is None
    assert index.leaf_index(row(size).leaf_hash) is None


@pytest.mark.parametrize("size", [FLUSH, SMALL, 5000])
def test_everything_is_found_again(index, size) -> None:
    fill(index, size)
    check(index, size)


def test_everything_is_found_after_a_restart(index, tmp_path) -> None:
    for size in (500, 2300, 5000):
        fill(index, size)
        again = Index(tmp_path / "index.db", in_memory=SMALL)
        check(again, size)
        again.close()


def test_what_is_in_memory_and_read_at_the_start_does_not_grow(index, tmp_path) -> None:
    for size in (5000, 10_000):
        fill(index, size)
        again = Index(tmp_path / "index.db", in_memory=SMALL)
        assert SMALL / 2 < len(index._entries) < 1.5 * SMALL
        assert SMALL / 2 < len(again._entries) < 1.5 * SMALL
        again.close()


def test_the_first_promise_stays(index) -> None:
    """The same entry twice in the tree, as the loss of an index brings it: once near, once far apart."""
    fill(index, 200)
    first = row(3)
    for size in (200, 4000):
        fill(index, size)
        index.add([Indexed(first.key, b"\1" * 32, Promise(size, 1, b"other"))], size + 1)
        fill(index, size + 2000)
        assert index.promise(first.key) == first.promise
        assert index.leaf_index(first.leaf_hash) == 3


def test_two_keys_with_the_same_beginning_are_told_apart(index) -> None:
    one, other = b"\1" * 8 + b"\2" * 24, b"\1" * 8 + b"\3" * 24
    index.add([Indexed(one, b"\4" * 32, Promise(0, 1, b"s"))], 1)
    assert index.promise(other) is None
    assert index.promise(one) == Promise(0, 1, b"s")


def test_the_first_signature_stays(index) -> None:
    index.add([Indexed(b"k" * 32, b"h" * 32, Promise(0, 1, None))], 1)
    assert index.keep_signature(b"k" * 32, b"one") == b"one"
    assert index.keep_signature(b"k" * 32, b"two") == b"one"
    assert index.promise(b"k" * 32) == Promise(0, 1, b"one")


def test_starting_over_forgets_what_is_in_memory_too(index) -> None:
    fill(index, 300)
    index.start_over()
    assert index.size == 0
    assert index.promise(row(3).key) is None
    fill(index, 300)
    check(index, 300)


def test_an_index_of_version_1_keeps_its_signatures(tmp_path) -> None:
    path = tmp_path / "index.db"
    connection = sqlite3.connect(path)
    connection.executescript("""
        CREATE TABLE entry (
            key BLOB PRIMARY KEY, leaf_index INTEGER NOT NULL, timestamp INTEGER NOT NULL, signature BLOB
        ) WITHOUT ROWID;
        CREATE TABLE leaf (hash BLOB PRIMARY KEY, leaf_index INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE progress (size INTEGER NOT NULL);
        INSERT INTO progress VALUES (300);
        PRAGMA user_version = 1;
    """)
    for each in map(row, range(300)):
        place, time, signature = each.promise.index, each.promise.timestamp, each.promise.signature
        connection.execute("INSERT INTO entry VALUES (?, ?, ?, ?)", (each.key[:16], place, time, signature))
        connection.execute("INSERT INTO leaf VALUES (?, ?)", (each.leaf_hash[:16], place))
    connection.commit()
    connection.close()
    for _ in range(2):  # brought up to date, then opened as it is
        index = Index(path)
        check(index, 300)
        index.close()


def test_an_index_of_a_newer_version_is_made_anew(tmp_path) -> None:
    path = tmp_path / "index.db"
    Index(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    index = Index(path)
    assert index.size == 0
    index.close()


def test_an_index_that_cannot_be_opened_is_not_thrown_away(tmp_path, monkeypatch) -> None:
    path = tmp_path / "index.db"
    index = Index(path)
    fill(index, 100)
    index.close()

    def full(_: object) -> sqlite3.Connection:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr("tlog.ct.index.connect", full)
    with pytest.raises(StorageError, match=r"could not open .* database or disk is full"):
        Index(path)
    monkeypatch.undo()
    index = Index(path)
    check(index, 100)
    index.close()
