"""The few figures of the home page that tell a stranger whether all is well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from monitor.store.counts import SOON, Counts
from monitor.values import Alert, LogState, Overview
from web.public.language import Text, say
from web.public.models.logs import log_said
from web.public.models.witnesses import Witnessing, witnessing
from web.public.state import State, worst
from web.public.text import ago, plural, span


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what it is of, its value in large, notes below it, and whether it is as it should be.

    ``state`` is None for a figure that is neither good nor bad. ``notes`` come with the parameters of
    the search that lists what they count, or none.
    """

    name: Text
    value: Text
    notes: tuple[tuple[Text, Mapping[str, str]], ...]
    page: str
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Glance:
    """Everything at a glance: figures for people, facts for programs."""

    figures: tuple[Figure, ...]
    facts: Mapping[str, Any]


def glance(overview: Overview, counts: Counts, now: datetime) -> Glance:
    """Put the figures together."""
    asked = [witnessing(log) for log in overview.logs]
    counted = _witness_facts(asked)
    figures = (
        _logs(overview.logs, now),
        _audit(overview, now),
        _alerts(overview.alerts),
        _certificates(counts, now),
        _witnesses(asked, **counted),
    )
    return Glance(figures, {"certificates_by_state": counts_facts(counts), "witnesses": counted})


def counts_facts(counts: Counts) -> dict[str, int]:
    """Return certificates by state for JSON; ``expiring_within_30_days`` is a part of ``valid``."""
    return {
        "valid": counts.valid,
        "expiring_within_30_days": counts.expiring,
        "revoked": counts.revoked,
        "expired": counts.expired,
        "not_yet_valid": counts.not_yet_valid,
    }


def _logs(logs: Sequence[LogState], now: datetime) -> Figure:
    states = tuple(log_said(log).state for log in logs)
    oldest = min((log.head.timestamp for log in logs if log.head), default=None)
    note = say("heads signed {ago}", ago=ago(oldest, now)) if oldest else say("no tree head yet")
    value = say("{verified} of {all}", verified=states.count(State.TRUSTED), all=len(logs))
    return Figure(say("Logs verified"), value, ((note, {}),), "logs.show", worst(states))


def _audit(overview: Overview, now: datetime) -> Figure:
    if overview.last_audit is None:
        return Figure(say("Last audit"), say("never"), (), "audits.show", State.UNKNOWN)
    silent = overview.stale(now)
    note = say("the auditor is silent") if silent else say("interval {span}", span=_interval(overview))
    return Figure(
        say("Last audit"),
        ago(overview.last_audit, now),
        ((note, {}),),
        "audits.show",
        State.UNKNOWN if silent else State.TRUSTED,
    )


def _interval(overview: Overview) -> Text:
    return span(timedelta(seconds=overview.interval or 0))


def _alerts(alerts: Sequence[Alert]) -> Figure:
    """An alert about which the log's promises still count is no refusal, as in the list of alerts."""
    count = len(alerts)
    if not count:
        return Figure(say("Alerts"), say("none open"), (), "audits.show", State.TRUSTED)
    note = say("somebody must look at them") if count > 1 else say("somebody must look at it")
    state = State.REFUSED if any(alert.distrusting for alert in alerts) else State.UNKNOWN
    return Figure(
        say("Alerts"),
        Text(plural(count, "open alert"), f"{count:,} 条待处理"),
        ((note, {}),),
        "audits.show",
        state,
    )


def _certificates(counts: Counts, now: datetime) -> Figure:
    alive = {"validity": "valid", "exclude": "revoked"}
    notes = (
        (
            say("{count} expiring within 30 days", count=f"{counts.expiring:,}"),
            {**alive, "expires_until": f"{now + SOON:%Y-%m-%d}"},
        ),
        (
            say("{count} revoked", count=f"{counts.revoked:,}"),
            {"revocation": "revoked", "exclude": "expired"},
        ),
    )
    return Figure(
        say("Valid certificates"), Text(f"{counts.valid:,}", f"{counts.valid:,}"), notes, "search.show"
    )


def _witnesses(asked: Sequence[Witnessing], configured: int, cosigning: int) -> Figure:
    if not configured:
        return Figure(say("Witnesses"), say("none"), ((say("no one else cosigns"), {}),), "logs.show")
    value = say("{verified} of {all}", verified=cosigning, all=configured)
    state = worst(tuple(each.said.state for each in asked if each.said))
    return Figure(say("Witnesses"), value, ((say("cosigned what is due"), {}),), "logs.show", state)


def _witness_facts(asked: Sequence[Witnessing]) -> dict[str, int]:
    names = {one.name for each in asked for one in each.witnesses}
    behind = {one.name for each in asked for one in each.witnesses if one.said.state is not State.TRUSTED}
    return {"configured": len(names), "cosigning": len(names) - len(behind)}
