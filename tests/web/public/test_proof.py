"""Walking an inclusion proof again, node by node, against trees built leaf by leaf."""

import hashlib

import pytest

from verifier.transparency.merkle import hash_leaf, inclusion_proof, root_of
from web.public.models.proof import walk

LEAVES = [hash_leaf(number.to_bytes(4)) for number in range(70)]


def subtree(first: int, last: int) -> bytes:
    """The hash of entries ``first`` to ``last`` by the definition in RFC 6962 section 2.1."""
    count = last - first + 1
    if count == 1:
        return LEAVES[first]
    split = 1
    while split * 2 < count:
        split *= 2
    left, right = subtree(first, first + split - 1), subtree(first + split, last)
    return hashlib.sha256(b"\x01" + left + right).digest()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 31, 32, 33, 70])
def test_every_path_ends_in_the_root_and_every_node_covers_what_it_says(size: int) -> None:
    root = root_of(LEAVES[:size])
    for index in range(size):
        path = walk(index, size, LEAVES[index], inclusion_proof(LEAVES[:size], index), root)
        assert path.agrees
        for node in path.nodes:
            assert node.computed == subtree(node.first, node.last)
            assert node.sibling == subtree(node.sibling_first, node.sibling_last)


@pytest.mark.parametrize("size", [2, 7, 33])
def test_nothing_else_agrees(size: int) -> None:
    root, proof = root_of(LEAVES[:size]), list(inclusion_proof(LEAVES[:size], 1))
    leaf = LEAVES[1]
    wrong = [
        walk(1, size, leaf, proof, bytes(32)),
        walk(1, size, LEAVES[0], proof, root),
        walk(0, size, leaf, proof, root),
        walk(1, size, leaf, proof[:-1], root),
        walk(1, size, leaf, [*proof, bytes(32)], root),
        walk(size, size, leaf, proof, root),
        walk(1 + size, size, leaf, proof, root),
        walk(-1, size, leaf, proof, root),
    ]
    wrong += [
        walk(1, size, leaf, [*proof[:at], bytes(32), *proof[at + 1 :]], root) for at in range(len(proof))
    ]
    assert not any(path.agrees for path in wrong)
