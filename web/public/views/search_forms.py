"""Search results for programs: JSON lines and CSV, complete and as they are read; a feed of the newest."""

import json
from collections.abc import Generator, Iterable, Iterator
from datetime import datetime
from itertools import chain, islice

from flask import Response, current_app, render_template

from monitor import Monitor
from monitor.values import CertificateSummary, Page, Query
from monitor.values.comma_separated import comma_separated
from web.public.models.rows import certificate_row, summary_facts
from web.public.negotiation import plain
from web.public.sources import sources

_ATOM_ENTRIES = 100


def stream(query: Query, form: str) -> Response:
    """Send complete results as they are read, however many; a wrong query is noticed before the first."""
    results = _complete(sources().open_monitor(), query, sources().now)
    started = list(islice(results, 1))
    write = _json_lines if form == "jsonl" else _csv
    kind = "application/x-ndjson" if form == "jsonl" else "text/csv; charset=utf-8"
    response: Response = current_app.response_class(write(chain(started, results)), content_type=kind)
    response.call_on_close(results.close)
    response.headers["Content-Disposition"] = f'attachment; filename="certificates.{form}"'
    return response


def _complete(monitor: Monitor, query: Query, now: datetime) -> Generator[CertificateSummary, None, None]:
    try:
        yield from monitor.stream(query, now)
    finally:
        monitor.close()


def _json_lines(results: Iterable[CertificateSummary]) -> Iterator[str]:
    for summary in results:
        yield json.dumps(plain(summary_facts(summary)), ensure_ascii=False) + "\n"


def _csv(results: Iterable[CertificateSummary]) -> Iterator[str]:
    return comma_separated(plain(summary_facts(summary)) for summary in results)


def feed(found: Page, itself: str, page_address: str, following: str | None) -> Response:
    """Give one page of results as a feed; ``following`` leads to the next (RFC 4287, RFC 5005 section 3)."""
    newest = sorted(found.results, key=lambda summary: summary.first_seen, reverse=True)[:_ATOM_ENTRIES]
    updated = newest[0].first_seen if newest else sources().now
    rows = [certificate_row(summary, sources().now) for summary in newest]
    text = render_template(
        "search.atom", rows=rows, query=found.query, updated=updated, base=sources().settings.public_url,
        itself=itself, page_address=page_address,
        following=following,
    )  # fmt: skip
    return Response(text, content_type="application/atom+xml; charset=utf-8")
