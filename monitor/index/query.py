"""What a person types, understood: a name, a serial number, a fingerprint, an issuer or an organisation."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from unicodedata import category

from monitor.errors import QueryError
from monitor.index.names import fold, text_of, unicode_of, wildcard_over
from monitor.store import Certificates, Search
from monitor.store.search import START, Filter
from monitor.values import CertificateSummary, Match, Page, Query, to_ms

SHORTEST_PART = 3  # the text index is made of runs of three characters
LONGEST_QUERY = 1000
LARGEST_PAGE = 1000
SHORTEST_SERIAL = 8
_KINDS = ("name", "serial", "fingerprint", "issuer", "organisation")
_PREFIXES = {**{kind: kind for kind in _KINDS}, "sha256": "fingerprint", "spki": "fingerprint"}
_PREFIXES |= {"tbs": "fingerprint", "org": "organisation", "o": "organisation"}
_HEX = re.compile(r"[0-9a-fA-F]+")
_COLONS = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2})+")
_CURSOR = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?")
_DIGEST = 64
_UNSEARCHABLE = frozenset({"Cc", "Cs"})  # control characters (NUL ends a string in SQLite), lone surrogates


@dataclass(frozen=True, slots=True)
class Understood:
    """A query by kind, its text ready to be looked up."""

    kind: str
    text: str


def understand(text: str) -> Understood:
    """Tell what ``text`` asks for; ``kind:text`` says it outright. Raises QueryError."""
    text = text.strip()
    if len(text) > LONGEST_QUERY:
        raise QueryError(f"the query is longer than {LONGEST_QUERY} characters")
    if any(category(character) in _UNSEARCHABLE for character in text):
        raise QueryError("the query has control characters in it; expected text")
    prefix, colon, rest = text.partition(":")
    if colon and prefix.lower() in _PREFIXES:
        return _said(_PREFIXES[prefix.lower()], rest.strip())
    plain = text.replace(":", "") if _COLONS.fullmatch(text) else text
    if _HEX.fullmatch(plain) and len(plain) == _DIGEST:
        return Understood("fingerprint", plain.lower())
    if _HEX.fullmatch(plain) and len(plain) >= SHORTEST_SERIAL:
        return Understood("serial", plain.lower())
    if " " in text or "=" in text:
        return Understood("issuer", text)
    return Understood("name", fold(text))


def _said(kind: str, text: str) -> Understood:
    if kind in {"fingerprint", "serial"}:
        plain = text.replace(":", "").replace(" ", "").lower()
        if not _HEX.fullmatch(plain) or (kind == "fingerprint" and len(plain) != _DIGEST):
            expected = f"{_DIGEST} hexadecimal digits" if kind == "fingerprint" else "hexadecimal digits"
            raise QueryError(f"{kind}: expected {expected}")
        return Understood(kind, plain)
    return Understood(kind, fold(text) if kind == "name" else text)


class Index:
    """Answers queries from the store, a page at a time."""

    def __init__(self, search: Search, certificates: Certificates) -> None:
        self._search = search
        self._certificates = certificates

    def page(self, query: Query, now: datetime) -> Page:
        """Return one page of results, newest first; raises QueryError for what cannot be answered."""
        if not 0 < query.limit <= LARGEST_PAGE:
            raise QueryError(f"limit: expected 1 to {LARGEST_PAGE}, got {query.limit}")
        asked = understand(query.q)
        only = Filter(to_ms(now) if query.exclude_expired else None)
        after = _cursor(query.after)
        if asked.kind == "name" and query.match is Match.CONTAINS and asked.text:
            return self._containing(query, asked.text, only, after)
        rows = self._finder(asked, query.match, only)(after[1], query.limit + 1)
        shown = rows[: query.limit]
        results = self._matched(shown, asked, query.match)
        cursor = str(shown[-1]) if len(rows) > query.limit else None
        return Page(results, cursor, query, asked.kind)

    def stream(self, query: Query, now: datetime) -> Iterator[CertificateSummary]:
        """Yield every result."""
        query = replace(query, limit=LARGEST_PAGE)
        while True:
            page = self.page(query, now)
            yield from page.results
            if page.cursor is None:
                return
            query = replace(query, after=page.cursor)

    def _finder(self, asked: Understood, match: Match, only: Filter) -> Callable[[int, int], list[int]]:
        search, text = self._search, asked.text
        if not text:
            return lambda after, limit: search.newest(only, after, limit)
        if asked.kind == "fingerprint":
            digest = bytes.fromhex(text)
            return lambda after, limit: search.by_fingerprint(digest, only, after, limit)
        if asked.kind == "serial":
            serial = bytes.fromhex(text.zfill(len(text) + len(text) % 2)).lstrip(b"\0") or b"\0"
            return lambda after, limit: search.by_serial(serial, only, after, limit)
        if asked.kind == "issuer":
            return lambda after, limit: search.by_issuer(text, only, after, limit)
        if asked.kind == "organisation":
            return lambda after, limit: search.by_organisation(text, only, after, limit)
        under = match is Match.SUBDOMAIN
        wanted = [_under(text)] if under else list(filter(None, [text, wildcard_over(text)]))
        return lambda after, limit: search.by_name(wanted, under=under, only=only, after=after, limit=limit)

    def _matched(self, rows: list[int], asked: Understood, match: Match) -> tuple[CertificateSummary, ...]:
        summaries = self._certificates.summaries(rows)
        if asked.kind != "name" or not asked.text:
            return tuple(summaries)
        return tuple(
            replace(
                summary, matched=tuple(name for name in summary.names if matches(asked.text, name, match))
            )
            for summary in summaries
        )

    def _containing(self, query: Query, text: str, only: Filter, after: tuple[int, int]) -> Page:
        """Go through the names with ``text`` in them, newest first; a certificate stands at its newest."""
        text = text if query.q.isascii() else unicode_of(text)
        if len(text) < SHORTEST_PART and text.isascii():
            raise QueryError(f"a search for a part of a name needs at least {SHORTEST_PART} characters")
        source = self._search.by_text if len(text) >= SHORTEST_PART else self._search.by_unicode
        found = (row for row in source(text, only, after) if text in text_of(row[2]))
        results: list[CertificateSummary] = []
        while rows := list(islice(found, query.limit + 1)):
            for row, summary in self._first_shown(rows, text):
                if len(results) == query.limit:
                    return Page(tuple(results), f"{after[0]}-{after[1]}", query, "name")
                results.append(summary)
                after = row
        return Page(tuple(results), None, query, "name")

    def _first_shown(
        self, rows: list[tuple[int, int, str]], text: str
    ) -> Iterator[tuple[tuple[int, int], CertificateSummary]]:
        summaries = {}
        for summary, row in zip(self._certificates.summaries([row[1] for row in rows]), rows, strict=True):
            names = tuple(name for name in summary.names if text in text_of(name))
            summaries[row[1]] = replace(summary, matched=names)
        domains = self._search.domains(sorted({name for each in summaries.values() for name in each.matched}))
        for domain, certificate, _ in rows:
            if domain == max(domains[name] for name in summaries[certificate].matched):
                yield (domain, certificate), summaries[certificate]


def matches(text: str, name: str, match: Match) -> bool:
    """Tell whether a certificate's name is one that a search by name is about."""
    if match is Match.CONTAINS:
        return text in text_of(name) or unicode_of(text) in text_of(name)
    if match is Match.SUBDOMAIN:
        domain = name.rpartition("@")[2]
        return domain == _under(text) or domain.endswith("." + _under(text))
    return name in {text, wildcard_over(text)}


def _under(text: str) -> str:
    return text.removeprefix("*.").removeprefix(".").removeprefix("%.")


def _cursor(text: str | None) -> tuple[int, int]:
    if text is None:
        return START, START
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise QueryError("after: expected the cursor of an earlier page")
    if match[2] is None:
        return START, int(match[1])
    return int(match[1]), int(match[2])
