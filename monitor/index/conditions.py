"""Filters as conditions on what is stored."""

from collections.abc import Iterator
from datetime import datetime

from monitor.index.filters import EXPIRED, REVOKED, Filters, Validity
from monitor.index.finding import issuer_keys, issuers_named, logged_by
from monitor.store import Search
from monitor.store.search import Condition
from monitor.values import to_ms

_STATUS = "EXISTS (SELECT 1 FROM revocations r WHERE r.certificate=f.certificate AND r.status=?)"
_NOT_CHECKED = "NOT EXISTS (SELECT 1 FROM revocations r WHERE r.certificate=f.certificate)"
_NOT_REVOKED = (
    "NOT EXISTS (SELECT 1 FROM revocations r WHERE r.certificate=f.certificate AND r.status='revoked')"
)


def conditions(filters: Filters, search: Search, now: datetime) -> Iterator[Condition]:
    """Yield what a certificate must fulfil."""
    at = to_ms(filters.at or now)
    if EXPIRED in filters.exclude:
        yield Condition("f.not_after>=?", (at,))
    if REVOKED in filters.exclude:
        yield Condition(_NOT_REVOKED)
    if filters.validity:
        yield {
            Validity.VALID: Condition("f.not_before<=? AND f.not_after>=?", (at, at)),
            Validity.EXPIRED: Condition("f.not_after<?", (at,)),
            Validity.NOT_YET_VALID: Condition("f.not_before>?", (at,)),
        }[filters.validity]
    if filters.revocation:
        checked = filters.revocation != "not-checked"
        yield Condition(_STATUS, (filters.revocation,)) if checked else Condition(_NOT_CHECKED)
    yield from _windows(filters)
    if filters.issuer:
        yield _issuer(filters.issuer, search)
    if filters.log:
        yield logged_by(filters.log)


def _windows(filters: Filters) -> Iterator[Condition]:
    for column, first, last in (
        ("f.not_after", filters.expires_from, filters.expires_until),
        ("f.first_seen", filters.seen_from, filters.seen_until),
    ):
        if first:
            yield Condition(f"{column}>=?", (to_ms(first),))
        if last:
            yield Condition(f"{column}<=?", (to_ms(last),))


def _issuer(text: str, search: Search) -> Condition:
    if keys := issuer_keys(text):
        one = "EXISTS (SELECT 1 FROM terms t WHERE t.key=? AND t.certificate=f.certificate)"
        return Condition(f"({' OR '.join([one] * len(keys))})", tuple(keys))
    return Condition.among("f.issuer", issuers_named(search, text))
