"""The searches: each reads only what its page shows, in an order that a cursor can take up again.

A cursor never goes stale: rows are added with larger numbers than those already shown, and never change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from monitor.store.certificates import select_in
from monitor.store.connections import Connections

START = 2**62
DOMAINS_AT_A_TIME = 100
Row = tuple[int, int]
"""(domain, certificate): where a search stands; domain is 0 where the search does not go by domain."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What narrows every search: the moment (ms) before which a certificate must not have expired."""

    alive_at: int | None = None


class Search:
    """Finds certificate rows, newest first."""

    def __init__(self, connections: Connections) -> None:
        self._db = connections

    def by_name(self, names: list[str], *, under: bool, only: Filter, after: int, limit: int) -> list[int]:
        """Certificates with one of these names or, with ``under``, a name below the first of them."""
        rows = select_in(self._db.database().conn, "SELECT id FROM domains WHERE name IN ({})", names)
        domains = [row[0] for row in rows]
        if not domains:
            return []
        one = (
            "SELECT d.certificate FROM domain_certificates d JOIN certificates c ON c.id = d.certificate"
            " WHERE d.domain=? AND d.certificate<? AND (? OR d.named) AND (? IS NULL OR c.not_after>=?)"
        )
        each = [(domain, after, under, only.alive_at, only.alive_at) for domain in domains]
        sql = " UNION ".join([one] * len(domains)) + " ORDER BY 1 DESC LIMIT ?"
        return [row[0] for row in self._db.rows(sql, (*chain.from_iterable(each), limit))]

    def by_text(self, text: str, only: Filter, after: Row) -> Iterator[tuple[int, int, str]]:
        """Yield (domain, certificate, domain's name) for names that may contain ``text``, newest names first.

        The text index knows runs of three characters: the caller compares the names themselves. It is read
        only as far as the results are taken.
        """
        grams = " AND ".join(f'"{_quoted(text[at : at + 3])}"' for at in range(len(text) - 2))
        found = self._db.database().conn.execute(
            "SELECT rowid FROM domain_text WHERE domain_text MATCH ? AND rowid <= ? ORDER BY rowid DESC",
            (grams, after[0]),
        )
        while domains := found.fetchmany(DOMAINS_AT_A_TIME):
            yield from self._named([domain for (domain,) in domains], only, after)

    def by_unicode(self, _text: str, only: Filter, after: Row) -> Iterator[tuple[int, int, str]]:
        """Yield the same for all names with an A-label: for parts too short for the text index."""
        found = self._db.database().conn.execute(
            "SELECT id FROM domains WHERE named AND instr(name, 'xn--') AND id <= ? ORDER BY id DESC",
            (after[0],),
        )
        while domains := found.fetchmany(DOMAINS_AT_A_TIME):
            yield from self._named([domain for (domain,) in domains], only, after)

    def _named(self, domains: list[int], only: Filter, after: Row) -> list[tuple[int, int, str]]:
        rows = select_in(
            self._db.database().conn,
            "SELECT d.id, dc.certificate, d.name, c.not_after FROM domains d"
            " CROSS JOIN domain_certificates dc ON dc.domain = d.id AND dc.named"
            " CROSS JOIN certificates c ON c.id = dc.certificate WHERE d.id IN ({})",
            domains,
        )
        kept = [
            (domain, certificate, name)
            for domain, certificate, name, not_after in rows
            if (domain, certificate) < after and (only.alive_at is None or not_after >= only.alive_at)
        ]
        return sorted(kept, reverse=True)

    def domains(self, names: list[str]) -> dict[str, int]:
        """Return the rows of domains by name."""
        rows = select_in(self._db.database().conn, "SELECT name, id FROM domains WHERE name IN ({})", names)
        return {name: row for name, row in rows}  # noqa: C416  dict() would not take sqlite3.Row's type

    def by_fingerprint(self, digest: bytes, only: Filter, after: int, limit: int) -> list[int]:
        """Certificates whose own, whose key's or whose TBS's SHA-256 this is."""
        return self._ids(
            "c.id IN (SELECT certificate FROM encodings WHERE sha256=?"
            " UNION SELECT id FROM certificates WHERE spki_hash=?"
            " UNION SELECT id FROM certificates WHERE tbs_hash=?)",
            (digest, digest, digest),
            only,
            after,
            limit,
        )

    def by_serial(self, serial: bytes, only: Filter, after: int, limit: int) -> list[int]:
        """Certificates with this serial number (big-endian, no leading zeros)."""
        return self._ids("c.serial=?", (serial,), only, after, limit)

    def by_issuer(self, text: str, only: Filter, after: int, limit: int) -> list[int]:
        """Certificates whose issuer's name contains ``text``."""
        like = _like(text)
        found = self._db.rows("SELECT id FROM distinguished_names WHERE text LIKE ? ESCAPE '\\'", (like,))
        issuers = [row["id"] for row in found][:500]
        marks = ",".join("?" * len(issuers))
        return self._ids(f"c.issuer IN ({marks})", tuple(issuers), only, after, limit) if issuers else []

    def by_organisation(self, text: str, only: Filter, after: int, limit: int) -> list[int]:
        """Certificates whose subject's organisation contains ``text``."""
        return self._ids(
            "c.organisation != '' AND c.organisation LIKE ? ESCAPE '\\'", (_like(text),), only, after, limit
        )

    def newest(self, only: Filter, after: int, limit: int) -> list[int]:
        """The certificates seen last."""
        return self._ids("1", (), only, after, limit)

    def _ids(
        self, where: str, parameters: tuple[object, ...], only: Filter, after: int, limit: int
    ) -> list[int]:
        sql = (
            f"SELECT c.id FROM certificates c WHERE {where} AND c.id<?"  # noqa: S608  conditions of this file
            " AND (? IS NULL OR c.not_after>=?) ORDER BY c.id DESC LIMIT ?"
        )
        rows = self._db.rows(sql, (*parameters, after, only.alive_at, only.alive_at, limit))
        return [row[0] for row in rows]


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _quoted(gram: str) -> str:
    return gram.replace('"', '""')
