"""The little that all drawings share: elements whose text and attributes cannot break out.

ElementTree escapes; :func:`~web.public.text.visible` first takes out what XML 1.0 does not allow.
"""

from collections.abc import Iterable
from datetime import datetime
from xml.etree.ElementTree import Element, tostring

from web.public.language import shown
from web.public.text import visible

NAMESPACE = "http://www.w3.org/2000/svg"


def shape(tag: str, *children: Element, text: str = "", **attributes: str | float | None) -> Element:
    """Make one element; ``class_`` and ``text_anchor`` become ``class`` and ``text-anchor``."""
    element = Element(
        tag, {_name(key): _value(value) for key, value in attributes.items() if value is not None}
    )
    if text:
        element.text = shown(visible(text))
    element.extend(children)
    return element


def label(x: float | str, y: float, text: str, class_: str, **attributes: str | float | None) -> Element:
    """Make one line of text."""
    return shape("text", x=x, y=y, text=text, class_=class_, **attributes)


def titled(title: str, *children: Element, href: str | None = None, class_: str | None = None) -> Element:
    """Group ``children`` under a title that the pointer shows; a link when ``href`` is given."""
    return shape("a" if href else "g", shape("title", text=title), *children, href=href, class_=class_)


def picture(
    size: tuple[float, float],
    description: str,
    children: Iterable[Element],
    *,
    class_: str,
    links: bool = False,
) -> str:
    """Return the whole picture, ``size`` in CSS pixels at its natural scale.

    ``description`` is what somebody who cannot see it is told. With ``links`` the picture stays open to
    assistive software, so that its links can be reached.
    """
    width, height = size
    root = shape(
        "svg",
        *children,
        xmlns=NAMESPACE,
        viewBox=f"0 0 {_value(width)} {_value(height)}",
        width=width,
        height=height,
        class_=f"drawing {class_}",
        role="group" if links else "img",
        aria_label=description,
    )
    return serialise(root)


def wide(
    height: float, description: str, children: Iterable[Element], *, class_: str, links: bool = False
) -> str:
    """Return a picture as wide as its place: what it shows stands in per cent, words keep their size."""
    root = shape(
        "svg",
        *children,
        xmlns=NAMESPACE,
        width="100%",
        height=height,
        class_=f"drawing {class_}",
        role="group" if links else "img",
        aria_label=description,
    )
    return serialise(root)


def elapsed(moment: datetime, start: datetime, end: datetime) -> float:
    """Return where a moment lies between two others, 0 to 1, and at the edge what lies outside."""
    length = max((end - start).total_seconds(), 1.0)
    return min(max((moment - start).total_seconds() / length, 0.0), 1.0)


def percent(place: float) -> str:
    """Return a place of a wide picture, 0 to 100, as an attribute."""
    return f"{place:.2f}%"


def serialise(root: Element) -> str:
    """Return the element as text that is both XML and HTML's foreign content."""
    return tostring(root, encoding="unicode")


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: str | float | None) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else visible(str(shown(value)))
