"""The tree of issuing CAs below one root, as an indented outline that stays legible on a phone."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from web.public.drawing.svg import label, picture, shape, titled
from web.public.language import say
from web.public.text import plural, shorten

_WIDTH, _INDENT, _BOX_HEIGHT, _ROW = 400.0, 32.0, 58.0, 74.0
_NAME_LENGTH, _NOTE_LENGTH = 40, 48


@dataclass(frozen=True, slots=True)
class Issuer:
    """One CA as drawn: its name, a short line below it, where it is described, and what it issued."""

    name: str
    note: str
    href: str
    kind: str = ""  # "sm2" or "ecc": the class that the stylesheet marks it by
    children: tuple["Issuer", ...] = ()


def draw_hierarchy(root: Issuer) -> str:
    """Return the tree below ``root`` as a picture in which each CA is a link."""
    rows = _flatten(root, 0)
    shapes: list[Element] = [
        shape("path", d=_elbow(rows, row), class_="edge") for row in range(1, len(rows))
    ]  # drawn first, so that boxes lie over the ends of the lines
    shapes += [_box(issuer, depth, row) for row, (issuer, depth) in enumerate(rows)]
    below = plural(len(rows) - 1, "CA")
    description = say("{root} and {below} below it.", root=root.name, below=below)
    return picture((_WIDTH, len(rows) * _ROW - 12), description, shapes, class_="hierarchy", links=True)


def _flatten(issuer: Issuer, depth: int) -> list[tuple[Issuer, int]]:
    rows = [(issuer, depth)]
    for child in issuer.children:
        rows += _flatten(child, depth + 1)
    return rows


def _elbow(rows: list[tuple[Issuer, int]], row: int) -> str:
    depth = rows[row][1]
    parent = max(above for above in range(row) if rows[above][1] == depth - 1)
    x = (depth - 1) * _INDENT + _INDENT / 2
    y = row * _ROW + _BOX_HEIGHT / 2 + 1
    return f"M{x:.1f} {parent * _ROW + _BOX_HEIGHT:.1f}V{y:.1f}H{depth * _INDENT + 1:.1f}"


def _box(issuer: Issuer, depth: int, row: int) -> Element:
    x, top = depth * _INDENT + 1, row * _ROW + 1
    return titled(
        say("{name}: {note}", name=issuer.name, note=issuer.note),
        shape("rect", x=x, y=top, width=_WIDTH - x - 1, height=_BOX_HEIGHT, rx=8),
        label(x + 16, top + 25, shorten(issuer.name, _NAME_LENGTH - 4 * depth), "name"),
        label(x + 16, top + 44, shorten(issuer.note, _NOTE_LENGTH - 4 * depth), "caption"),
        href=issuer.href,
        class_=f"node {issuer.kind}".rstrip(),
    )
