"""Tree heads over time, a lane for each who was shown them, with what stands between a head and the next.

As wide as its place: marks stand in per cent of the time from the first head until now and keep their size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from xml.etree.ElementTree import Element

from web.public.drawing.svg import elapsed, label, percent, shape, titled, wide
from web.public.drawing.symbols import state_shapes
from web.public.language import Text, say
from web.public.state import State, worst
from web.public.text import moment

_LANE, _CAPTION, _LINE, _AXIS = 46.0, 13.0, 30.0, 22.0
_SYMBOL = 16.0
_SHOWN = 24
"""Marks on a lane: so many stand apart on a telephone too."""


@dataclass(frozen=True, slots=True)
class HeadMark:
    """One head: when it was signed, what is known of it, and what the pointer is told."""

    time: datetime
    state: State
    title: Text


@dataclass(frozen=True, slots=True)
class HeadLane:
    """The heads that one observer was shown, oldest first; ``links`` tell of each and the next."""

    name: Text
    note: Text
    marks: tuple[HeadMark, ...]
    links: tuple[State, ...] = ()


def draw_lanes(lanes: Sequence[HeadLane], start: datetime, now: datetime) -> str:
    """Return the lanes from ``start`` until ``now``, one below the other."""
    height = len(lanes) * _LANE + _AXIS
    shapes = [part for number, lane in enumerate(lanes) for part in _lane(lane, number * _LANE, start, now)]
    shapes += [
        label("0", height - 4, moment(start), "caption"),
        label("100%", height - 4, say("now"), "caption", text_anchor="end"),
    ]
    description = say(
        "Tree heads over time: {lanes}.",
        lanes=_listed([say("{name}, {note}", name=lane.name, note=lane.note) for lane in lanes]),
    )
    return wide(height, description, shapes, class_="lanes")


def _listed(parts: Sequence[Text]) -> Text:
    return Text("; ".join(parts), "；".join(part.chinese for part in parts))


def _lane(lane: HeadLane, top: float, start: datetime, now: datetime) -> list[Element]:
    places = [elapsed(mark.time, start, now) for mark in lane.marks]
    shown = _chosen(lane, places)
    y = top + _LINE
    return [
        label("0", top + _CAPTION, lane.name, "caption name"),
        label("100%", top + _CAPTION, lane.note, "caption", text_anchor="end"),
        shape("line", x1="0", x2="100%", y1=y, y2=y, class_="grid"),
        *(part for one, other in pairwise(shown) for part in _link(lane, one, other, places, y)),
        *(_mark(lane.marks[number], places[number], y) for number in shown),
    ]


def _chosen(lane: HeadLane, places: Sequence[float]) -> list[int]:
    """Return which heads get a mark: both ends, what is not trusted, and the last in each span of time."""
    spans = {int(place * _SHOWN): number for number, place in enumerate(places)}
    odd = [number for number, mark in enumerate(lane.marks) if mark.state is not State.TRUSTED]
    odd += [
        end
        for number, link in enumerate(lane.links)
        if link is not State.TRUSTED
        for end in (number, number + 1)
    ]
    return sorted({0, len(places) - 1, *spans.values(), *odd[-_SHOWN:]})


def _link(lane: HeadLane, one: int, other: int, places: Sequence[float], y: float) -> list[Element]:
    """Draw what stands between two marks: the worst of all that stands between their heads."""
    between = lane.links[one:other]
    if not between:
        return []
    state = worst(between)
    x1, x2 = places[one] * 100, places[other] * 100
    line = shape("line", x1=percent(x1), x2=percent(x2), y1=y, y2=y, class_=f"link is-{state.value}")
    if state is not State.REFUSED:
        return [line]
    return [line, _placed(State.REFUSED, (x1 + x2) / 2, y)]


def _mark(mark: HeadMark, place: float, y: float) -> Element:
    return titled(mark.title, _placed(mark.state, place * 100, y))


def _placed(state: State, place: float, y: float) -> Element:
    """Return a state's symbol with its middle at that place; it does not stretch."""
    return shape(
        "svg",
        shape(
            "g",
            shape("circle", cx=8, cy=8, r=9, class_="under"),
            *state_shapes(state),
            transform=f"translate({-_SYMBOL / 2:g} {-_SYMBOL / 2:g})",
        ),
        x=percent(place),
        y=y,
        overflow="visible",
        class_=f"symbol is-{state.value}",
    )
