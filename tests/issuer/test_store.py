"""The database: transactions, versions, the unified list."""

import datetime as dt
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from issuer.errors import StoreError, UnknownCertificate
from issuer.store import (
    VERSION,
    CertificateState,
    Intent,
    IntentState,
    IssuerStore,
    StoredCertificate,
    serial_hex,
)

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)


def stored(serial: str, pair: str = "p1", **more: object) -> StoredCertificate:
    values: dict[str, object] = {
        "serial": serial,
        "ca": "ssl-sm2",
        "pair": pair,
        "label": "sm2",
        "profile": "ssl",
        "names": ("a.test",),
        "der": b"\x30\x00",
        "not_before": NOW - dt.timedelta(days=10),
        "not_after": NOW + dt.timedelta(days=80),
        "issued_at": NOW,
    }
    return StoredCertificate(**(values | more))  # type: ignore[arg-type]


def intend(store: IssuerStore, serial: str, pair: str = "p1") -> None:
    intent = Intent(serial, "ssl-sm2", pair, "sm2", ("a.test",), IntentState.INTENDED, "", NOW)
    store.add_intent(intent, b"tbs", NOW + dt.timedelta(days=80))


def issue(store: IssuerStore, *serials: str, pair: str = "p1") -> None:
    for serial in serials:
        intend(store, serial, pair)
    store.add_set([stored(serial, pair) for serial in serials])


def test_wal_synced_and_versioned(store: IssuerStore, data: Path) -> None:
    with sqlite3.connect(data / "issuer.db") as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert other.execute("PRAGMA user_version").fetchone() == (VERSION,)
    other.close()
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_newer_database_is_refused(data: Path) -> None:
    IssuerStore(data / "issuer.db").close()
    other = sqlite3.connect(data / "issuer.db")
    other.execute(f"PRAGMA user_version = {VERSION + 1}")
    other.close()
    with pytest.raises(StoreError, match=f"is of version {VERSION + 1}"):
        IssuerStore(data / "issuer.db")


def test_no_database_is_refused(data: Path) -> None:
    (data / "issuer.db").write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(StoreError, match="could not open"):
        IssuerStore(data / "issuer.db")


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (dt.timedelta(0), CertificateState.IN_USE),
        (dt.timedelta(days=49, hours=23), CertificateState.IN_USE),
        (dt.timedelta(days=50), CertificateState.RENEWAL),
        (dt.timedelta(days=80), CertificateState.RENEWAL),
        (dt.timedelta(days=80, seconds=1), CertificateState.EXPIRED),
    ],
)
def test_states_of_the_unified_list(at: dt.timedelta, state: CertificateState) -> None:
    assert stored("01").state(NOW + at) is state


def test_a_set_is_stored_whole_or_not_at_all(store: IssuerStore) -> None:
    intend(store, "01")
    intend(store, "02")
    with pytest.raises(sqlite3.IntegrityError):
        store.add_set([stored("01"), stored("02"), stored("02")])
    assert store.certificates() == ()
    assert {intent.state for intent in store.intents("p1")} == {IntentState.INTENDED}
    store.add_set([stored("01"), stored("02")])
    assert [one.serial for one in store.pair("p1")] == ["01", "02"]
    assert store.certificate("01") == stored("01")


def test_revocation_is_all_or_nothing_and_keeps_its_first_time(store: IssuerStore) -> None:
    issue(store, "01", "02")
    with pytest.raises(UnknownCertificate, match="ff"):
        store.revoke(["01", "ff"], "superseded", NOW)
    assert store.revocation("01") is None
    store.revoke(["01"], "superseded", NOW)
    later = store.revoke(["01", "02"], "keyCompromise", NOW + dt.timedelta(hours=1))
    assert [(one.reason, one.revoked_at) for one in later] == [
        ("superseded", NOW),
        ("keyCompromise", NOW + dt.timedelta(hours=1)),
    ]
    found = store.certificate("01")
    assert found is not None
    assert found.state(NOW) is CertificateState.REVOKED


def test_what_was_only_intended_was_never_issued(store: IssuerStore) -> None:
    intend(store, "01")
    assert not store.is_issued("ssl-sm2", "01")
    with pytest.raises(UnknownCertificate):
        store.revoke(["01"], "superseded", NOW)
    store.advance_intent("01", IntentState.PRECERTIFICATE)
    assert store.is_issued("ssl-sm2", "01")
    assert not store.is_issued("ssl-ecc", "01")
    store.revoke(["01"], "superseded", NOW)


def test_abandoned_intents(store: IssuerStore) -> None:
    intend(store, "01")
    issue(store, "02", pair="p2")
    intend(store, "03", pair="p3")
    store.fail_pair("p3", "a log was down")
    assert store.abandoned_intents(NOW) == ()
    abandoned = store.abandoned_intents(NOW + dt.timedelta(seconds=1))
    assert [intent.serial for intent in abandoned] == ["01"]
    assert store.intents("p3")[0].detail == "a log was down"


def test_crl_numbers_grow_across_threads(store: IssuerStore) -> None:
    numbers: list[int] = []

    def take() -> None:
        numbers.extend(store.next_crl_number("ssl-sm2", NOW) for _ in range(10))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 41))


def test_only_the_newest_list_is_put_in_place(store: IssuerStore) -> None:
    first = store.next_crl_number("ssl-sm2", NOW)
    second = store.next_crl_number("ssl-sm2", NOW)
    with store.newest_crl("ssl-sm2", first) as newest:
        assert not newest
    with store.newest_crl("ssl-sm2", second) as newest:
        assert newest


def test_a_kill_inside_a_transaction_leaves_nothing(data: Path) -> None:
    IssuerStore(data / "issuer.db").close()
    script = """
import os, sys
from pathlib import Path
from issuer.store import IssuerStore
store = IssuerStore(Path(sys.argv[1]))
with store._writing() as db:
    db.execute("INSERT INTO crls VALUES ('ssl-sm2', 7, 0)")
    os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", script, str(data / "issuer.db")], check=False, timeout=60)
    assert killed.returncode == -9
    with IssuerStore(data / "issuer.db") as store:
        assert store.next_crl_number("ssl-sm2", NOW) == 1


def test_serials_have_whole_octets(store: IssuerStore) -> None:
    assert store.healthy()
    assert serial_hex(0xABC) == "0abc"
