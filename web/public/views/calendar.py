"""/calendar: the lifetimes of the certificates that a search finds, with today, ends and revocations."""

from flask import Blueprint, Response, request, url_for

from monitor.errors import QueryError
from monitor.values import Match, Page, Query
from web.public.asking import anything_asked, asked_query
from web.public.drawing import LifeState, draw_calendar
from web.public.models.calendar import Calendar, calendar_of, life_state
from web.public.models.rows import summary_facts
from web.public.negotiation import page
from web.public.parameters import addressed
from web.public.pictures import inline
from web.public.problems import of_query
from web.public.sources import sources

blueprint = Blueprint("calendar", __name__)

MOST = 100
"""Lifetimes in one picture."""


@blueprint.get("/calendar")
def show() -> Response:
    """Draw what a search finds; without anything asked, the newest certificates of the site's domain."""
    try:
        query = (
            asked_query(MOST)
            if anything_asked()
            else Query(sources().settings.domain, Match.SUBDOMAIN, limit=MOST)
        )
        found = sources().monitor.search(query, sources().now)
    except QueryError as error:
        raise of_query(error) from error
    now = sources().now
    calendar = calendar_of(found.results, now) if found.results else None
    picture = inline(draw_calendar(calendar.lanes, calendar.window, now)) if calendar else ""
    return page(
        "calendar.html", _facts(found, calendar), query=query, calendar=calendar, picture=picture,
        states=LifeState, most=MOST, results=_results(query),
        kept=[(key, value) for key, value in request.args.items() if key not in {"q", "after", "output"}],
    )  # fmt: skip


def _results(query: Query) -> str:
    """Return the address of the same search as a list."""
    asked = request.args.to_dict() if anything_asked() else {"q": query.q, "match": query.match.value}
    return addressed(url_for("search.show"), {**asked, "after": None})


def _facts(found: Page, calendar: Calendar | None) -> dict[str, object]:
    query, now = found.query, sources().now
    given = {"q": query.q, "match": query.match.value, **request.args.to_dict(), "after": found.cursor}
    return {
        "query": {"q": query.q, "match": query.match, "filters": query.filters.to_parameters()},
        "sentence": calendar.sentence if calendar else "",
        "today": now,
        "from": calendar.window.start if calendar else None,
        "until": calendar.window.end if calendar else None,
        "counts": calendar.counts if calendar else {},
        "certificates": [
            {**summary_facts(summary), "state": life_state(summary, now)} for summary in found.results
        ],
        "cursor": found.cursor,
        "next": addressed(request.path, given) if found.cursor else None,
    }
