"""Proofs checked: RFC 6962 section 2.1, by the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2.

Sizes are bounded and an index is below its tree's size before anything is hashed, and a proof has exactly
the hashes that its sizes call for: one more, one fewer or one of another length proves nothing.
"""

from collections.abc import Sequence
from hmac import compare_digest

from verifier.errors import InvalidProof
from verifier.transparency import wire
from verifier.transparency.merkle.hashing import EMPTY_ROOT, MAX_SIZE, hash_node


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that ``leaf_hash`` is leaf ``index`` of the tree of ``size`` leaves with this ``root``.

    Raises ``InvalidProof``. The root must come from a verified tree head: that is the caller's to check.
    """
    _check_hash("root", root)
    if not compare_digest(root_from_inclusion(leaf_hash, index, size, proof), root):
        raise InvalidProof(f"inclusion proof: does not lead from leaf {index} to the root of size {size}")


def root_from_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that an audit path leads to; ``InvalidProof`` where its form is wrong.

    Below the point where the path joins the tree's right edge each bit of the index says on which side the
    sibling is; from there on the siblings are all on the left, one for each one bit that is left.
    """
    _check_size("size", size)
    if not 0 <= index < size:
        raise InvalidProof(f"inclusion proof.index: expected less than the tree's size {size}, got {index}")
    inner = (index ^ size - 1).bit_length()
    _check_proof("inclusion proof", proof, inner + (index >> inner).bit_count())
    _check_hash("leaf hash", leaf_hash)
    node = leaf_hash
    for level, sibling in enumerate(proof):
        sibling_is_left = level >= inner or index >> level & 1
        node = hash_node(sibling, node) if sibling_is_left else hash_node(node, sibling)
    return node


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree of ``first`` leaves is the beginning of the tree of ``second`` leaves.

    Raises ``InvalidProof``. The empty tree is the beginning of every tree, and equal sizes have equal roots:
    neither takes a proof.
    """
    _check_size("second size", second)
    if not 0 <= first <= second:
        raise InvalidProof(f"consistency proof.first size: expected 0 to {second}, got {first}")
    _check_hash("first root", first_root)
    _check_hash("second root", second_root)
    if first in {0, second}:
        _check_proof("consistency proof", proof, 0)
        _check_root("first", first_root, second_root if first else EMPTY_ROOT)
        if second == 0:
            _check_root("second", second_root, EMPTY_ROOT)
        return
    old, new = _roots_from_consistency(first, second, first_root, proof)
    _check_root("first", first_root, old)
    _check_root("second", second_root, new)


def _roots_from_consistency(
    first: int, second: int, first_root: bytes, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """The roots of both trees that a proof leads to, for 0 < first < second.

    The proof starts at the largest complete subtree that ends where the first tree ends, ``start`` levels up:
    with its hash, or, where that subtree is the whole first tree, without it, as its root is known.
    """
    start = (first & -first).bit_length() - 1
    inner = (first - 1 ^ second - 1).bit_length() - start
    edge = first - 1 >> start
    seeded = first == 1 << start
    _check_proof("consistency proof", proof, inner + (edge >> inner).bit_count() + (not seeded))
    old = new = first_root if seeded else proof[0]
    for level, sibling in enumerate(proof if seeded else proof[1:]):
        if level >= inner or edge >> level & 1:
            old = hash_node(sibling, old)
            new = hash_node(sibling, new)
        else:
            new = hash_node(new, sibling)
    return old, new


def _check_size(field: str, size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise InvalidProof(f"{field}: expected 0 to {MAX_SIZE} leaves, got {size}")


def _check_hash(field: str, value: bytes) -> None:
    if len(value) != wire.HASH_SIZE:
        raise InvalidProof(f"{field}: expected {wire.HASH_SIZE} bytes, got {len(value)}")


def _check_proof(field: str, proof: Sequence[bytes], expected: int) -> None:
    if len(proof) != expected:
        raise InvalidProof(f"{field}: expected {expected} hashes for these sizes, got {len(proof)}")
    for position, node in enumerate(proof):
        _check_hash(f"{field}[{position}]", node)


def _check_root(which: str, root: bytes, led_to: bytes) -> None:
    if not compare_digest(root, led_to):
        raise InvalidProof(f"consistency proof: does not lead to the {which} tree's root")
