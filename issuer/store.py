"""The issuer's database: data/issuer.db. All SQL of this room is in this file.

Durability: every method that changes something has it on disk, synced, when it returns (WAL, synchronous
FULL). Concurrency: any number of processes; writers take turns (BEGIN IMMEDIATE, then up to BUSY seconds
of waiting). One object may be used from several threads, which take turns. A killed process leaves whole
transactions only.
"""

import datetime as dt
import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from sqlite_utils import Database

from issuer.errors import StoreError, UnknownCertificate

VERSION = 1
BUSY = 20.0  # seconds
RENEWAL_FRACTION = 3  # renewal is due in the last third of the validity

SCHEMA = """
CREATE TABLE authorities (
    name TEXT PRIMARY KEY, serial TEXT NOT NULL UNIQUE, der BLOB NOT NULL, issued_at INTEGER NOT NULL
) STRICT;
CREATE TABLE intents (
    serial TEXT PRIMARY KEY, ca TEXT NOT NULL, pair TEXT NOT NULL, label TEXT NOT NULL, names TEXT NOT NULL,
    tbs BLOB NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL, created_at INTEGER NOT NULL,
    not_after INTEGER NOT NULL
) STRICT;
CREATE TABLE certificates (
    serial TEXT PRIMARY KEY, ca TEXT NOT NULL, pair TEXT NOT NULL, label TEXT NOT NULL, profile TEXT NOT NULL,
    names TEXT NOT NULL, der BLOB NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,
    issued_at INTEGER NOT NULL
) STRICT;
CREATE INDEX certificates_pair ON certificates (pair);
CREATE TABLE revocations (
    serial TEXT PRIMARY KEY, ca TEXT NOT NULL, revoked_at INTEGER NOT NULL, reason TEXT NOT NULL,
    not_after INTEGER NOT NULL
) STRICT;
CREATE INDEX revocations_ca ON revocations (ca);
CREATE VIEW listed AS
    SELECT c.*, r.revoked_at, r.reason FROM certificates c LEFT JOIN revocations r USING (serial);
CREATE TABLE crls (ca TEXT PRIMARY KEY, number INTEGER NOT NULL, next_update INTEGER NOT NULL) STRICT;
"""


class CertificateState(StrEnum):
    """The unified list's states; exactly one applies at any time."""

    IN_USE = "in-use"
    RENEWAL = "renewal"
    EXPIRED = "expired"
    REVOKED = "revoked"


class IntentState(StrEnum):
    """How far an issuance got. Only `ISSUED` has a certificate; the others name what may be about."""

    INTENDED = "intended"  # nothing signed by the CA yet
    PRECERTIFICATE = "precertificate"  # signed, and perhaps logged
    CERTIFICATE = "certificate"  # the final certificate was signed, and not yet delivered
    ISSUED = "issued"
    FAILED = "failed"


@dataclass(frozen=True)
class Intent:
    serial: str
    ca: str
    pair: str
    label: str
    names: tuple[str, ...]
    state: IntentState
    detail: str
    created_at: dt.datetime


@dataclass(frozen=True)
class Revocation:
    serial: str
    ca: str
    revoked_at: dt.datetime
    reason: str


@dataclass(frozen=True)
class StoredCertificate:
    """One row of the unified list. `serial` is lower-case hex; `pair` is shared by a dual set."""

    serial: str
    ca: str
    pair: str
    label: str
    profile: str
    names: tuple[str, ...]
    der: bytes
    not_before: dt.datetime
    not_after: dt.datetime
    issued_at: dt.datetime
    revocation: Revocation | None = None

    def state(self, now: dt.datetime) -> CertificateState:
        """Revoked before expired before renewal."""
        if self.revocation is not None:
            return CertificateState.REVOKED
        if now > self.not_after:
            return CertificateState.EXPIRED
        if now >= self.not_after - (self.not_after - self.not_before) / RENEWAL_FRACTION:
            return CertificateState.RENEWAL
        return CertificateState.IN_USE


def _epoch(moment: dt.datetime) -> int:
    return int(moment.timestamp())


def _moment(epoch: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(epoch, dt.UTC)


def serial_hex(serial: int) -> str:
    """Return the form in which serials are stored, shown and asked for."""
    text = f"{serial:x}"
    return text if len(text) % 2 == 0 else f"0{text}"


class IssuerStore:
    """Open with a path, close when done; also a context manager."""

    def __init__(self, path: Path) -> None:
        """Open, creating where absent.

        :raises StoreError: where the file is no database, or of a newer version than this program.
        """
        self._lock = threading.RLock()
        connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        self._db = Database(connection)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            self._prepare(path)
        except sqlite3.Error as error:
            connection.close()
            raise StoreError(f"could not open {path}: {error}") from error
        except StoreError:
            connection.close()
            raise

    def _prepare(self, path: Path) -> None:
        with self._writing() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise StoreError(f"{path} is of version {version}; this program knows {VERSION}: upgrade it")
            if version == 0:
                for statement in filter(str.strip, SCHEMA.split(";")):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {VERSION}")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _writing(self) -> Iterator[Database]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.rollback()
                raise
            self._db.commit()

    def _rows(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._db.query(sql, list(parameters)))

    def healthy(self) -> bool:
        """Whether the database answers."""
        return bool(self._rows("SELECT count(*) AS n FROM authorities"))

    # The hierarchy

    def authority(self, name: str) -> bytes | None:
        """Return the CA's certificate, DER."""
        rows = self._rows("SELECT der FROM authorities WHERE name = ?", [name])
        return bytes(rows[0]["der"]) if rows else None

    def add_authority(self, name: str, serial: int, der: bytes, now: dt.datetime) -> bytes:
        """Store the CA's certificate unless there is one, and return the one that is now stored."""
        row = {"name": name, "serial": serial_hex(serial), "der": der, "issued_at": _epoch(now)}
        with self._writing() as db:
            db.table("authorities").insert(row, ignore=True)
        stored = self.authority(name)
        if stored is None:
            raise StoreError(f"the certificate of {name} was stored and is not there")
        return stored

    # Issuance

    def add_intent(self, intent: Intent, tbs: bytes, not_after: dt.datetime) -> None:
        """Record what is about to be signed, before it is."""
        row = {
            "serial": intent.serial,
            "ca": intent.ca,
            "pair": intent.pair,
            "label": intent.label,
            "names": json.dumps(intent.names),
            "tbs": tbs,
            "state": intent.state,
            "detail": intent.detail,
            "created_at": _epoch(intent.created_at),
            "not_after": _epoch(not_after),
        }
        with self._writing() as db:
            db.table("intents").insert(row)

    def advance_intent(self, serial: str, state: IntentState, detail: str = "") -> None:
        with self._writing() as db:
            db.table("intents").update(serial, {"state": state, "detail": detail})

    def fail_pair(self, pair: str, why: str) -> None:
        """Close the open intents of a set that will not be issued."""
        with self._writing() as db:
            db.execute(
                "UPDATE intents SET state = ?, detail = ? WHERE pair = ? AND state != ?",
                [IntentState.FAILED, why, pair, IntentState.ISSUED],
            )

    def abandoned_intents(self, before: dt.datetime) -> tuple[Intent, ...]:
        """Intents older than `before` that are neither issued nor failed: their process was killed."""
        rows = self._rows(
            "SELECT * FROM intents WHERE state NOT IN (?, ?) AND created_at < ? ORDER BY created_at",
            [IntentState.ISSUED, IntentState.FAILED, _epoch(before)],
        )
        return tuple(_intent(row) for row in rows)

    def intents(self, pair: str) -> tuple[Intent, ...]:
        return tuple(_intent(row) for row in self._rows("SELECT * FROM intents WHERE pair = ?", [pair]))

    def add_set(self, certificates: Sequence[StoredCertificate]) -> None:
        """Store a whole set, or nothing of it, and close its intents."""
        with self._writing() as db:
            for one in certificates:
                db.table("certificates").insert({
                    "serial": one.serial,
                    "ca": one.ca,
                    "pair": one.pair,
                    "label": one.label,
                    "profile": one.profile,
                    "names": json.dumps(one.names),
                    "der": one.der,
                    "not_before": _epoch(one.not_before),
                    "not_after": _epoch(one.not_after),
                    "issued_at": _epoch(one.issued_at),
                })
                db.table("intents").update(one.serial, {"state": IntentState.ISSUED, "detail": ""})

    # The unified list

    def certificates(self) -> tuple[StoredCertificate, ...]:
        """All leaf certificates, the newest first."""
        rows = self._rows("SELECT * FROM listed ORDER BY issued_at DESC, pair, label")
        return tuple(_certificate(row) for row in rows)

    def certificate(self, serial: str) -> StoredCertificate | None:
        rows = self._rows("SELECT * FROM listed WHERE serial = ?", [serial])
        return _certificate(rows[0]) if rows else None

    def pair(self, pair: str) -> tuple[StoredCertificate, ...]:
        rows = self._rows("SELECT * FROM listed WHERE pair = ? ORDER BY label", [pair])
        return tuple(_certificate(row) for row in rows)

    # Revocation

    def is_issued(self, ca: str, serial: str) -> bool:
        """Whether this CA signed a certificate or a precertificate with this serial number."""
        rows = self._rows(
            "SELECT 1 FROM certificates WHERE serial = ?1 AND ca = ?2"
            " UNION ALL SELECT 1 FROM intents WHERE serial = ?1 AND ca = ?2 AND state != 'intended'"
            " LIMIT 1",
            [serial, ca],
        )
        return bool(rows)

    def authority_serials(self) -> dict[str, str]:
        """The serial number of each CA's own certificate, by the CA's name."""
        return {row["name"]: row["serial"] for row in self._rows("SELECT name, serial FROM authorities")}

    def revoke(self, serials: Sequence[str], reason: str, now: dt.datetime) -> tuple[Revocation, ...]:
        """Revoke all or none; what is already revoked keeps its time and reason. Return the whole state.

        :raises UnknownCertificate: for a serial number that neither a certificate nor an intent has.
        """
        with self._writing() as db:
            for serial in serials:
                known = list(
                    db.query(
                        "SELECT ca, not_after FROM certificates WHERE serial = ?1"
                        " UNION SELECT ca, not_after FROM intents WHERE serial = ?1 AND state != 'intended'",
                        [serial],
                    )
                )
                if not known:
                    raise UnknownCertificate(f"no certificate with serial number {serial} was issued here")
                row = {"serial": serial, "revoked_at": _epoch(now), "reason": reason, **known[0]}
                db.table("revocations").insert(row, ignore=True)
        return tuple(found for serial in serials if (found := self.revocation(serial)) is not None)

    def revocation(self, serial: str) -> Revocation | None:
        rows = self._rows("SELECT * FROM revocations WHERE serial = ?", [serial])
        return _revocation(rows[0]) if rows else None

    def revocations(self, ca: str, unexpired_at: dt.datetime) -> tuple[Revocation, ...]:
        """What belongs on the CA's list: revoked, and not expired before the time given."""
        rows = self._rows(
            "SELECT * FROM revocations WHERE ca = ? AND not_after >= ? ORDER BY revoked_at, serial",
            [ca, _epoch(unexpired_at)],
        )
        return tuple(_revocation(row) for row in rows)

    def next_crl_number(self, ca: str, next_update: dt.datetime) -> int:
        """Take the next number. A crash after this leaves a gap, which RFC 5280 section 5.2.3 allows."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO crls VALUES (?, 1, ?) ON CONFLICT (ca) DO UPDATE"
                " SET number = number + 1, next_update = excluded.next_update",
                [ca, _epoch(next_update)],
            )
            number = db.execute("SELECT number FROM crls WHERE ca = ?", [ca]).fetchone()[0]
        return int(number)

    @contextmanager
    def newest_crl(self, ca: str, number: int) -> Iterator[bool]:
        """Hold every other writer off, and say whether `number` is still the newest that was taken.

        A list is put in place inside this, so that of two processes the later list stays.
        """
        with self._writing() as db:
            found = db.execute("SELECT number FROM crls WHERE ca = ?", [ca]).fetchone()
            yield found is not None and found[0] == number

    def crl_next_update(self, ca: str) -> dt.datetime | None:
        rows = self._rows("SELECT next_update FROM crls WHERE ca = ?", [ca])
        return _moment(rows[0]["next_update"]) if rows else None


def _intent(row: dict[str, Any]) -> Intent:
    return Intent(
        serial=row["serial"],
        ca=row["ca"],
        pair=row["pair"],
        label=row["label"],
        names=tuple(json.loads(row["names"])),
        state=IntentState(row["state"]),
        detail=row["detail"],
        created_at=_moment(row["created_at"]),
    )


def _revocation(row: dict[str, Any]) -> Revocation:
    return Revocation(row["serial"], row["ca"], _moment(row["revoked_at"]), row["reason"])


def _certificate(row: dict[str, Any]) -> StoredCertificate:
    return StoredCertificate(
        serial=row["serial"],
        ca=row["ca"],
        pair=row["pair"],
        label=row["label"],
        profile=row["profile"],
        names=tuple(json.loads(row["names"])),
        der=bytes(row["der"]),
        not_before=_moment(row["not_before"]),
        not_after=_moment(row["not_after"]),
        issued_at=_moment(row["issued_at"]),
        revocation=None if row["revoked_at"] is None else _revocation(row),
    )
