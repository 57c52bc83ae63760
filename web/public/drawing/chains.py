"""The certificate chains of a dual pair side by side: each leaf below, its root above."""

from dataclasses import dataclass
from itertools import pairwise
from xml.etree.ElementTree import Element

from web.public.drawing.svg import label, picture, shape, titled
from web.public.language import join, say
from web.public.text import plural, shorten, visible

_BOX_WIDTH, _BOX_HEIGHT, _ROW, _GAP, _HEADING = 204.0, 78.0, 104.0, 28.0, 30.0
_NAME_LENGTH, _NOTE_LENGTH, _LINES = 20, 30, 2


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One certificate as drawn."""

    name: str
    note: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain, leaf first; ``current`` marks the one whose page this is."""

    heading: str
    links: tuple[ChainLink, ...]
    kind: str = ""
    current: bool = False


def draw_chains(chains: tuple[Chain, ...]) -> str:
    """Return one or two chains; of a pair, the leaves are joined by a line (RFC 9763)."""
    rows = max((len(chain.links) for chain in chains), default=0)
    width = len(chains) * (_BOX_WIDTH + _GAP) - _GAP + 4
    height = _HEADING + rows * _ROW - (_ROW - _BOX_HEIGHT) + 4
    shapes: list[Element] = []
    for column, chain in enumerate(chains):
        shapes += _column(chain, 2 + column * (_BOX_WIDTH + _GAP), height - 2)
    if len(chains) > 1:
        shapes += _pair_line(height - 2 - _BOX_HEIGHT / 2)
    return picture((width, height), _describe(chains), shapes, class_=f"chains of-{len(chains)}", links=True)


def _describe(chains: tuple[Chain, ...]) -> str:
    described = [
        say(
            "{heading}: {certificates}, from {leaf} up to {root}",
            heading=chain.heading,
            certificates=plural(len(chain.links), "certificate"),
            leaf=chain.links[0].name,
            root=chain.links[-1].name,
        )
        for chain in chains
        if chain.links
    ]
    return join("; ", described)


def _column(chain: Chain, x: float, bottom: float) -> list[Element]:
    tops = [bottom - _BOX_HEIGHT - row * _ROW for row in range(len(chain.links))]
    centre = x + _BOX_WIDTH / 2
    shapes = [
        shape("path", d=f"M{centre:.1f} {below:.1f}V{above + _BOX_HEIGHT:.1f}", class_="edge")
        for below, above in pairwise(tops)
    ]
    if tops:
        shapes.append(label(x, tops[-1] - 12, chain.heading, "heading"))
    leaf_class = "node leaf current" if chain.current else "node leaf"
    for row, (link, top) in enumerate(zip(chain.links, tops, strict=True)):
        shapes.append(_box(link, x, top, f"{leaf_class if row == 0 else 'node'} {chain.kind}".rstrip()))
    return shapes


def _box(link: ChainLink, x: float, top: float, class_: str) -> Element:
    lines = _wrapped(link.name)
    first = top + (25 if len(lines) == _LINES else 34)
    return titled(
        say("{name}: {note}", name=link.name, note=link.note),
        shape("rect", x=x, y=top, width=_BOX_WIDTH, height=_BOX_HEIGHT, rx=8),
        *(label(x + 12, first + 18 * row, line, "name") for row, line in enumerate(lines)),
        label(x + 12, first + 18 * len(lines) + 1, shorten(link.note, _NOTE_LENGTH), "caption"),
        href=link.href,
        class_=class_,
    )


def _wrapped(name: str) -> list[str]:
    """Return the name on at most two lines, broken at a space or a dot where there is one."""
    name = visible(name)
    if len(name) <= _NAME_LENGTH:
        return [name]
    breaks = [at for at in range(1, _NAME_LENGTH + 1) if name[at] == " " or name[at - 1] == "."]
    at = breaks[-1] if breaks else _NAME_LENGTH
    return [name[:at], shorten(name[at:].strip(), _NAME_LENGTH)]


def _pair_line(y: float) -> list[Element]:
    left, right = 2 + _BOX_WIDTH, 2 + _BOX_WIDTH + _GAP
    return [
        titled(
            say("Related certificates (RFC 9763): the ECC certificate carries the hash of the SM2 one"),
            shape("path", d=f"M{left:.1f} {y:.1f}H{right:.1f}", class_="edge pair"),
        )
    ]
