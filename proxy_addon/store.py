"""proxy.db: the SCTs that this proxy relied on, and what became of them. All of the proxy's SQL is here.

One process writes (the proxy). A row is added before its inclusion is known and changes once the tree has
been asked; a crash in between leaves a pending row, which the next start asks about again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sqlite_utils import Database
from sqlite_utils.db import Table

from proxy_addon.errors import SettingsError
from verifier.judge.verdict import ReliedSct

VERSION: Final = 2


class Inclusion(StrEnum):
    """What is known about one relied-on SCT."""

    PENDING = "pending"
    INCLUDED = "included"
    NOT_INCLUDED = "not-included"


@dataclass(frozen=True, slots=True)
class Relied:
    """One SCT that a trusted verdict rested on."""

    sct: ReliedSct
    host: str
    state: Inclusion
    tree_size: int | None
    checked_at: datetime | None
    detail: str


class ProxyStore:
    """The proxy's own database; used from one thread."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self._database.enable_wal()
        self._migrate(path)

    @property
    def _relied(self) -> Table:
        table = self._database["relied"]
        assert isinstance(table, Table)  # noqa: S101  sqlite-utils types tables and views alike
        return table

    def _migrate(self, path: Path) -> None:
        found = self._database.execute("pragma user_version").fetchone()[0]
        if found > VERSION:
            raise SettingsError(
                f"{path} has version {found}; this program knows {VERSION}. Use the newer mingjing."
            )
        if found < 1:
            self._make_relied()
        self._database.execute(
            "create table if not exists reports (key text primary key, report text not null)"  # version 2
        )
        self._database.execute(f"pragma user_version = {VERSION}")

    def _make_relied(self) -> None:
        columns: dict[str, Any] = {
            "key": str, "leaf_hash": str, "log_id": str, "timestamp": int, "due": str, "list_name": str,
            "log_name": str,
            "operator": str, "source": str, "host": str, "state": str, "tree_size": int, "checked_at": str,
            "detail": str,
        }  # fmt: skip
        self._relied.create(columns, pk="key", not_null={"log_id", "due", "state"}, if_not_exists=True)
        self._relied.create_index(["state", "due"], if_not_exists=True)

    def add(self, scts: Iterable[ReliedSct], host: str) -> None:
        """Keep SCTs that were relied on for ``host``; known ones stay as they are."""
        rows = [
            {
                **sct.to_dict(),
                "key": sct.key.hex(),
                "host": host,
                "state": Inclusion.PENDING.value,
                "detail": "",
            }
            for sct in scts
        ]
        self._relied.insert_all(rows, pk="key", ignore=True)

    def keep_report(self, key: bytes, report: str) -> None:
        """Keep what may be reported of an SCT, should its promise be broken; the newest counts."""
        with self._database.conn:
            self._database.execute("insert or replace into reports values (?, ?)", [key.hex(), report])

    def report(self, key: bytes) -> str | None:
        """Return what may be reported of an SCT."""
        row = self._database.execute("select report from reports where key = ?", [key.hex()]).fetchone()
        return str(row[0]) if row else None

    def drop_report(self, key: bytes) -> None:
        """Forget a report: the promise was kept, or the report is settled."""
        with self._database.conn:
            self._database.execute("delete from reports where key = ?", [key.hex()])

    def to_report(self) -> list[tuple[bytes, str, str]]:
        """Return the reports of broken promises that are not settled: key, host, report."""
        rows = self._database.execute(
            "select r.key, s.host, r.report from reports r join relied s on s.key = r.key where s.state = ?",
            [Inclusion.NOT_INCLUDED.value],
        )
        return [(bytes.fromhex(key), host, report) for key, host, report in rows]

    def due(self, now: datetime) -> list[Relied]:
        """Return the pending SCTs whose merge delay has passed, those longest not asked about first."""
        order = "coalesce(checked_at, ''), due"
        rows = self._relied.rows_where("state = ?", [Inclusion.PENDING.value], order_by=order)
        return [relied for relied in map(_relied, rows) if relied.sct.due <= now]

    def settle(
        self, key: bytes, state: Inclusion, *, now: datetime, tree_size: int | None, detail: str
    ) -> None:
        """Record what the tree said about one SCT."""
        changes = {
            "state": state.value, "tree_size": tree_size, "checked_at": now.astimezone(UTC).isoformat(),
            "detail": detail,
        }  # fmt: skip
        self._relied.update(key.hex(), changes)

    def keys(self, state: Inclusion) -> frozenset[bytes]:
        """Return the keys (``ReliedSct.key``) of the SCTs in one state."""
        rows = self._database.query("select key from relied where state = ?", [state.value])
        return frozenset(bytes.fromhex(row["key"]) for row in rows)

    def of_host(self, host: str) -> list[Relied]:
        """Return what was relied on for one host, newest first."""
        return [
            _relied(row) for row in self._relied.rows_where("host = ?", [host], order_by="timestamp desc")
        ]

    def states(self, keys: Iterable[bytes]) -> dict[bytes, tuple[Inclusion, str]]:
        """Return state and detail for those of some SCTs, by key, that are kept."""
        wanted = [key.hex() for key in keys]
        marks = ", ".join("?" * len(wanted))
        rows = self._relied.rows_where(f"key in ({marks})", wanted) if wanted else ()
        return {bytes.fromhex(row["key"]): (Inclusion(row["state"]), row["detail"]) for row in rows}

    def counts(self) -> dict[str, int]:
        """Return how many SCTs are in each state."""
        rows = self._database.query("select state, count(*) as number from relied group by state")
        return {row["state"]: row["number"] for row in rows}

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _relied(row: dict[str, Any]) -> Relied:
    return Relied(
        sct=ReliedSct.from_dict(row),
        host=row["host"],
        state=Inclusion(row["state"]),
        tree_size=row["tree_size"],
        checked_at=datetime.fromisoformat(row["checked_at"]) if row["checked_at"] else None,
        detail=row["detail"],
    )
