"""/logs and /log/<log>/: each log's state, key, growth, heads and audits."""

from flask import Blueprint, Response

from web.public.drawing import draw_growth, draw_timeline
from web.public.errors import Missing
from web.public.language import say
from web.public.listed import listed
from web.public.models.logs import (
    alert_facts,
    audit_facts,
    audit_shown,
    availability_facts,
    following_facts,
    grew,
    head_facts,
    key_words,
    log_facts,
    log_said,
    overview_said,
    points,
    standing_words,
    witnessed,
)
from web.public.negotiation import page
from web.public.pictures import inline
from web.public.sources import sources

blueprint = Blueprint("logs", __name__)

_CARD_HEADS, _HEADS, _HEAD_ROWS, _AUDITS = 200, 1000, 20, 8


@blueprint.get("/logs")
def show() -> Response:
    """Show every log that is followed."""
    monitor, now = sources().monitor, sources().now
    overview = monitor.overview()
    said = overview_said(overview, now)
    facts = {
        "state": said.state,
        "sentence": said.sentence,
        "logs": [log_facts(log) for log in overview.logs],
    }
    cards = []
    for log in overview.logs:
        drawn = points(monitor.heads(log.name, _CARD_HEADS), log)
        growth = inline(draw_growth(drawn, now)) if grew(drawn) else ""
        cards.append({"log": log, "said": log_said(log), "key": key_words(log.key), "growth": growth})
    return page("logs.html", facts, overview=overview, said=said, cards=cards)


@blueprint.get("/log/<name>/")
def log(name: str) -> Response:
    """Show one log."""
    monitor, now = sources().monitor, sources().now
    state = monitor.log(name)
    if state is None:
        raise Missing(say("No log of this name is followed here."), way_out=say("The page Logs lists them."))
    heads = monitor.heads(name, _HEADS)
    reports = monitor.audits(name, limit=_AUDITS)
    alerts = monitor.alerts(name)
    malformed = monitor.malformed(name) if state.malformed else ()
    facts = {
        **log_facts(state),
        "heads": [head_facts(head) for head in heads],
        "audits": [audit_facts(report) for report in reports],
        "alerts": [alert_facts(alert) for alert in alerts],
        "malformed_entries": [{"index": entry.index, "reason": entry.reason} for entry in malformed],
    }
    availability, following = (
        monitor.observations.availability(name, now),
        monitor.observations.following(name),
    )
    facts["availability"] = [availability_facts(endpoint) for endpoint in availability]
    facts["following"] = following_facts(following) if following else None
    drawn = points(heads, state)
    timeline = inline(draw_timeline(drawn, now)) if len(drawn) > 1 else ""
    return page(
        "log.html", facts, log=state, said=log_said(state), key=key_words(state.key), timeline=timeline,
        standing=standing_words(state),
        heads=heads[:_HEAD_ROWS], head_count=len(heads), audits=[audit_shown(report) for report in reports],
        alerts=alerts, malformed=malformed, availability=availability, following=following,
        witnessed=witnessed(state), listed=listed(state.log_id),
    )  # fmt: skip
