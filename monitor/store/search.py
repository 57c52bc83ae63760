"""Where searches get their candidates: certificates' rows, newest first, read only as far as they are taken.

A row number never changes, and new certificates have larger ones: a search taken up again below the last
number that it saw gives the rest, whatever was added meanwhile.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import chain, groupby

from monitor.index.terms import GRAM
from monitor.store.connections import Connections

START = 2**62
"""Above every row number."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A part of a WHERE clause over ``facts f``, and its parameters."""

    sql: str
    parameters: tuple[object, ...] = ()

    @classmethod
    def among(cls, column: str, rows: Sequence[int]) -> "Condition":
        """The column is one of these numbers, however many."""
        sql = f"{column} IN (SELECT value FROM json_each(?))"  # noqa: S608  a column of facts
        return cls(sql, (json.dumps(list(rows)),))


class Search:
    """Finds certificates' rows below ``after``, newest first."""

    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def newest(self, after: int) -> Iterator[int]:
        """Yield every certificate."""
        return self._read("SELECT certificate FROM facts WHERE certificate<? ORDER BY 1 DESC", (after,))

    def by_keys(self, keys: Collection[int], after: int) -> Iterator[int]:
        """Yield the certificates with any of these keys (monitor.index.terms)."""
        sql = "SELECT certificate FROM terms WHERE key=? AND certificate<? ORDER BY certificate DESC"
        return joined([self._read(sql, (key, after)) for key in keys])

    def by_issuers(self, issuers: Collection[int], after: int) -> Iterator[int]:
        """Yield the certificates of any of these rows of distinguished_names."""
        sql = "SELECT id FROM certificates WHERE issuer=? AND id<? ORDER BY id DESC"
        return joined([self._read(sql, (issuer, after)) for issuer in issuers])

    def by_name_part(self, text: str, after: int) -> Iterator[int]:
        """Yield the certificates whose names have every run of three characters of ``text``, and more."""
        return self._by_text("name_text", text, after)

    def grams(self, part: str, limit: int) -> list[str]:
        """Return the runs of three characters that names have with ``part`` in them, at most ``limit``."""
        rows = self._db.rows("SELECT gram FROM grams WHERE instr(gram, ?) LIMIT ?", (part, limit))
        return [row["gram"] for row in rows]

    def by_grams(self, grams: Collection[str], after: int) -> Iterator[int]:
        """Yield the certificates whose names have any of these runs of three characters."""
        return joined([self._by_text("name_text", gram, after) for gram in grams])

    def by_organisation_part(self, text: str, after: int) -> Iterator[int]:
        """The same for organisations and organisational units."""
        return self._by_text("organisation_text", text, after)

    def _by_text(self, table: str, text: str, after: int) -> Iterator[int]:
        grams = dict.fromkeys(text[at : at + GRAM] for at in range(len(text) - GRAM + 1))
        quoted = " AND ".join('"{}"'.format(gram.replace('"', '""')) for gram in grams)
        return self._read(
            f"SELECT rowid FROM {table} WHERE {table} MATCH ? AND rowid<? ORDER BY rowid DESC",  # noqa: S608  names of this file
            (quoted, after),
        )

    def by_addresses(self, first: bytes, last: bytes, after: int) -> Iterator[int]:
        """Yield the certificates that name an address within these bounds."""
        return self._read(
            "SELECT DISTINCT certificate FROM addresses WHERE address BETWEEN ? AND ? AND certificate<?"
            " ORDER BY certificate DESC",
            (first, last, after),
        )

    def addresses(self, first: bytes, last: bytes, limit: int) -> int:
        """Return how many addresses within these bounds certificates name, at most ``limit``."""
        sql = "SELECT count(*) FROM (SELECT 1 FROM addresses WHERE address BETWEEN ? AND ? LIMIT ?)"
        return next(self._read(sql, (first, last, limit)))

    def by_fingerprint(self, digest: bytes, after: int) -> Iterator[int]:
        """Yield the certificate that has a signed form with this SHA-256."""
        return self._read(
            "SELECT certificate FROM encodings WHERE sha256=? AND certificate<?", (digest, after)
        )

    def by_tbs(self, digest: bytes, after: int) -> Iterator[int]:
        """Yield the certificate whose TBS (without SCT list and poison) has this SHA-256."""
        return self._read("SELECT id FROM certificates WHERE tbs_hash=? AND id<?", (digest, after))

    def by_entry(self, log: str, index: int, after: int) -> Iterator[int]:
        """Yield the certificate of a log's entry."""
        return self._read(
            "SELECT n.certificate FROM logs l JOIN entries e ON e.log=l.id"
            " JOIN encodings n ON n.id=e.encoding WHERE (l.name=? OR lower(hex(l.log_id))=?) AND e.idx=?"
            " AND n.certificate<?",
            (log, log.lower(), index, after),
        )

    def _read(self, sql: str, parameters: tuple[object, ...]) -> Iterator[int]:
        return chain.from_iterable(self._db.database().conn.execute(sql, parameters))  # rows of one number

    # what the candidates are held against

    def issuers(self) -> list[tuple[int, str]]:
        """Return every issuer's name, with its row."""
        return [(row["id"], row["text"]) for row in self._db.rows("SELECT id, text FROM distinguished_names")]

    def kept(self, certificates: Sequence[int], conditions: Sequence[Condition]) -> set[int]:
        """Return those of the certificates for which all conditions hold."""
        where = " AND ".join([
            "f.certificate IN (SELECT value FROM json_each(?))",
            *(c.sql for c in conditions),
        ])
        parameters = (parameter for condition in conditions for parameter in condition.parameters)
        return set(
            self._read(
                f"SELECT f.certificate FROM facts f WHERE {where}",  # noqa: S608  conditions of monitor.index
                (json.dumps(certificates), *parameters),
            )
        )

    def texts(self, certificates: Sequence[int]) -> list[tuple[int, tuple[str, ...], str]]:
        """Return the names and the subject of each certificate."""
        rows: list[sqlite3.Row] = self._db.rows(
            "SELECT id, names, subject FROM certificates WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(certificates),),
        )
        return [(row["id"], tuple(json.loads(row["names"])), row["subject"]) for row in rows]


def joined(sources: Sequence[Iterator[int]]) -> Iterator[int]:
    """Join sources, each newest first, into one that has every certificate once."""
    if len(sources) == 1:
        return sources[0]
    return (certificate for certificate, _ in groupby(merge(*sources, reverse=True)))
