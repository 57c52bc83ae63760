"""The last audits of a log as a row of bars, newest on the right: many quiet ones, and those that are not.

A trusted one is a short filled bar, a refused one tall with a cross above, one without a result an outline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element

from web.public.drawing.svg import label, percent, shape, titled, wide
from web.public.language import Text, say
from web.public.state import State
from web.public.text import moment

SLOTS = 60
_HEIGHT, _TALL, _SHORT, _BASE, _CAPTION = 54.0, 24.0, 14.0, 34.0, 50.0
_HALF = 0.45
"""From here on the first time stands before the bars: below them there would be no room for it."""
_GAP = 0.28
"""Of a slot's width."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One audit."""

    state: State
    title: Text


def draw_strip(bars: Sequence[Bar], first: datetime, description: Text) -> str:
    """Return ``bars`` (oldest first, at most ``SLOTS``, not empty); ``first`` is when the oldest was made."""
    offset = SLOTS - len(bars)
    shapes = [_bar(bar, number) for number, bar in enumerate(bars, offset)]
    start = percent(offset / SLOTS * 100)
    anchor = "end" if offset > SLOTS * _HALF else "start"
    shapes += [
        shape("line", x1=start, x2="100%", y1=_BASE + 2, y2=_BASE + 2, class_="grid"),
        label(start, _CAPTION, moment(first), "caption", text_anchor=anchor),
        label("100%", _CAPTION, say("now"), "caption", text_anchor="end"),
    ]
    return wide(_HEIGHT, description, shapes, class_="strip")


def _bar(bar: Bar, slot: int) -> Element:
    high = _TALL if bar.state is State.REFUSED else _SHORT
    left, width = (slot + _GAP / 2) / SLOTS * 100, (1 - _GAP) / SLOTS * 100
    block = shape(
        "rect",
        x=f"{left:.3f}%",
        y=_BASE - high,
        width=f"{width:.3f}%",
        height=high,
        rx=1.5,
    )
    parts = [block]
    if bar.state is State.REFUSED:
        middle = f"{left + width / 2:.3f}%"
        cross = shape("path", d="M-3 -3 3 3M3 -3-3 3", class_="cross")
        parts.append(shape("svg", cross, x=middle, y=_BASE - high - 6, overflow="visible"))
    return titled(bar.title, *parts, class_=f"bar is-{bar.state.value}")
