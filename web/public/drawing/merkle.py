"""The way from a leaf to the root of the Merkle tree (RFC 6962 section 2.1.1), each node recomputed."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from web.public.drawing.svg import label, picture, shape, titled
from web.public.text import plural

_WIDTH, _BOX_WIDTH, _BOX_HEIGHT, _ROW = 456.0, 132.0, 46.0, 82.0
_CENTRE = _WIDTH / 2
_SIDE = {"left": _BOX_WIDTH / 2 + 2, "right": _WIDTH - _BOX_WIDTH / 2 - 2}
_EDGE = 2.0


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
    rows = len(path.nodes)
    height = rows * _ROW + _BOX_HEIGHT + 2 * _EDGE
    tops = [height - _EDGE - _BOX_HEIGHT - row * _ROW for row in range(rows + 1)]
    shapes: list[Element] = []
    for row, node in enumerate(path.nodes):
        shapes += _edges(node.side, tops[row], tops[row + 1])
    shapes.append(_path_box(tops[0], path.leaf_hash, _covers(path.leaf_index, path.leaf_index), "leaf"))
    for row, node in enumerate(path.nodes):
        is_root = row == rows - 1
        shapes.append(_sibling_box(tops[row], node))
        shapes.append(
            _path_box(tops[row + 1], node.computed, _root_or(node, root=is_root), _kind(path, root=is_root))
        )
    return picture((_WIDTH, height), _describe(path), shapes, class_="proof")


def _describe(path: ProofPath) -> str:
    end = "the signed root" if path.agrees else "a root that differs from the signed one"
    tree = plural(path.tree_size, "entry", "entries")
    steps = plural(len(path.nodes), "step")
    return f"Path from leaf {path.leaf_index} to the root of the tree of {tree}: {steps}, ending in {end}."


def _kind(path: ProofPath, *, root: bool) -> str:
    if not root:
        return "computed"
    return "root" if path.agrees else "root wrong"


def _root_or(node: ProofNode, *, root: bool) -> str:
    return f"root of {node.last + 1:,}" if root else _covers(node.first, node.last)


def _covers(first: int, last: int) -> str:
    return f"entry {first:,}" if first == last else f"{first:,} – {last:,}"


def _edges(side: str, top: float, parent_top: float) -> list[Element]:
    middle = (top + parent_top + _BOX_HEIGHT) / 2
    return [
        shape("path", d=f"M{_SIDE[side]:.1f} {top:.1f}V{middle:.1f}H{_CENTRE:.1f}", class_="edge given"),
        shape("path", d=f"M{_CENTRE:.1f} {top:.1f}V{parent_top + _BOX_HEIGHT:.1f}", class_="edge"),
    ]


def _path_box(top: float, value: bytes, caption: str, kind: str) -> Element:
    return _box(_CENTRE, top, value, caption, f"node {kind}")


def _sibling_box(top: float, node: ProofNode) -> Element:
    caption = _covers(node.sibling_first, node.sibling_last)
    return _box(_SIDE[node.side], top, node.sibling, caption, "node given")


def _box(x: float, top: float, value: bytes, caption: str, class_: str) -> Element:
    text = value.hex()
    return titled(
        text,
        shape("rect", x=x - _BOX_WIDTH / 2, y=top, width=_BOX_WIDTH, height=_BOX_HEIGHT, rx=8),
        label(x, top + 19, f"{text[:6]}…{text[-6:]}", "hash", text_anchor="middle"),
        label(x, top + 36, caption, "caption", text_anchor="middle"),
        class_=class_,
    )
