"""/: what this is, how logs and audits stand, one search field, the newest certificates."""

from flask import Blueprint, Response

from monitor.values import Match, Query
from web.public.cards import log_cards
from web.public.models.glance import glance
from web.public.models.log_facts import log_facts
from web.public.models.logs import overview_said
from web.public.models.rows import certificate_row, summary_facts
from web.public.negotiation import page
from web.public.sources import sources

blueprint = Blueprint("home", __name__)

_RECENT = 8


@blueprint.get("/")
def show() -> Response:
    """Show everything at a glance."""
    monitor, now = sources().monitor, sources().now
    overview = monitor.overview()
    newest = Query(sources().settings.domain, Match.SUBDOMAIN, limit=_RECENT)
    recent = monitor.search(newest, now).results
    said = overview_said(overview, now)
    seen = glance(overview, sources().counts(), now)
    facts = {
        "organisation": sources().settings.org,
        "domain": sources().settings.domain,
        "state": said.state,
        "sentence": said.sentence,
        "last_audit": overview.last_audit,
        "certificates": overview.certificates,
        "entries": overview.entries,
        "open_alerts": len(overview.alerts),
        **seen.facts,
        "logs": [log_facts(log) for log in overview.logs],
        "recent": [summary_facts(summary) for summary in recent],
    }
    rows = [certificate_row(summary, now) for summary in recent]
    return page(
        "home.html",
        facts,
        overview=overview,
        said=said,
        figures=seen.figures,
        cards=log_cards(overview),
        rows=rows,
    )
