"""A log's growth: the tree size of each head over time.

The picture is as wide as its place: lines are drawn in a nested coordinate system that stretches, dots
and words are placed in per cent and keep their size.
"""

from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element

from web.public.drawing.svg import label, percent, shape, titled, wide
from web.public.language import say
from web.public.state import State
from web.public.text import ago, moment, plural

_TOP, _PLOT, _AXIS = 26.0, 150.0, 26.0
_SPAN = 1000.0
_SPARK_HEIGHT = 40.0
_MAX_DOTS = 60


@dataclass(frozen=True, slots=True)
class Point:
    """One tree head: when, how large, and whether its root was rebuilt from the entries."""

    time: datetime
    size: int
    state: State


def draw_timeline(points: tuple[Point, ...], now: datetime, start: datetime | None = None) -> str:
    """Return the growth of ``points``, oldest first, from ``start`` or the first of them until ``now``."""
    start = start or points[0].time
    places = _places(points, now, start)
    height = _TOP + _PLOT + _AXIS
    largest = max(point.size for point in points)
    shapes = [
        shape("line", x1="0", x2="100%", y1=_TOP, y2=_TOP, class_="grid"),
        shape("line", x1="0", x2="100%", y1=_TOP + _PLOT, y2=_TOP + _PLOT, class_="grid axis"),
        label("0", _TOP - 9, plural(largest, "entry", "entries"), "caption"),
        _stretched(places, top=_TOP, height=_PLOT),
        *_dots(points, places),
        label("0", height - 6, moment(start), "caption"),
        label("100%", height - 6, say("now"), "caption", text_anchor="end"),
    ]
    shapes.append(label("0", _TOP + _PLOT - 8, f"{_floor(points):,}", "caption"))
    description = say(
        "Growth from {first} {ago} to {largest} now, with {heads}.",
        first=plural(points[0].size, "entry", "entries"), ago=ago(points[0].time, now),
        largest=f"{largest:,}", heads=plural(len(points), "tree head"),
    )  # fmt: skip
    return wide(height, description, shapes, class_="timeline")


def draw_growth(points: tuple[Point, ...], now: datetime) -> str:
    """Return the same growth as a small line without words, for a card."""
    places = _places(points, now, points[0].time)
    description = say("Growth to {entries}.", entries=plural(points[-1].size, "entry", "entries"))
    line = _stretched(places, top=3.0, height=_SPARK_HEIGHT - 6)
    return wide(_SPARK_HEIGHT, description, [line], class_="growth")


def _places(points: tuple[Point, ...], now: datetime, start: datetime) -> list[tuple[float, float]]:
    """Return each point as fractions: 0 to 1 in time, 0 (floor) to 1 (largest) in size."""
    length = max((max(now, points[-1].time) - start).total_seconds(), 1.0)
    floor = _floor(points)
    rise = max(max(point.size for point in points) - floor, 1)
    return [((point.time - start).total_seconds() / length, (point.size - floor) / rise) for point in points]


def _floor(points: tuple[Point, ...]) -> int:
    """Return where the picture's size axis starts: at the smallest size, or at nothing without growth."""
    sizes = {point.size for point in points}
    return min(sizes) if len(sizes) > 1 else 0


def _stretched(places: list[tuple[float, float]], *, top: float, height: float) -> Element:
    steps = f"M{places[0][0] * _SPAN:.1f} {_down(places[0][1], height):.1f}"
    for x, y in places[1:]:
        steps += f"H{x * _SPAN:.1f}V{_down(y, height):.1f}"
    steps += f"H{_SPAN:.0f}"
    area = f"{steps}V{height:.1f}H{places[0][0] * _SPAN:.1f}Z"
    return shape(
        "svg",
        shape("path", d=area, class_="area"),
        shape("path", d=steps, class_="line", vector_effect="non-scaling-stroke"),
        x="0",
        y=top,
        width="100%",
        height=height,
        viewBox=f"0 0 {_SPAN:.0f} {height:.1f}",
        preserveAspectRatio="none",
        overflow="visible",
    )


def _down(fraction: float, height: float) -> float:
    return (1 - fraction) * height


def _dots(points: tuple[Point, ...], places: list[tuple[float, float]]) -> list[Element]:
    return [
        titled(
            say(
                "{entries}, {when}: {state}",
                entries=plural(points[number].size, "entry", "entries"),
                when=moment(points[number].time),
                state=points[number].state.word,
            ),
            shape(
                "circle", cx=percent(places[number][0] * 100), cy=_TOP + _down(places[number][1], _PLOT), r=4
            ),
            class_=f"dot is-{points[number].state.value}",
        )
        for number in _shown(points)
    ]


def _shown(points: tuple[Point, ...]) -> list[int]:
    """Return which heads get a dot: the first, the last, and where size or state changed, not too many."""
    last = len(points) - 1
    changed = [
        number
        for number in range(1, last)
        if (points[number].size, points[number].state) != (points[number - 1].size, points[number - 1].state)
    ]
    every = max(1, -(-len(changed) // _MAX_DOTS))
    return sorted({0, last, *changed[::every]})
