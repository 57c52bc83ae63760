"""An older database becomes a newer one: nothing is lost, everything is found, a copy stays."""

import sqlite3
from datetime import UTC, datetime

import pytest

from monitor import Monitor
from monitor.errors import StoreError
from monitor.store import schema
from monitor.store.migrations import MIGRATIONS, base
from monitor.values import Match, Query

NOW = datetime.now(UTC)


@pytest.fixture
def old(database, monitor, log, ca):
    """The database of version 1 of a log with three certificates."""
    for names in (["a.example.test"], ["*.b.example.test"], ["xn--fsqu00a.test"]):
        log.add_precertificate(ca.precertificate(*names, organisation="Big Co"), ca)
    monitor.watch_log(log.watched())
    monitor.audit_now()
    monitor.close()
    made = database.with_name("old.db")
    connection = sqlite3.connect(made)
    connection.executescript(base.SQL)
    connection.execute("ATTACH ? AS newer", (str(database),))
    for table in (
        "logs",
        "entries",
        "distinguished_names",
        "certificates",
        "encodings",
        "authorities",
        "tiles",
        "heads",
    ):
        columns = ",".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
        connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM newer.{table}")  # noqa: S608
    connection.execute("PRAGMA user_version=1")
    connection.commit()
    connection.close()
    return made


def found(path, text, match=Match.EXACT):
    monitor = Monitor.open(path, read_only=True)
    results = monitor.search(Query(text, match), NOW).results
    monitor.close()
    return [result.names[0] for result in results]


def test_what_was_there_is_found(old, ca):
    Monitor.open(old).close()
    assert found(old, "example.test", Match.SUBDOMAIN) == ["*.b.example.test", "a.example.test"]
    assert found(old, "例子", Match.CONTAINS) == ["xn--fsqu00a.test"]
    assert len(found(old, "o:big co")) == 3
    assert (
        len(found(old, f"issuer:{ca.certificate.fingerprint(ca.certificate.signature_hash_algorithm).hex()}"))
        == 3
    )
    assert len(found(old, "")) == 3


def test_a_copy_is_kept_and_only_the_last_one(old):
    before = old.read_bytes()
    old.with_name("old.db.version-0").write_bytes(b"an earlier copy")
    Monitor.open(old).close()
    copies = sorted(path.name for path in old.parent.glob("old.db.*") if "version" in path.name)
    assert copies == ["old.db.version-1"]
    copy = sqlite3.connect(old.with_name("old.db.version-1"))
    assert copy.execute("PRAGMA user_version").fetchone() == (1,)
    assert copy.execute("SELECT count(*) FROM domains").fetchone() == (0,)
    assert copy.execute("SELECT count(*) FROM certificates").fetchone() == (3,)
    copy.close()
    assert before
    Monitor.open(old).close()
    assert sorted(path.name for path in old.parent.glob("old.db.version-*")) == copies


def test_the_copy_is_the_database_as_it_was_journal_included(old):
    """What a writer left in the write-ahead log is in the copy; put in its place, the copy migrates again."""
    writer = sqlite3.connect(old)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("UPDATE certificates SET organisation='Journal'")
    writer.commit()
    assert old.with_name("old.db-wal").stat().st_size
    Monitor.open(old).close()
    writer.close()
    copy = old.with_name("old.db.version-1")
    taken = sqlite3.connect(copy)
    assert taken.execute("SELECT DISTINCT organisation FROM certificates").fetchall() == [("Journal",)]
    assert taken.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    taken.close()
    again = copy.rename(old.with_name("again.db"))
    Monitor.open(again).close()
    assert found(again, "a.example.test") == ["a.example.test"]


@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk full"), OSError(28, "No space left")])
def test_without_a_copy_nothing_is_migrated(old, monkeypatch, error):
    """The earlier copy stays as well, and the next start, with room again, does it all."""
    earlier = old.with_name("old.db.version-0")
    earlier.write_bytes(b"an earlier copy")

    def full(_path, _version):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(schema, "keep_copy", full)
        with pytest.raises(StoreError, match="could not open"):
            Monitor.open(old)
    connection = sqlite3.connect(old)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()
    assert earlier.read_bytes() == b"an earlier copy"
    Monitor.open(old).close()
    assert found(old, "a.example.test") == ["a.example.test"]
    assert not earlier.exists()


def test_an_earlier_copy_goes_only_when_the_new_one_is_whole(old, monkeypatch):
    """Cut off while copying: what is unfinished has another name, and the earlier copy is there."""
    earlier = old.with_name("old.db.version-0")
    earlier.write_bytes(b"an earlier copy")

    class Cut(sqlite3.Connection):
        def backup(self, target, **_options):
            target.execute("CREATE TABLE half (a)")
            target.commit()
            raise sqlite3.OperationalError("cut off")

    real = sqlite3.connect

    def connect(*args, **options):
        return real(*args, factory=Cut, **options)

    with monkeypatch.context() as patched:
        patched.setattr(schema.sqlite3, "connect", connect)
        with pytest.raises(StoreError, match="cut off"):
            Monitor.open(old)
    assert earlier.read_bytes() == b"an earlier copy"
    assert not old.with_name("old.db.version-1").exists()
    Monitor.open(old).close()
    assert not old.with_name("old.db.copying").exists()
    assert old.with_name("old.db.version-1").exists()


def test_a_new_database_leaves_no_copy(database, monitor):
    assert list(database.parent.glob("*version-*")) == []


def test_a_step_that_fails_leaves_the_old_database(old, monkeypatch):
    monkeypatch.setattr(
        schema, "MIGRATIONS", (*MIGRATIONS[:2], "SELECT no_such_column FROM logs", *MIGRATIONS[3:])
    )
    with pytest.raises(StoreError, match="no_such_column"):
        Monitor.open(old)
    connection = sqlite3.connect(old)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM domains").fetchone() == (0,)
    connection.close()


def test_a_reader_waits_for_the_writer(old):
    with pytest.raises(StoreError, match="the scheduler makes it version"):
        found(old, "a.example.test")


def test_what_cannot_be_parsed_any_more_is_found_by_what_was_kept(old):
    connection = sqlite3.connect(old)
    connection.execute("UPDATE encodings SET der=x'3000'")
    connection.commit()
    connection.close()
    Monitor.open(old).close()
    assert found(old, "a.example.test") == ["a.example.test"]
