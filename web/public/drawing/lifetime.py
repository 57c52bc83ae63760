"""A certificate's lifetime on a line: from, until, and where now is."""

from datetime import datetime

from web.public.drawing.svg import elapsed, label, percent, shape, wide
from web.public.language import say
from web.public.text import day

_HEIGHT, _BAR, _LINE = 46.0, 8.0, 14.0
_LOW, _HIGH = 12.0, 88.0


def draw_lifetime(not_before: datetime, not_after: datetime, now: datetime) -> str:
    """Return the line as wide as its place; the part already lived is filled."""
    lived = elapsed(now, not_before, not_after)
    place = percent(lived * 100)
    outside = "early" if now < not_before else "late" if now > not_after else ""
    shapes = [
        shape("rect", x="0", y=_LINE, width="100%", height=_BAR, rx=4, class_="whole"),
        shape("rect", x="0", y=_LINE, width=place, height=_BAR, rx=4, class_="lived"),
        label("0", _HEIGHT - 6, day(not_before), "caption"),
        label("100%", _HEIGHT - 6, day(not_after), "caption", text_anchor="end"),
    ]
    if not outside:
        shapes.append(shape("line", x1=place, x2=place, y1=_LINE - 5, y2=_LINE + _BAR + 5, class_="now"))
        if _LOW < lived * 100 < _HIGH:
            shapes.append(label(place, _HEIGHT - 6, say("now"), "caption", text_anchor="middle"))
    description = say(
        "Valid from {start} until {end}; {lived} of it is over.",
        start=day(not_before),
        end=day(not_after),
        lived=f"{lived:.0%}",
    )
    return wide(_HEIGHT, description, shapes, class_=f"lifetime {outside}".rstrip())
