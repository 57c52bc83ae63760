"""/search: certificates by name, serial, fingerprint or issuer; as page, JSON, JSON lines, CSV or Atom."""

import csv
import io
import json
from collections.abc import Generator, Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, render_template, request

from monitor import Monitor
from monitor.errors import QueryError
from monitor.index.filters import EXPIRED, Filters
from monitor.values import CertificateSummary, Match, Page, Query
from web.public.errors import BadParameter, SiteError
from web.public.language import say
from web.public.models.rows import certificate_row, summary_facts
from web.public.negotiation import json_response, output_form, page, plain, wants_json
from web.public.problems import of_query
from web.public.sources import sources

blueprint = Blueprint("search", __name__)

FORMS = ("html", "json", "jsonl", "csv", "atom")
PAGE = 50
_LONGEST = 500
_ATOM_ENTRIES = 100
_COLUMNS = (
    "sha256",
    "names",
    "issuer",
    "serial",
    "not_before",
    "not_after",
    "algorithm",
    "first_seen",
    "logs",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@blueprint.get("/search")
def show() -> Response:
    """Answer a search in the form asked for; without a query, show how to search."""
    form = output_form(FORMS)
    if not request.args.get("q", "").strip():
        return _nothing_asked(form)
    try:
        query = _query()
        if form in {"jsonl", "csv"}:
            return _stream(query, form)
        found = sources().monitor.search(query, sources().now)
    except (QueryError, BadParameter) as error:
        return _refuse(error)
    if form == "atom":
        return _atom(found)
    return _page(found)


def _query() -> Query:
    text = request.args["q"].strip()
    if len(text) > _LONGEST:
        raise BadParameter(
            say("q is longer than {most} characters, which no name is.", most=_LONGEST), field="q"
        )
    return Query(text, _match(), after=request.args.get("after") or None, limit=PAGE, filters=_filters())


def _match() -> Match:
    given = request.args.get("match") or Match.EXACT.value
    try:
        return Match(given)
    except ValueError:
        known = ", ".join(Match)
        wrong = say("match must be one of {known}, not {given}.", known=known, given=repr(given))
        raise BadParameter(wrong, field="match") from None


def _filters() -> Filters:
    """Read what narrows the search; raises QueryError, which names the parameter at fault."""
    return Filters.parse(request.args.to_dict())


def _nothing_asked(form: str) -> Response:
    if form == "html":
        return page("search.html", {}, found=None, query=None, problem=None, rows=[])
    message = "q is missing: give a name, a serial number, a fingerprint or an issuer."
    return json_response({"error": message, "field": "q"}, status=400)


def _refuse(error: QueryError | BadParameter) -> Response:
    """Show what is wrong with a query beside the field in which it can be mended."""
    problem = error if isinstance(error, SiteError) else of_query(error)
    if wants_json(strict=False):
        return json_response({"error": problem.message, "field": problem.field}, status=400)
    shown = render_template("search.html", facts={}, found=None, query=None, problem=problem, rows=[])
    return Response(shown, status=400, mimetype="text/html")


def _page(found: Page) -> Response:
    query = found.query
    facts = {
        "query": {
            "q": query.q,
            "match": query.match,
            "exclude": "expired" if EXPIRED in query.filters.exclude else None,
            "filters": query.filters.to_parameters(),
        },
        "kind": found.kind,
        "results": [summary_facts(summary) for summary in found.results],
        "cursor": found.cursor,
        "next": _address(after=found.cursor) if found.cursor else None,
    }
    rows = [certificate_row(summary, sources().now) for summary in found.results]
    return page(
        "search.html", facts, found=found, query=query, problem=None, rows=rows, kind=say(found.kind),
        forms=[(form, _address(output=form, after=None)) for form in FORMS[1:]],
        wider={match.value: _address(match=match.value, after=None) for match in Match},
    )  # fmt: skip


def _address(**changes: str | None) -> str:
    """Return the address of this search with some parameters changed; None removes one."""
    given = {**request.args.to_dict(), **changes}
    return f"{request.path}?{urlencode({key: value for key, value in given.items() if value})}"


def _stream(query: Query, form: str) -> Response:
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
    yield _csv_line(_COLUMNS)
    for summary in results:
        facts = plain(summary_facts(summary))
        yield _csv_line([_cell(facts[column]) for column in _COLUMNS])


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cell(value: str | list[str]) -> str:
    """Return a cell's text; one that a spreadsheet would run as a formula is quoted with an apostrophe."""
    text = " ".join(value) if isinstance(value, list) else value
    return f"'{text}" if text.startswith(_FORMULA) else text


def _atom(found: Page) -> Response:
    """Give the newest results as a feed (RFC 4287)."""
    newest = sorted(found.results, key=lambda summary: summary.first_seen, reverse=True)[:_ATOM_ENTRIES]
    updated = newest[0].first_seen if newest else sources().now
    rows = [certificate_row(summary, sources().now) for summary in newest]
    text = render_template(
        "search.atom", rows=rows, query=found.query, updated=updated, base=sources().settings.public_url,
        itself=_address(), page_address=_address(output=None),
    )  # fmt: skip
    return Response(text, content_type="application/atom+xml; charset=utf-8")
