"""Searches answered from the store, a page at a time: what is asked, narrowed by filters, newest first."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final

from monitor.errors import QueryError
from monitor.index import terms
from monitor.index.asked import Asked, Kind, understand
from monitor.index.conditions import conditions
from monitor.index.filters import EXPIRED
from monitor.index.finding import Check, Matched, plan
from monitor.index.terms import key
from monitor.store import Certificates, Search
from monitor.store.search import START, Condition
from monitor.values import CertificateSummary, Match, Page, Query

LARGEST_PAGE: Final = 1000
BUDGET: Final = {Match.EXACT: 2048, Match.SUBDOMAIN: 2048, Match.CONTAINS: 4096}
"""Candidates that one page looks at, so that it answers in milliseconds however few of them remain."""
_CHUNK: Final = 1024
_CURSOR = re.compile(r"[0-9]{1,18}")


class Index:
    """Answers queries from the store."""

    def __init__(self, search: Search, certificates: Certificates) -> None:
        self._search = search
        self._certificates = certificates

    def page(self, query: Query, now: datetime) -> Page:
        """Return one page of results, newest first; raises QueryError for what cannot be answered.

        A page with fewer results than its limit and a cursor has looked at as many candidates as it may.
        """
        if not 0 < query.limit <= LARGEST_PAGE:
            raise QueryError(f"limit: expected 1 to {LARGEST_PAGE}, got {query.limit}")
        after = _cursor(query.after)
        asked = understand(query.q)
        filters = query.filters
        if query.exclude_expired:
            filters = replace(filters, exclude=filters.exclude | {EXPIRED})
        if asked.kind is Kind.NEWEST and filters.issuer:
            asked, filters = Asked(Kind.ISSUER, filters.issuer), replace(filters, issuer="")
        planned = plan(self._search, asked, query.match)
        wanted = list(conditions(filters, self._search, now))
        if planned.condition:
            wanted.append(planned.condition)
        sieve = _Sieve(self._search, wanted, planned.check)
        rows, cursor = _scan(planned.source(after), sieve, query.limit, BUDGET[query.match])
        results = _matched(self._certificates.summaries(rows), planned.matched)
        return Page(results, None if cursor is None else str(cursor), query, asked.kind.value)

    def same_key(self, summary: CertificateSummary, limit: int = 20) -> tuple[CertificateSummary, ...]:
        """Return the other certificates of a certificate's public key, newest first."""
        rows = islice(self._search.by_keys({key(terms.SPKI, summary.spki_hash)}, START), limit + 1)
        others = (each for each in self._certificates.summaries(rows) if each.tbs_hash != summary.tbs_hash)
        return tuple(islice((each for each in others if each.spki_hash == summary.spki_hash), limit))

    def stream(self, query: Query, now: datetime) -> Iterator[CertificateSummary]:
        """Yield every result."""
        query = replace(query, limit=LARGEST_PAGE)
        while True:
            page = self.page(query, now)
            yield from page.results
            if page.cursor is None:
                return
            query = replace(query, after=page.cursor)


@dataclass(frozen=True, slots=True)
class _Sieve:
    """What a candidate must fulfil."""

    search: Search
    conditions: list[Condition]
    check: Check | None

    def keep(self, rows: list[int]) -> list[int]:
        if self.conditions:
            kept = self.search.kept(rows, self.conditions)
            rows = [row for row in rows if row in kept]
        if self.check and rows:
            check = self.check
            kept = {row for row, names, subject in self.search.texts(rows) if check(names, subject)}
            rows = [row for row in rows if row in kept]
        return rows


def _scan(candidates: Iterator[int], sieve: _Sieve, limit: int, budget: int) -> tuple[list[int], int | None]:
    """Return the rows of one page and where the next one begins."""
    shown: list[int] = []
    looked, size = 0, limit + 1
    while rows := list(islice(candidates, min(size, _CHUNK, budget - looked))):
        shown += sieve.keep(rows)
        if len(shown) > limit:
            return shown[:limit], shown[limit - 1]
        looked, size = looked + len(rows), size * 2
        if looked >= budget:
            return shown, rows[-1]
    return shown, None


def _matched(summaries: list[CertificateSummary], matched: Matched | None) -> tuple[CertificateSummary, ...]:
    """Say which names a certificate is there for; what shares no more than a key with the question is not."""
    if matched is None:
        return tuple(summaries)
    told = (replace(each, matched=tuple(filter(matched, each.names))) for each in summaries)
    return tuple(each for each in told if each.matched)


def _cursor(text: str | None) -> int:
    if text is None:
        return START
    if not _CURSOR.fullmatch(text):
        raise QueryError("after: expected the cursor of an earlier page")
    return int(text)
