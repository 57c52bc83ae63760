"""Certificates of a search as lifetimes on a calendar: where each stands today, and what ends next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from flask import url_for

from monitor.values import CertificateSummary
from web.public.drawing import Lane, Life, LifeState, Window
from web.public.language import Text, join, say
from web.public.models.rows import algorithm_words, title_of
from web.public.text import ago, plural

_PAST, _FUTURE = timedelta(days=2 * 365), timedelta(days=3 * 365)
_MARGIN = 0.03
_SHORTEST = timedelta(days=2)
_WORDS = {
    LifeState.VALID: "{count} valid",
    LifeState.EXPIRED: "{count} expired",
    LifeState.REVOKED: "{count} revoked",
    LifeState.FUTURE: "{count} not yet valid",
}


@dataclass(frozen=True, slots=True)
class Calendar:
    """What is drawn, and the sentence above it."""

    lanes: tuple[Lane, ...]
    window: Window
    counts: dict[LifeState, int]
    sentence: Text


def life_state(summary: CertificateSummary, now: datetime) -> LifeState:
    """Tell where a certificate stands: revoked counts before expired."""
    if summary.revocation.status == "revoked":
        return LifeState.REVOKED
    if now > summary.not_after:
        return LifeState.EXPIRED
    return LifeState.FUTURE if now < summary.not_before else LifeState.VALID


def calendar_of(summaries: Sequence[CertificateSummary], now: datetime) -> Calendar:
    """Lay certificates out, at least one: names by what ends next, each with lanes by algorithm."""
    lives = [_life(summary, now) for summary in summaries]
    counts = {state: sum(life.state is state for life in lives) for state in LifeState}
    return Calendar(tuple(_lanes(lives)), _window(lives, now), counts, _sentence(lives, counts, now))


def _life(summary: CertificateSummary, now: datetime) -> Life:
    return Life(
        str(title_of(summary)),
        algorithm_words(summary.algorithm, 0),
        summary.not_before,
        summary.not_after,
        life_state(summary, now),
        url_for("certificate.show", sha256=summary.sha256.hex()),
        summary.revocation.revoked_at,
    )


def _sentence(lives: Sequence[Life], counts: dict[LifeState, int], now: datetime) -> Text:
    told = [say(_WORDS[state], count=f"{count:,}") for state, count in counts.items() if count]
    whole = say(
        "{certificates}: {counts}.", certificates=plural(len(lives), "certificate"), counts=join(", ", told)
    )
    valid = [life for life in lives if life.state is LifeState.VALID]
    if not valid:
        return whole
    first = min(valid, key=lambda life: life.end)
    ends = say("The next to expire is {name}, {when}.", name=first.name, when=ago(first.end, now))
    return join(" ", (whole, ends))


def _lanes(lives: Iterable[Life]) -> Iterable[Lane]:
    by_name = {
        name: list(found)
        for name, found in groupby(sorted(lives, key=lambda life: life.name), key=lambda life: life.name)
    }
    for name in sorted(by_name, key=lambda name: (*_urgency(by_name[name]), name)):
        heading = name
        for algorithm in sorted({life.algorithm for life in by_name[name]}, reverse=True):
            own = [life for life in by_name[name] if life.algorithm == algorithm]
            for lane in _packed(own):
                yield Lane(heading, algorithm, tuple(lane))
                heading = ""


def _urgency(lives: Iterable[Life]) -> tuple[bool, float]:
    """Sort by when a name's last certificate in force ends; names without one come last, newest first."""
    ends = [life.end.timestamp() for life in lives if life.state in {LifeState.VALID, LifeState.FUTURE}]
    return (False, max(ends)) if ends else (True, -max(life.end.timestamp() for life in lives))


def _packed(lives: Iterable[Life]) -> list[list[Life]]:
    """Put lifetimes into as few lanes as keep them from overlapping, oldest first."""
    lanes: list[list[Life]] = []
    for life in sorted(lives, key=lambda life: (life.start, life.end)):
        free = next((lane for lane in lanes if lane[-1].end <= life.start), None)
        if free is None:
            lanes.append([life])
        else:
            free.append(life)
    return lanes


def _window(lives: Sequence[Life], now: datetime) -> Window:
    """Return the time to show: all of it, and no more than a few years around today."""
    start = min(
        (max(life.start, now - _PAST) for life in lives if life.end > now - _PAST), default=now - _PAST
    )
    end = max((min(life.end, now + _FUTURE) for life in lives), default=now)
    start, end = min(start, now), max(end, now)
    margin = max((end - start) * _MARGIN, (_SHORTEST - (end - start)) / 2)
    return Window(start - margin, end + margin)
