"""/logs and /log/<log>: each log's state, key, growth, heads and who saw them, witnesses and audits."""

from typing import Any

from flask import Blueprint, Response

from monitor.values import Alert, AuditReport, LogState
from web.public.cards import log_cards
from web.public.drawing import draw_timeline
from web.public.drawing.lanes import draw_lanes
from web.public.drawing.strip import draw_strip
from web.public.errors import Missing
from web.public.language import say
from web.public.listed import listed
from web.public.models.audits import alert_facts, alert_shown, audit_facts, audit_shown, strip_of
from web.public.models.heads import Heads, first_time, heads_of, lanes, pair_facts, rows, seen_facts
from web.public.models.log_facts import availability_facts, following_facts, head_facts, log_facts
from web.public.models.logs import grew, key_words, log_said, overview_said, points, standing_words
from web.public.models.witnesses import Witnessing, witness_facts, witnessing
from web.public.negotiation import page
from web.public.pictures import inline
from web.public.sources import sources

blueprint = Blueprint("logs", __name__)

_HEADS, _HEAD_ROWS, _AUDITS = 1000, 24, 8


@blueprint.get("/logs")
def show() -> Response:
    """Show every log that is followed."""
    overview = sources().monitor.overview()
    said = overview_said(overview, sources().now)
    facts = {
        "state": said.state,
        "sentence": said.sentence,
        "logs": [log_facts(log) for log in overview.logs],
    }
    return page("logs.html", facts, overview=overview, said=said, cards=log_cards(overview))


@blueprint.get("/log/<name>/")
def log(name: str) -> Response:
    """Show one log."""
    monitor = sources().monitor
    state = monitor.log(name)
    if state is None:
        raise Missing(say("No log of this name is followed here."), way_out=say("The page Logs lists them."))
    alerts, reports = monitor.alerts(state.name), monitor.audits(state.name, limit=_AUDITS)
    heads = heads_of(
        monitor.heads(state.name, _HEADS), monitor.observations.seen_heads(state.name, _HEADS), alerts
    )
    witnesses = witnessing(state)
    return page(
        "log.html",
        _facts(state, heads, witnesses, reports, alerts),
        log=state,
        said=log_said(state),
        key=key_words(state.key),
        standing=standing_words(state),
        listed=listed(state.log_id),
        roots=monitor.observations.accepted_roots(state.name),
        heads=rows(heads, _HEAD_ROWS),
        all_heads=heads,
        witnessing=witnesses,
        audits=[audit_shown(report) for report in reports],
        alerts=[alert_shown(alert, monitor.evidence.notes(alert.id)) for alert in alerts],
        malformed=_malformed(state),
        availability=monitor.observations.availability(state.name, sources().now),
        following=monitor.observations.following(state.name),
        **_pictures(state, heads),
    )


def _facts(
    state: LogState,
    heads: Heads,
    witnesses: Witnessing,
    reports: tuple[AuditReport, ...],
    alerts: tuple[Alert, ...],
) -> dict[str, Any]:
    """Return everything that the page shows, and the heads that it has no room for."""
    monitor, now = sources().monitor, sources().now
    following = monitor.observations.following(state.name)
    return {
        **log_facts(state),
        "accepted_roots": monitor.observations.accepted_roots(state.name),
        "heads": [head_facts(head) for head in heads.own],
        "seen_by_others": [seen_facts(seen) for seen in heads.others],
        "consistency": pair_facts(heads),
        "witnessing": witness_facts(witnesses),
        "audits": [audit_facts(report) for report in reports],
        "alerts": [alert_facts(alert) for alert in alerts],
        "malformed_entries": [{"index": one.index, "reason": one.reason} for one in _malformed(state)],
        "availability": [
            availability_facts(one) for one in monitor.observations.availability(state.name, now)
        ],
        "following": following_facts(following) if following else None,
    }


def _malformed(state: LogState) -> tuple[Any, ...]:
    return sources().monitor.malformed(state.name) if state.malformed else ()


def _pictures(state: LogState, heads: Heads) -> dict[str, Any]:
    """Draw the growth, the heads of each observer on the same axis of time, and the last audits."""
    now, drawn = sources().now, points(heads.own)
    strip = strip_of(state.name, sources().monitor.tally.marks(state.name))
    start = min(first_time(heads), drawn[0].time) if drawn else None
    return {
        "timeline": inline(draw_timeline(drawn, now, start)) if grew(drawn) else "",
        "lanes": inline(draw_lanes(lanes(heads), start, now)) if start else "",
        "strip": inline(draw_strip(strip.bars, strip.first, strip.description)) if strip else "",
    }
