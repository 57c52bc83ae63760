"""The tree over tiles, against RFC 6962's own definition written naively."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlog.errors import DamagedTree, NotStored
from tlog.tree import RightEdge, Tile, TileReader
from verifier.transparency.merkle import (
    consistency_proof_from,
    inclusion_proof_from,
    verify_consistency,
    verify_inclusion,
)


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1 over leaf hashes, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\1" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def leaf(number: int) -> bytes:
    return hashlib.sha256(b"\0" + number.to_bytes(4)).digest()


class Memory(dict):
    def read(self, key: str) -> bytes:
        try:
            return self[key]
        except KeyError:
            raise NotStored(key) from None


def grow(store: Memory, edge: RightEdge, count: int) -> RightEdge:
    growth = edge.append([leaf(edge.size + offset) for offset in range(count)])
    store.update({tile.key: data for tile, data in growth.tiles.items()})
    return growth.edge


def test_the_root_is_that_of_the_definition_at_every_size() -> None:
    edge, leaves = RightEdge(), []
    for size in range(600):
        assert edge.root() == naive_root(leaves), size
        leaves.append(leaf(size))
        edge = edge.append(leaves[-1:]).edge


@given(st.lists(st.integers(0, 700), max_size=5))
def test_a_tree_grown_in_any_steps_can_be_loaded_and_proved(steps: list[int]) -> None:
    store, edge = Memory(), RightEdge()
    for step in steps:
        edge = grow(store, edge, step)
    leaves = [leaf(number) for number in range(edge.size)]
    assert RightEdge.load(store, edge.size) == edge
    assert edge.root() == naive_root(leaves)
    reader = TileReader(store, edge.size)
    for index in {0, edge.size // 2, edge.size - 1} if edge.size else ():
        proof = inclusion_proof_from(reader.node, index, edge.size)
        verify_inclusion(leaves[index], index, edge.size, proof, edge.root())
    for first in {1, edge.size // 3, edge.size} if edge.size > 2 else ():
        proof = consistency_proof_from(reader.node, first, edge.size)
        verify_consistency(first, edge.size, naive_root(leaves[:first]), edge.root(), proof)


def test_levels_above_the_first_hold_roots_of_full_tiles() -> None:
    store = Memory()
    grow(store, RightEdge(), 70_000)
    widths = {level: sum(1 for key in store if key.startswith(f"tile/{level}/")) for level in range(3)}
    assert widths == {0: 274, 1: 2, 2: 1}
    assert "tile/0/273.p/112" in store  # the sizes of static-ct-api's own example
    assert "tile/1/001.p/17" in store
    assert "tile/2/000.p/1" in store


@pytest.mark.parametrize(
    ("tile", "key"),
    [
        (Tile("0", 0), "tile/0/000"),
        (Tile("data", 1234067), "tile/data/x001/x234/067"),
        (Tile("3", 999, 7), "tile/3/999.p/7"),
        (Tile("0", 1000, 255), "tile/0/x001/000.p/255"),
    ],
)
def test_tiles_are_named_as_static_ct_names_them(tile: Tile, key: str) -> None:
    assert tile.key == key


def test_only_what_changed_is_stored() -> None:
    edge = grow(Memory(), RightEdge(), 256 * 3 + 5)
    assert {tile.key for tile in edge.append([leaf(1)]).tiles} == {"tile/0/003.p/6"}
    assert edge.append([]).tiles == {}


def test_a_missing_or_short_tile_is_named() -> None:
    store = Memory()
    edge = grow(store, RightEdge(), 300)
    store["tile/0/001.p/44"] = store["tile/0/001.p/44"][:-1]
    with pytest.raises(DamagedTree, match=r"tile/0/001\.p/44 has 1407 bytes"):
        RightEdge.load(store, edge.size)
    del store["tile/0/001.p/44"]
    with pytest.raises(DamagedTree, match=r"tile/0/001\.p/44 is missing"):
        RightEdge.load(store, edge.size)


def test_a_partial_tile_that_was_cleaned_away_is_cut_from_the_full_one() -> None:
    store = Memory()
    edge = grow(store, RightEdge(), 100)
    proof = inclusion_proof_from(TileReader(store, 100).node, 3, 100)
    grow(store, edge, 200)
    del store["tile/0/000.p/100"]
    assert inclusion_proof_from(TileReader(store, 100).node, 3, 100) == proof
