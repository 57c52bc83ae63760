"""Another history of a tree, from the log's own words: a path also holds all that is left of its entry."""

from collections.abc import Sequence
from contextlib import suppress

from monitor.errors import SourceError
from monitor.follower.source import Located, LogSource
from monitor.store.tree import TreeReader
from verifier.errors import InvalidProof
from verifier.transparency.merkle import (
    EMPTY_ROOT,
    consistency_proof_from,
    hash_node,
    root_from,
    verify_consistency,
    verify_inclusion,
)

type History = tuple[bytes, tuple[bytes, ...]]
"""The root that a larger tree has at a smaller size, and the consistency proof that leads from there."""


def from_entries(tree: TreeReader, first: int, second: int) -> History:
    """The history that our copy of the entries has; 0 <= first <= second <= what is stored."""
    if first in {0, second}:
        return (root_from(tree.node, first) if first else EMPTY_ROOT), ()
    return root_from(tree.node, first), tuple(consistency_proof_from(tree.node, first, second))


def from_log(source: LogSource, leaf: bytes | None, first: int, second: int, root: bytes) -> History | None:
    """The history that the log itself gives for its tree of ``second`` entries; None where it gives none.

    The path of entry ``first - 1`` is asked for, by its place or by our own ``leaf``: above the subtree that
    ends there it is the consistency proof of RFC 6962 section 2.1.2.
    """
    for located in _paths(source, leaf, first, second):
        try:
            verify_inclusion(located.leaf_hash, first - 1, second, located.path, root)
            history = _history(located.leaf_hash, first, second, located.path)
            verify_consistency(first, second, history[0], root, history[1])
        except InvalidProof:
            continue
        return history
    return None


def _paths(source: LogSource, leaf: bytes | None, first: int, second: int) -> Sequence[Located]:
    found: list[Located] = []
    with suppress(SourceError):
        found.append(source.at(first - 1, second))
    with suppress(SourceError):
        if leaf is not None and (located := source.find(leaf, first - 1, second)) is not None:
            found.append(located)
    return found


def _history(leaf: bytes, first: int, second: int, path: tuple[bytes, ...]) -> History:
    """The siblings on the left of the last entry of a tree are all that the tree consists of beside it."""
    start = (first & -first).bit_length() - 1
    node = leaf
    for sibling in path[:start]:
        node = hash_node(sibling, node)
    above = path[start:]
    if first == 1 << start:
        return node, above
    root, edge = node, first - 1 >> start
    inner = (first - 1 ^ second - 1).bit_length() - start
    for level, sibling in enumerate(above):
        if level >= inner or edge >> level & 1:
            root = hash_node(sibling, root)
    return root, (node, *above)
