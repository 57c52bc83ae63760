"""A search, and a page of what it finds."""

from dataclasses import dataclass, field
from enum import StrEnum

from monitor.index.filters import Filters
from monitor.values.certificates import CertificateSummary


class Match(StrEnum):
    """How a searched name is compared with a certificate's names."""

    EXACT = "exact"
    SUBDOMAIN = "subdomain"
    CONTAINS = "contains"


@dataclass(frozen=True, slots=True)
class Query:
    """A search; ``after`` is the cursor of the page before."""

    q: str
    match: Match = Match.EXACT
    exclude_expired: bool = False
    after: str | None = None
    limit: int = 50
    filters: Filters = field(default_factory=Filters)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of results; ``cursor`` is None when the results are complete."""

    results: tuple[CertificateSummary, ...]
    cursor: str | None
    query: Query
    kind: str
