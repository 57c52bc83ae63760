"""/search: certificates by name, serial, fingerprint or issuer; as page, JSON, JSON lines, CSV or Atom.

The page's script asks the same address while somebody types, and puts the results of the answer into the
page: what is shown is rendered here alone.
"""

from flask import Blueprint, Response, render_template, request, url_for
from markupsafe import Markup

from monitor.errors import QueryError
from monitor.index.filters import EXPIRED
from monitor.values import Match, Page
from web.public.asking import anything_asked, asked_query
from web.public.drawing import draw_calendar
from web.public.errors import BadParameter, SiteError
from web.public.language import say
from web.public.models.calendar import calendar_of
from web.public.models.marking import hits_of
from web.public.models.rows import certificate_row, summary_facts
from web.public.negotiation import json_response, output_form, page, wants_json
from web.public.parameters import addressed
from web.public.pictures import inline
from web.public.problems import of_query
from web.public.sources import sources
from web.public.views.search_forms import feed, stream

blueprint = Blueprint("search", __name__)

FORMS = ("html", "json", "jsonl", "csv", "atom")
PAGE = 50


@blueprint.get("/search")
def show() -> Response:
    """Answer a search in the form asked for; without anything to search for, show how to search."""
    form = output_form(FORMS)
    try:
        if not anything_asked():
            return _nothing_asked(form)
        query = asked_query(PAGE)
        if form in {"jsonl", "csv"}:
            return stream(query, form)
        found = sources().monitor.search(query, sources().now)
    except (QueryError, BadParameter) as error:
        return _refuse(error)
    if form == "atom":
        following = address(after=found.cursor) if found.cursor else None
        return feed(found, address(), address(output=None), following)
    return _page(found)


def address(**changes: str | None) -> str:
    """Return the address of this search with some parameters changed; None removes one."""
    return addressed(request.path, {**request.args.to_dict(), **changes})


def _nothing_asked(form: str) -> Response:
    if form == "html":
        return page("search.html", {}, found=None, query=None, problem=None, rows=[], logs=_logs())
    message = "q is missing: give a name, a serial number, a fingerprint or an issuer."
    return json_response({"error": message, "field": "q"}, status=400)


def _refuse(error: QueryError | BadParameter) -> Response:
    """Show what is wrong with a query beside the field in which it can be mended."""
    problem = error if isinstance(error, SiteError) else of_query(error)
    if wants_json(strict=False):
        return json_response({"error": problem.message, "field": problem.field}, status=400)
    shown = render_template(
        "search.html", facts={}, found=None, query=None, problem=problem, rows=[], logs=_logs()
    )
    return Response(shown, status=400, mimetype="text/html")


def _page(found: Page) -> Response:
    query, now, hits = found.query, sources().now, hits_of(found)
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
        "next": address(after=found.cursor) if found.cursor else None,
    }
    rows = [certificate_row(summary, now, hits) for summary in found.results]
    return page(
        "search.html", facts, found=found, query=query, problem=None, rows=rows, kind=say(found.kind),
        forms=[(form, address(output=form, after=None)) for form in FORMS[1:]],
        wider={match.value: address(match=match.value, after=None) for match in Match},
        logs=_logs(), lifetimes=lambda: _lifetimes(found), calendar=_calendar(),
    )  # fmt: skip


def _lifetimes(found: Page) -> Markup:
    """Draw the results on a calendar; asked for by the page alone, not by JSON."""
    drawn = calendar_of(found.results, sources().now)
    return inline(draw_calendar(drawn.lanes, drawn.window, sources().now))


def _calendar() -> str:
    """Return the address of this search's calendar."""
    return addressed(url_for("calendar.show"), {**request.args.to_dict(), "after": None, "output": None})


def _logs() -> tuple[str, ...]:
    return tuple(log.name for log in sources().monitor.logs())
