"""/logs and /log/<log>: each log's state, key, growth, heads and who saw them, witnesses and audits."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response

from monitor.observations.values import EndpointAvailability, Following
from monitor.values import Alert, LogState, MalformedEntry
from web.public.cards import log_cards
from web.public.drawing import draw_timeline
from web.public.drawing.lanes import draw_lanes
from web.public.drawing.strip import draw_strip
from web.public.errors import Missing
from web.public.language import say
from web.public.listed import listed
from web.public.models.audits import Audit, alert_facts, alert_shown, audit_facts, audit_shown, strip_of
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
    state = sources().monitor.log(name)
    if state is None:
        raise Missing(say("No log of this name is followed here."), way_out=say("The page Logs lists them."))
    known = _known(state)
    return page(
        "log.html",
        _facts(known),
        log=state,
        said=log_said(state),
        key=key_words(state.key),
        standing=standing_words(state),
        listed=listed(state.log_id),
        roots=known.roots,
        heads=rows(known.heads, _HEAD_ROWS),
        all_heads=known.heads,
        witnessing=known.witnesses,
        audits=known.audits,
        alerts=[alert_shown(alert, sources().monitor.evidence.notes(alert.id)) for alert in known.alerts],
        malformed=known.malformed,
        availability=known.availability,
        following=known.following,
        **_pictures(known),
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """Everything that the page shows of one log, read once for people and for programs."""

    state: LogState
    heads: Heads
    witnesses: Witnessing
    audits: tuple[Audit, ...]
    alerts: tuple[Alert, ...]
    malformed: tuple[MalformedEntry, ...]
    roots: int | None
    availability: tuple[EndpointAvailability, ...]
    following: Following | None


def _known(state: LogState) -> _Known:
    monitor, name = sources().monitor, state.name
    seen, alerts = monitor.observations, monitor.alerts(name)
    return _Known(
        state=state,
        heads=heads_of(monitor.heads(name, _HEADS), seen.seen_heads(name, _HEADS), alerts),
        witnesses=witnessing(state),
        audits=tuple(map(audit_shown, monitor.audits(name, limit=_AUDITS))),
        alerts=alerts,
        malformed=monitor.malformed(name) if state.malformed else (),
        roots=seen.accepted_roots(name),
        availability=seen.availability(name, sources().now),
        following=seen.following(name),
    )


def _facts(known: _Known) -> dict[str, Any]:
    """Return everything that the page shows, and the heads that it has no room for."""
    return {
        **log_facts(known.state),
        "accepted_roots": known.roots,
        "heads": [head_facts(head) for head in known.heads.own],
        "seen_by_others": [seen_facts(seen) for seen in known.heads.others],
        "consistency": pair_facts(known.heads),
        "witnessing": witness_facts(known.witnesses),
        "audits": [audit_facts(audit) for audit in known.audits],
        "alerts": [alert_facts(alert) for alert in known.alerts],
        "malformed_entries": [{"index": one.index, "reason": one.reason} for one in known.malformed],
        "availability": [availability_facts(one) for one in known.availability],
        "following": following_facts(known.following) if known.following else None,
    }


def _pictures(known: _Known) -> dict[str, Any]:
    """Draw the growth, the heads of each observer on the same axis of time, and the last audits."""
    now, drawn, observers = sources().now, points(known.heads.own), lanes(known.heads)
    strip = strip_of(known.state.name, sources().monitor.tally.marks(known.state.name))
    start = first_time(observers) if drawn else None
    return {
        "timeline": inline(draw_timeline(drawn, now, start)) if grew(drawn) else "",
        "lanes": inline(draw_lanes(observers, start, now)) if start else "",
        "strip": inline(draw_strip(strip.bars, strip.first, strip.description)) if strip else "",
    }
