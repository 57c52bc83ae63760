"""/: what this is, how logs and audits stand, one search field, the newest certificates."""

from flask import Blueprint, Response

from monitor.values import Match, Query
from web.public.drawing import draw_growth
from web.public.models.logs import grew, key_words, log_facts, log_said, overview_said, points
from web.public.models.rows import certificate_row, summary_facts
from web.public.negotiation import page
from web.public.pictures import inline
from web.public.sources import sources

blueprint = Blueprint("home", __name__)

_RECENT, _HEADS = 8, 200


@blueprint.get("/")
def show() -> Response:
    """Show everything at a glance."""
    monitor, now = sources().monitor, sources().now
    overview = monitor.overview()
    newest = Query(sources().settings.domain, Match.SUBDOMAIN, limit=_RECENT)
    recent = monitor.search(newest, now).results
    said = overview_said(overview, now)
    facts = {
        "organisation": sources().settings.org,
        "domain": sources().settings.domain,
        "state": said.state,
        "sentence": said.sentence,
        "last_audit": overview.last_audit,
        "certificates": overview.certificates,
        "entries": overview.entries,
        "open_alerts": len(overview.alerts),
        "logs": [log_facts(log) for log in overview.logs],
        "recent": [summary_facts(summary) for summary in recent],
    }
    cards = []
    for log in overview.logs:
        drawn = points(monitor.heads(log.name, _HEADS), log)
        growth = inline(draw_growth(drawn, now)) if grew(drawn) else ""
        cards.append({"log": log, "said": log_said(log), "key": key_words(log.key), "growth": growth})
    rows = [certificate_row(summary, now) for summary in recent]
    return page("home.html", facts, overview=overview, said=said, cards=cards, rows=rows)
