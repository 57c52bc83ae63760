"""The lifetimes of certificates on a calendar: a lane for each row of lifetimes that do not overlap.

The picture is as wide as its place: everything is placed in per cent along the time, words keep their size.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from xml.etree.ElementTree import Element

from web.public.drawing.months import ticks
from web.public.drawing.svg import NAMESPACE, elapsed, label, percent, serialise, shape, titled, wide
from web.public.language import Text, say
from web.public.text import day, plural, shorten

_HEAD, _LANE, _BAR, _BAR_TOP, _TEXT = 40.0, 36.0, 9.0, 19.0, 12.0
_NAME_LENGTH = 26
_SIGN = 6.0
_OCTAGON = "M-2.5-6h5L6-2.5v5L2.5 6h-5L-6 2.5v-5z"
_EDGE = 0.4  # per cent: what is drawn of a lifetime that lies wholly outside of the picture


class LifeState(StrEnum):
    """Where a lifetime stands today."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    FUTURE = "not-yet-valid"

    @property
    def word(self) -> Text:
        return say(self.value.replace("-", " "))


@dataclass(frozen=True, slots=True)
class Life:
    """One certificate's lifetime; ``revoked_at`` where its CA says when it ended early."""

    name: str
    algorithm: str
    start: datetime
    end: datetime
    state: LifeState
    href: str
    revoked_at: datetime | None = None

    @property
    def outcome(self) -> Text:
        """How it ends, in a few words."""
        when = self.revoked_at if self.state is LifeState.REVOKED else self.end
        if self.state is LifeState.FUTURE:
            return say("from {start}", start=day(self.start))
        if self.state is LifeState.VALID:
            return say("until {day}", day=day(self.end))
        return say("{state} {day}", state=self.state.word, day=day(when)) if when else self.state.word


@dataclass(frozen=True, slots=True)
class Lane:
    """Lifetimes one after the other, oldest first; ``heading`` is empty below another lane of the name."""

    heading: str
    algorithm: str
    lives: tuple[Life, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """The time that the picture shows."""

    start: datetime
    end: datetime

    def place(self, moment: datetime) -> float:
        """Return where a moment lies, 0 to 100, and at the edge what lies outside."""
        return elapsed(moment, self.start, self.end) * 100


def draw_calendar(lanes: tuple[Lane, ...], window: Window, now: datetime) -> str:
    """Return the calendar with today marked; each lifetime is a link."""
    height = _HEAD + len(lanes) * _LANE
    tops = [_HEAD + number * _LANE for number in range(len(lanes))]
    shapes = [_track(top + _BAR_TOP) for top in tops]
    shapes += [*_grid(window, height), *_today(window, now, height)]
    for lane, top in zip(lanes, tops, strict=True):
        shapes += _lane(lane, window, top)
    lives = sum(len(lane.lives) for lane in lanes)
    described = say(
        "Lifetimes of {certificates} from {start} until {end}.",
        certificates=plural(lives, "certificate"), start=day(window.start), end=day(window.end),
    )  # fmt: skip
    return wide(height, described, shapes, class_="calendar", links=True)


def draw_key(state: LifeState) -> str:
    """Return the sample of a state for the key below the picture; its word stands beside it."""
    shapes = [shape("rect", x=1.0, y=3.5, width=30.0, height=_BAR, rx=4, class_="whole")]
    if state is LifeState.REVOKED:
        shapes += [
            shape("rect", x=1.0, y=3.5, width=15.0, height=_BAR, rx=4, class_="lived"),
            _octagon(x=16.0, y=8.0),
        ]
    return serialise(
        shape(
            "svg", shape("g", *shapes, class_=f"life is-{state.value}"), xmlns=NAMESPACE, viewBox="0 0 32 16",
            width=32, height=16, class_="drawing calendar sample", aria_hidden="true", focusable="false",
        )
    )  # fmt: skip


def _grid(window: Window, height: float) -> Iterable[Element]:
    for moment, words in ticks(window.start, window.end):
        x = percent(window.place(moment))
        yield shape("line", x1=x, x2=x, y1=4.0, y2=height, class_="grid")
        if window.place(moment) < 90:  # noqa: PLR2004  beyond it, the words would leave the picture
            yield label(x, 13, words, "caption", dx="5")


def _today(window: Window, now: datetime, height: float) -> Iterable[Element]:
    place = window.place(now)
    x = percent(place)
    yield shape("line", x1=x, x2=x, y1=20.0, y2=height, class_="now")
    side = "end" if place > 50 else "start"  # noqa: PLR2004  the half of the picture with room for the word
    yield label(x, 30, say("today"), "caption today", text_anchor=side, dx="-5" if side == "end" else "5")


def _track(y: float) -> Element:
    return shape("rect", x="0", y=y, width="100%", height=_BAR, rx=4, class_="track")


def _lane(lane: Lane, window: Window, top: float) -> list[Element]:
    last = lane.lives[-1]
    ending = label("100%", top + _TEXT, last.outcome, f"caption is-{last.state.value}", text_anchor="end")
    return [_heading(lane, top), ending, *(_life(life, window, top + _BAR_TOP) for life in lane.lives)]


def _heading(lane: Lane, top: float) -> Element:
    name = shape("tspan", text=shorten(lane.heading, _NAME_LENGTH), class_="name") if lane.heading else None
    kind = shape("tspan", text=lane.algorithm, class_="kind", dx="7" if name is not None else None)
    return shape("text", *([name] if name is not None else []), kind, x="0", y=top + _TEXT)


def _life(life: Life, window: Window, y: float) -> Element:
    left, right = window.place(life.start), window.place(life.end)
    cut = window.place(life.revoked_at) if life.revoked_at else left
    if right - left < _EDGE:
        left, right = max(right - _EDGE, 0.0), max(right, _EDGE)
    cut = min(max(cut, left), right)
    shapes = [_bar(left, right, y, "whole")]
    if life.state is LifeState.REVOKED:
        shapes += [_bar(left, cut, y, "lived"), _sign(cut, y + _BAR / 2)]
    return titled(_title(life), *shapes, href=life.href, class_=f"life is-{life.state.value}")


def _bar(left: float, right: float, y: float, class_: str) -> Element:
    width = percent(max(right - left, 0.0))
    return shape("rect", x=percent(left), y=y, width=width, height=_BAR, rx=4, class_=class_)


def _sign(place: float, y: float) -> Element:
    """Draw the octagon at the moment of revocation, inside the picture at its edges too."""
    inward = _SIGN if place < 1 else -_SIGN if place > 99 else 0.0  # noqa: PLR2004  per cent
    return _octagon(x=percent(place), y=y, inward=inward)


def _octagon(x: float | str, y: float, inward: float = 0.0) -> Element:
    return shape(
        "svg",
        shape("path", d=_OCTAGON, class_="body"),
        shape("path", d="M-2.2-2.2 2.2 2.2M2.2-2.2-2.2 2.2", class_="sign"),
        x=x, y=y, overflow="visible", width=1.0, height=1.0, viewBox=f"{-inward:g} 0 1 1",
    )  # fmt: skip


def _title(life: Life) -> Text:
    return say(
        "{name}, {algorithm}, from {start} until {end}: {state}",
        name=life.name, algorithm=life.algorithm, start=day(life.start), end=day(life.end),
        state=life.outcome if life.state is LifeState.REVOKED else life.state.word,
    )  # fmt: skip
