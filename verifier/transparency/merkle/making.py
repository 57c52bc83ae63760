"""Proofs, made from a list of leaf hashes or from a reader of stored nodes (RFC 6962 sections 2.1.1, 2.1.2).

What a proof consists of is worked out as spans of leaves, before anything is read: the hash of each span is
one element of the proof. A span is a complete subtree, or the ragged right edge of the tree, which a few
complete subtrees make up (``span_nodes``); so whoever stores nodes or tiles knows beforehand which to fetch.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from verifier.errors import MalformedInput
from verifier.transparency.merkle.hashing import EMPTY_ROOT, MAX_SIZE, hash_node, root_of

# (level, index) -> the hash of the complete subtree over leaves [index * 2**level, (index + 1) * 2**level)
NodeReader = Callable[[int, int], bytes]


class Span(NamedTuple):
    """The leaves [start, end) of a tree."""

    start: int
    end: int


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The spans whose hashes are the audit path of leaf ``index`` in a tree of ``size`` leaves."""
    _check_size("size", size)
    if not 0 <= index < size:
        raise MalformedInput(f"index: expected 0 to {size - 1} in a tree of {size}, got {index}")
    spans = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(first: int, second: int) -> list[Span]:
    """The spans whose hashes prove that a tree of ``first`` leaves is the beginning of one of ``second``."""
    _check_size("second", second)
    if not 0 < first <= second:
        raise MalformedInput(f"first: expected 1 to the second tree's size {second}, got {first}")
    spans = []
    start, end = 0, second
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    if start:  # otherwise the first tree is a subtree of the second, and its root is known
        spans.append(Span(start, end))
    return spans[::-1]


def span_nodes(span: Span) -> list[tuple[int, int]]:
    """The complete subtrees, as (level, index) from left to right, that ``span`` consists of.

    The span must start where a subtree of its width can start, as those of the proofs do.
    """
    nodes = []
    start, end = span
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def hash_span(node: NodeReader, span: Span) -> bytes:
    """The Merkle tree hash over the leaves of ``span``, from stored nodes."""
    hashes = [node(level, index) for level, index in span_nodes(span)]
    if not hashes:
        return EMPTY_ROOT
    root = hashes.pop()
    while hashes:
        root = hash_node(hashes.pop(), root)
    return root


def root_from(node: NodeReader, size: int) -> bytes:
    """The root of a tree of ``size`` leaves, from stored nodes."""
    _check_size("size", size)
    return hash_span(node, Span(0, size))


def inclusion_proof_from(node: NodeReader, index: int, size: int) -> tuple[bytes, ...]:
    """The audit path of leaf ``index`` in the tree of ``size`` leaves, from stored nodes."""
    return tuple(hash_span(node, span) for span in inclusion_spans(index, size))


def consistency_proof_from(node: NodeReader, first: int, second: int) -> tuple[bytes, ...]:
    """The proof between the trees of ``first`` and ``second`` leaves, from stored nodes."""
    return tuple(hash_span(node, span) for span in consistency_spans(first, second))


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int, size: int | None = None) -> tuple[bytes, ...]:
    """The audit path of leaf ``index`` in the tree over the first ``size`` hashes (all, when None)."""
    size = _within(leaf_hashes, len(leaf_hashes) if size is None else size)
    return tuple(root_of(leaf_hashes[start:end]) for start, end in inclusion_spans(index, size))


def consistency_proof(
    leaf_hashes: Sequence[bytes], first: int, second: int | None = None
) -> tuple[bytes, ...]:
    """The proof between the trees over the first ``first`` and ``second`` hashes (all, when None)."""
    second = _within(leaf_hashes, len(leaf_hashes) if second is None else second)
    return tuple(root_of(leaf_hashes[start:end]) for start, end in consistency_spans(first, second))


def _within(leaf_hashes: Sequence[bytes], size: int) -> int:
    if size > len(leaf_hashes):
        raise MalformedInput(f"size: expected at most the {len(leaf_hashes)} leaves there are, got {size}")
    return size


def _check_size(field: str, size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise MalformedInput(f"{field}: expected 0 to {MAX_SIZE}, got {size}")


def _split(width: int) -> int:
    """The largest power of two smaller than ``width``, which is at least 2."""
    return 1 << (width - 1).bit_length() - 1
