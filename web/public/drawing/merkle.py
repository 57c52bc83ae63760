"""The way from a leaf to the root of the Merkle tree (RFC 6962 section 2.1.1), each node recomputed."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from web.public.drawing.svg import label, picture, shape, titled
from web.public.language import Text, say
from web.public.text import plural

_BOX_WIDTH, _BOX_HEIGHT, _ROW, _COLUMN = 132.0, 46.0, 82.0, 160.0
_EDGE = 2.0


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where siblings to the left, the path, and siblings to the right stand; unused columns take no room."""

    path: float
    left: float
    right: float
    width: float

    @classmethod
    def of(cls, nodes: tuple["ProofNode", ...]) -> "_Columns":
        sides = {node.side for node in nodes}
        first = _BOX_WIDTH / 2 + _EDGE
        path = first + (_COLUMN if "left" in sides else 0)
        last = path + (_COLUMN if "right" in sides else 0)
        return cls(path, first, last, last + first)

    def sibling(self, side: str) -> float:
        return self.left if side == "left" else self.right


@dataclass(frozen=True, slots=True)
class ProofNode:
    """One step up: the sibling that the log gave, and the node that follows from both.

    ``first`` and ``last`` are the entries that each covers.
    """

    side: str
    sibling: bytes
    sibling_first: int
    sibling_last: int
    computed: bytes
    first: int
    last: int
    level: int


@dataclass(frozen=True, slots=True)
class ProofPath:
    """A whole inclusion proof, recomputed; ``agrees`` when the last node is the signed root."""

    leaf_index: int
    leaf_hash: bytes
    tree_size: int
    root_hash: bytes
    nodes: tuple[ProofNode, ...]
    agrees: bool


def draw_proof(path: ProofPath) -> str:
    """Return the path as a picture: the leaf below, the signed root above, the log's siblings beside it."""
    columns = _Columns.of(path.nodes)
    rows = len(path.nodes)
    height = rows * _ROW + _BOX_HEIGHT + 2 * _EDGE
    tops = [height - _EDGE - _BOX_HEIGHT - row * _ROW for row in range(rows + 1)]
    shapes: list[Element] = []
    for row, node in enumerate(path.nodes):
        shapes += _edges(columns, node.side, tops[row], tops[row + 1])
    leaf = "leaf" if rows else _end(path)
    shapes.append(
        _box(columns.path, tops[0], path.leaf_hash, _covers(path.leaf_index, path.leaf_index), leaf)
    )
    for row, node in enumerate(path.nodes):
        last = row == rows - 1
        beside = _covers(node.sibling_first, node.sibling_last)
        caption = say("root of {size}", size=f"{node.last + 1:,}") if last else _covers(node.first, node.last)
        kind = _end(path) if last else "computed"
        shapes.append(_box(columns.sibling(node.side), tops[row], node.sibling, beside, "given"))
        shapes.append(_box(columns.path, tops[row + 1], node.computed, caption, kind))
    return picture((columns.width, height), _describe(path), shapes, class_="proof")


def _describe(path: ProofPath) -> Text:
    return say(
        "Path from leaf {leaf} to the root of the tree of {tree}: {steps}, ending in {end}.",
        leaf=path.leaf_index, tree=plural(path.tree_size, "entry", "entries"),
        steps=plural(len(path.nodes), "step"),
        end=say("the signed root") if path.agrees else say("a root that differs from the signed one"),
    )  # fmt: skip


def _end(path: ProofPath) -> str:
    return "root" if path.agrees else "root wrong"


def _covers(first: int, last: int) -> Text | str:
    return say("entry {index}", index=f"{first:,}") if first == last else f"{first:,} – {last:,}"


def _edges(columns: _Columns, side: str, top: float, parent_top: float) -> list[Element]:
    middle = (top + parent_top + _BOX_HEIGHT) / 2
    beside, centre = columns.sibling(side), columns.path
    return [
        shape("path", d=f"M{beside:.1f} {top:.1f}V{middle:.1f}H{centre:.1f}", class_="edge given"),
        shape("path", d=f"M{centre:.1f} {top:.1f}V{parent_top + _BOX_HEIGHT:.1f}", class_="edge"),
    ]


def _box(x: float, top: float, value: bytes, caption: str, kind: str) -> Element:
    text = value.hex()
    return titled(
        text,
        shape("rect", x=x - _BOX_WIDTH / 2, y=top, width=_BOX_WIDTH, height=_BOX_HEIGHT, rx=8),
        label(x, top + 19, f"{text[:6]}…{text[-6:]}", "hash", text_anchor="middle"),
        label(x, top + 36, caption, "caption", text_anchor="middle"),
        class_=f"node {kind}",
    )
