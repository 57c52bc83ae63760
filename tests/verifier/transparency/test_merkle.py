"""The Merkle tree against a second implementation, naive, of RFC 6962 section 2.1's recursive definitions."""

from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.errors import InvalidProof, MalformedInput
from verifier.transparency import merkle

UP_TO = 300
LEAVES = [sha256(b"\x00leaf %d" % number).digest() for number in range(1100)]


# --- the definitions, over the leaves [start, end); D[n] of the RFC is [0, n) ----------------------


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


@cache
def mth(start: int, end: int) -> bytes:
    """Section 2.1: MTH(D[n])."""
    n = end - start
    if n == 0:
        return sha256(b"").digest()
    if n == 1:
        return LEAVES[start]
    k = split(n)
    return sha256(b"\x01" + mth(start, start + k) + mth(start + k, end)).digest()


def path(m: int, start: int, end: int) -> tuple[bytes, ...]:
    """Section 2.1.1: PATH(m, D[n])."""
    n = end - start
    if n == 1:
        return ()
    k = split(n)
    if m < k:
        return (*path(m, start, start + k), mth(start + k, end))
    return (*path(m - k, start + k, end), mth(start, start + k))


def subproof(m: int, start: int, end: int, *, known: bool) -> tuple[bytes, ...]:
    """Section 2.1.2: SUBPROOF(m, D[n], b)."""
    n = end - start
    if m == n:
        return () if known else (mth(start, end),)
    k = split(n)
    if m <= k:
        return (*subproof(m, start, start + k, known=known), mth(start + k, end))
    return (*subproof(m - k, start + k, end, known=False), mth(start, start + k))


def node(level: int, index: int) -> bytes:
    """A stored node: a complete subtree."""
    return mth(index << level, index + 1 << level)


# --- agreement -------------------------------------------------------------------------------------


def test_roots_agree():
    for size in range(UP_TO + 1):
        assert merkle.root_of(LEAVES[:size]) == mth(0, size)
        assert merkle.root_from(node, size) == mth(0, size)


def test_every_inclusion_proof_up_to_300_agrees_and_is_accepted():
    for size in range(1, UP_TO + 1):
        root = mth(0, size)
        for index in range(size):
            proof = path(index, 0, size)
            assert merkle.inclusion_proof_from(node, index, size) == proof
            merkle.verify_inclusion(LEAVES[index], index, size, proof, root)


def test_every_consistency_proof_up_to_300_agrees_and_is_accepted():
    for second in range(1, UP_TO + 1):
        root = mth(0, second)
        for first in range(1, second + 1):
            proof = subproof(first, 0, second, known=True)
            assert merkle.consistency_proof_from(node, first, second) == proof
            merkle.verify_consistency(first, second, mth(0, first), root, proof)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 31, 32, 33, 100, 255, 256, 257, 300])
def test_proofs_from_a_list_of_hashes_agree(size: int):
    for index in range(size):
        assert merkle.inclusion_proof(LEAVES[:size], index) == path(index, 0, size)
        assert merkle.inclusion_proof(LEAVES, index, size) == path(index, 0, size)
        assert merkle.consistency_proof(LEAVES, index + 1, size) == subproof(index + 1, 0, size, known=True)


@given(st.data())
def test_larger_trees_agree(data: st.DataObject):
    size = data.draw(st.integers(UP_TO, len(LEAVES)))
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(LEAVES, index, size)
    assert proof == path(index, 0, size)
    merkle.verify_inclusion(LEAVES[index], index, size, proof, mth(0, size))
    proof = merkle.consistency_proof(LEAVES, index + 1, size)
    assert proof == subproof(index + 1, 0, size, known=True)
    merkle.verify_consistency(index + 1, size, mth(0, index + 1), mth(0, size), proof)


@given(st.integers(1, merkle.MAX_SIZE), st.data())
def test_spans_of_trees_of_any_size_are_few_and_read_few_nodes(size: int, data: st.DataObject):
    index = data.draw(st.integers(0, size - 1))
    for spans in (merkle.inclusion_spans(index, size), merkle.consistency_spans(index + 1, size)):
        assert len(spans) <= 64
        nodes = [node for span in spans for node in merkle.span_nodes(span)]
        assert len(nodes) <= 2 * 63
        for level, position in nodes:
            assert position + 1 << level <= size
        covered = sum(1 << level for level, _ in nodes)
        assert covered == sum(end - start for start, end in spans)


@given(st.integers(2, merkle.MAX_SIZE), st.data())
def test_checking_takes_as_many_hashes_as_making_gives(size: int, data: st.DataObject):
    """Both sides count in different ways; the roots are made up, so only the count can be right."""
    index = data.draw(st.integers(0, size - 1))
    count = len(merkle.inclusion_spans(index, size))
    merkle.root_from_inclusion(LEAVES[0], index, size, LEAVES[:count])
    for wrong in {count - 1, count + 1} - {-1}:
        with pytest.raises(InvalidProof, match="hashes for these sizes"):
            merkle.root_from_inclusion(LEAVES[0], index, size, LEAVES[:wrong])
    first = data.draw(st.integers(1, size - 1))
    count = len(merkle.consistency_spans(first, size))
    with pytest.raises(InvalidProof, match="does not lead"):
        merkle.verify_consistency(first, size, LEAVES[0], LEAVES[1], LEAVES[2 : 2 + count])
    for wrong in (count - 1, count + 1):
        with pytest.raises(InvalidProof, match="hashes for these sizes"):
            merkle.verify_consistency(first, size, LEAVES[0], LEAVES[1], LEAVES[2 : 2 + wrong])


# --- the compact range -----------------------------------------------------------------------------


@given(st.lists(st.integers(0, 90), max_size=12))
def test_a_compact_range_grows_to_the_same_root_in_any_batches(batches: list[int]):
    grown = merkle.CompactRange()
    for batch in batches:
        leaves = LEAVES[grown.size : grown.size + batch]
        if batch % 3:
            grown.extend(leaves)
        else:
            for leaf in leaves:
                grown.append(leaf)
        assert grown.root() == mth(0, grown.size)
        assert merkle.CompactRange.parse(grown.encode()) == grown
    assert grown.peaks == tuple(node(*at) for at in merkle.span_nodes(merkle.Span(0, grown.size)))


def test_a_copy_grows_on_its_own():
    grown = merkle.CompactRange()
    grown.extend(LEAVES[:5])
    copy = grown.copy()
    copy.append(LEAVES[5])
    assert (grown.size, grown.root()) == (5, mth(0, 5))
    assert (copy.size, copy.root()) == (6, mth(0, 6))
    assert copy != grown
    assert str(mth(0, 5).hex()) in repr(grown)


def test_a_compact_range_takes_all_leaves_or_none():
    grown = merkle.CompactRange()
    with pytest.raises(MalformedInput, match="leaf hash: expected 32 bytes, got 31"):
        grown.extend([LEAVES[0], LEAVES[1][:31]])
    with pytest.raises(MalformedInput, match="leaf hash"):
        grown.append(b"")
    assert grown.size == 0
    assert grown.root() == merkle.EMPTY_ROOT


@pytest.mark.parametrize("wrong", [[31, 33], [33, 31], [0, 64]])
@pytest.mark.parametrize("before", [0, 1, 1024, 1098])
def test_lengths_that_make_up_for_each_other_are_refused_too(before: int, wrong: list[int]):
    grown = merkle.CompactRange()
    with pytest.raises(MalformedInput, match=f"leaf hash: expected 32 bytes, got {wrong[0]}"):
        grown.extend([*LEAVES[:before], *map(bytes, wrong)])
    assert grown == merkle.CompactRange()


@pytest.mark.parametrize("size", [1023, 1024, 1025, 1099])
def test_the_subtrees_that_are_hashed_at_a_time_make_no_difference(size: int):
    grown = merkle.CompactRange()
    grown.extend(LEAVES[:size])
    assert merkle.root_of(LEAVES[:size]) == grown.root() == mth(0, size)


def test_a_compact_range_ends_at_the_largest_size():
    full = merkle.CompactRange(merkle.MAX_SIZE, LEAVES[:63])
    with pytest.raises(MalformedInput, match="at most"):
        full.append(LEAVES[0])
    with pytest.raises(MalformedInput, match="size"):
        merkle.CompactRange(merkle.MAX_SIZE + 1, LEAVES[:1])
    with pytest.raises(MalformedInput, match="expected 2 hashes, got 1"):
        merkle.CompactRange(3, LEAVES[:1])


# --- what is refused -------------------------------------------------------------------------------


@given(st.data())
def test_a_tampered_inclusion_proof_is_refused(data: st.DataObject):
    size = data.draw(st.integers(2, UP_TO))
    index = data.draw(st.integers(0, size - 1))
    proof, root = list(path(index, 0, size)), mth(0, size)
    values = [LEAVES[index], root, *proof]
    values[data.draw(st.integers(0, len(values) - 1))] = data.draw(st.sampled_from(LEAVES[UP_TO:]))
    leaf, root, *proof = values
    with pytest.raises(InvalidProof):
        merkle.verify_inclusion(leaf, index, size, proof, root)


@given(st.data())
def test_an_inclusion_proof_holds_at_its_own_index_only(data: st.DataObject):
    size = data.draw(st.integers(2, UP_TO))
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, 2 * size).filter(lambda position: position != index))
    with pytest.raises(InvalidProof):
        merkle.verify_inclusion(LEAVES[index], other, size, path(index, 0, size), mth(0, size))


@given(st.data())
def test_a_tampered_consistency_proof_is_refused(data: st.DataObject):
    second = data.draw(st.integers(2, UP_TO))
    first = data.draw(st.integers(1, second - 1))
    values = [mth(0, first), mth(0, second), *subproof(first, 0, second, known=True)]
    values[data.draw(st.integers(0, len(values) - 1))] = data.draw(st.sampled_from(LEAVES[UP_TO:]))
    old, new, *proof = values
    with pytest.raises(InvalidProof):
        merkle.verify_consistency(first, second, old, new, proof)


def test_an_index_must_be_below_the_size():
    """A tree of one leaf has no second: without the check this proof would lead to its made-up root."""
    root = merkle.hash_node(LEAVES[1], LEAVES[0])
    with pytest.raises(InvalidProof, match="expected less than the tree's size 1, got 1"):
        merkle.verify_inclusion(LEAVES[0], 1, 1, [LEAVES[1]], root)
    with pytest.raises(InvalidProof, match="got -1"):
        merkle.verify_inclusion(LEAVES[0], -1, 1, [], LEAVES[0])
    with pytest.raises(InvalidProof, match="size 0"):
        merkle.verify_inclusion(LEAVES[0], 0, 0, [], merkle.EMPTY_ROOT)


def test_sizes_are_bounded():
    """2**63 leaves with 63 hashes would otherwise hold, as would any size at any cost."""
    root = LEAVES[0]
    for sibling in LEAVES[1:64]:
        root = merkle.hash_node(root, sibling)
    with pytest.raises(InvalidProof, match=r"size: expected 0 to \d+ leaves"):
        merkle.verify_inclusion(LEAVES[0], 0, 2**63, LEAVES[1:64], root)
    with pytest.raises(InvalidProof, match="second size"):
        merkle.verify_consistency(1, 2**63, LEAVES[0], root, LEAVES[1:64])
    with pytest.raises(InvalidProof, match="second size"):
        merkle.verify_consistency(0, -1, LEAVES[0], root, [])


def test_a_longer_proof_proves_nothing():
    """The root of two leaves is not one of a tree of size 1, whatever hashes lead there."""
    with pytest.raises(InvalidProof, match="expected 0 hashes for these sizes, got 1"):
        merkle.verify_inclusion(LEAVES[0], 0, 1, [LEAVES[1]], mth(0, 2))
    with pytest.raises(InvalidProof, match="expected 1 hashes for these sizes, got 2"):
        merkle.verify_consistency(1, 2, LEAVES[0], mth(0, 4), [LEAVES[1], mth(2, 4)])


def test_a_hash_of_another_length_is_refused():
    """The bytes under a node are the same when one is cut from one side and put to the other."""
    both = LEAVES[0] + LEAVES[1]
    with pytest.raises(InvalidProof, match="expected 32 bytes, got 33"):
        merkle.verify_inclusion(both[:31], 0, 2, [both[31:]], mth(0, 2))
    with pytest.raises(InvalidProof, match="leaf hash"):
        merkle.verify_inclusion(LEAVES[0][:31], 0, 1, [], LEAVES[0])
    with pytest.raises(InvalidProof, match=r"^root: expected 32 bytes, got 33"):
        merkle.verify_inclusion(LEAVES[0], 0, 1, [], LEAVES[0] + b"\x00")
    with pytest.raises(InvalidProof, match="first root: expected 32 bytes"):
        merkle.verify_consistency(1, 1, b"", b"", [])
    with pytest.raises(InvalidProof, match="second root: expected 32 bytes"):
        merkle.verify_consistency(1, 1, LEAVES[0], b"", [])
    with pytest.raises(InvalidProof, match=r"proof\[0\]: expected 32 bytes, got 33"):
        merkle.verify_consistency(1, 2, both[:32], merkle.hash_node(both[:32], both[:33]), [both[:33]])


def test_consistency_needs_no_proof_from_nothing_and_at_equal_size():
    merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, mth(0, 5), [])
    merkle.verify_consistency(0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [])
    merkle.verify_consistency(5, 5, mth(0, 5), mth(0, 5), [])
    for arguments in (
        (0, 5, LEAVES[0], mth(0, 5), []),  # the empty tree has one root
        (0, 5, merkle.EMPTY_ROOT, mth(0, 5), [LEAVES[0]]),
        (0, 0, merkle.EMPTY_ROOT, LEAVES[0], []),
        (5, 5, mth(0, 5), mth(0, 6), []),  # a split view
        (5, 5, mth(0, 5), mth(0, 5), [LEAVES[0]]),
        (6, 5, mth(0, 6), mth(0, 5), []),  # a rollback
        (-1, 5, merkle.EMPTY_ROOT, mth(0, 5), []),
    ):
        with pytest.raises(InvalidProof):
            merkle.verify_consistency(*arguments)


def test_there_is_no_proof_outside_the_tree():
    for make in (
        lambda: merkle.inclusion_proof(LEAVES[:5], 5),
        lambda: merkle.inclusion_proof(LEAVES[:5], -1),
        lambda: merkle.inclusion_proof([], 0),
        lambda: merkle.inclusion_proof(LEAVES[:5], 0, 6),
        lambda: merkle.consistency_proof(LEAVES[:5], 0),
        lambda: merkle.consistency_proof(LEAVES[:5], 6),
        lambda: merkle.consistency_proof(LEAVES[:5], 3, 6),
        lambda: merkle.inclusion_spans(0, 2**63),
        lambda: merkle.consistency_spans(1, 2**63),
        lambda: merkle.root_from(node, -1),
    ):
        with pytest.raises(MalformedInput, match="expected"):
            make()
