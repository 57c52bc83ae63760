"""Tiles: their paths, others' trees read from them, proofs over them, and the entries of data tiles."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.certificates import Certificate
from verifier.errors import MalformedInput
from verifier.transparency import merkle
from verifier.transparency.checkpoint import parse_checkpoint
from verifier.transparency.entries import PrecertEntry, TimestampedEntry, X509Entry
from verifier.transparency.tiles import (
    Tile,
    TileLeaf,
    encode_data_tile,
    issuer_path,
    node_reader,
    parse_data_tile,
    tile_of,
    tiles_of,
)

DER = st.binary(min_size=1, max_size=40)
HASHES = st.binary(min_size=32, max_size=32)
EXTENSIONS = st.binary(max_size=10)
TIMES = st.integers(0, 2**40)
LEAVES = st.builds(
    TileLeaf,
    st.builds(TimestampedEntry, TIMES, st.builds(X509Entry, DER), EXTENSIONS),
    st.none(),
    st.lists(HASHES, max_size=3).map(tuple),
) | st.builds(
    TileLeaf,
    st.builds(TimestampedEntry, TIMES, st.builds(PrecertEntry, HASHES, DER), EXTENSIONS),
    DER,
    st.lists(HASHES, max_size=3).map(tuple),
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(1, 273, 17), "tile/1/273.p/17"),
        (Tile(None, 1000, 255), "tile/data/x001/000.p/255"),
        (Tile(5, 999_999, 1), "tile/5/x999/999.p/1"),
    ],
)
def test_paths(tile: Tile, path: str):
    assert tile.path == path
    assert Tile.parse_path(path) == tile
    assert tile.full.path == path.partition(".p/")[0]


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "/tile/0/000", "tile/0/000/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/6/000",
        "tile/00/000", "tile/-1/000", "tile/0/x000/000", "tile/0/001/000", "tile/0/x001", "tile/0/x001/x000",
        "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p",
        "tile/names/000", "tile/0/../000", "tile/0/000\n", "tile/\u0660/000", "tile/data/",
        "tile/0/" + "x999/" * 30 + "999", "tile/0/" + "x999/" * 2000 + "999",
    ],
)  # fmt: skip
def test_what_is_no_path(path: str):
    with pytest.raises(MalformedInput, match="tile"):
        Tile.parse_path(path)


def test_the_tiles_of_static_cts_examples():
    tiles = set(tiles_of(70_000))
    assert {tile for tile in tiles if tile.width < 256 and tile.level is not None} == {
        Tile(0, 273, 112),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    }
    assert len([tile for tile in tiles if tile.level == 0]) == 274
    assert len([tile for tile in tiles if tile.level is None]) == 274
    assert len([tile for tile in tiles if tile.level == 1]) == 2
    assert set(tiles_of(256)) == {Tile(None, 0), Tile(0, 0), Tile(1, 0, 1)}
    assert set(tiles_of(0)) == set()


@given(st.integers(0, 200_000), st.integers(0, 2000))
def test_growing_adds_the_tiles_that_changed(old: int, growth: int):
    before, after = set(tiles_of(old)), set(tiles_of(old + growth))
    assert set(tiles_of(old + growth, since=old)) == after - before


def test_a_tile_that_is_not_there():
    for wrong in (
        lambda: tile_of(0, -1, 256),
        lambda: Tile(6, 0),
        lambda: Tile(0, 0, 0),
        lambda: Tile(0, 0, 257),
        lambda: Tile(0, 2**55),
    ):
        with pytest.raises(MalformedInput, match=r"tile\.(level|index|width)"):
            wrong()
    for level, index, size in ((0, 1, 256), (1, 0, 255), (None, 0, 0)):
        with pytest.raises(MalformedInput, match=f"expected a tile in a tree of {size} leaves"):
            tile_of(level, index, size)
    assert tile_of(0, 1, 300) == Tile(0, 1, 44)


# --- the tree ----------------------------------------------------------------------------------------------


def test_sunlights_tree_is_read_from_its_tiles(data: Path):
    mirror = data / "sunlight" / "mirror"
    checkpoint = parse_checkpoint((data / "sunlight" / "mirror.checkpoint").read_bytes())
    node = node_reader(lambda tile: (mirror / tile.path).read_bytes(), checkpoint.size)
    assert merkle.root_from(node, checkpoint.size) == checkpoint.root_hash
    for index in (0, 1, 100, 255, 256, 299):
        proof = merkle.inclusion_proof_from(node, index, checkpoint.size)
        merkle.verify_inclusion(node(0, index), index, checkpoint.size, proof, checkpoint.root_hash)


@given(st.integers(1, 70_000), st.data())
def test_proofs_over_tiles_are_those_over_the_leaves(size: int, data: st.DataObject):
    tree = Tree(size)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof_from(tree.node, index, size)
    merkle.verify_inclusion(tree.node(0, index), index, size, proof, merkle.root_from(tree.node, size))
    older = merkle.root_from(node_reader(Tree(index + 1).tile, index + 1), index + 1)
    proof = merkle.consistency_proof_from(tree.node, index + 1, size)
    merkle.verify_consistency(index + 1, size, older, merkle.root_from(tree.node, size), proof)


def test_a_root_from_tiles_is_the_root_of_the_leaves():
    for size in (1, 255, 256, 257, 1000, 65_536, 65_537):
        leaves = [leaf_hash(number) for number in range(size)]
        assert merkle.root_from(Tree(size).node, size) == merkle.root_of(leaves)


def test_a_tile_of_another_size_and_a_node_outside_the_tree_are_malformed():
    for wrong in (b"", bytes(31), bytes(32 * 299), bytes(32 * 301)):
        node = node_reader(lambda _, wrong=wrong: wrong, 100)
        with pytest.raises(MalformedInput, match=r"tile/0/000.p/100: expected 3200 bytes"):
            node(0, 0)
    node = Tree(100).node
    for level, index in ((0, 100), (2, 25), (6, 1), (7, 0), (8, 0), (0, -1), (63, 0)):
        with pytest.raises(MalformedInput, match="tile"):
            node(level, index)


def leaf_hash(number: int) -> bytes:
    return merkle.hash_leaf(b"%d" % number)


class Tree:
    """The tiles of a tree of numbered leaves: each full tile's root is made once for all trees."""

    roots: dict[tuple[int, int], bytes] = {}  # noqa: RUF012 -- shared on purpose: the leaves never change

    def __init__(self, size: int) -> None:
        self.node = node_reader(self.tile, size)

    def tile(self, tile: Tile) -> bytes:
        assert tile.level is not None
        first = tile.index * 256
        return b"".join(self.root(tile.level, at) for at in range(first, first + tile.width))

    def root(self, level: int, index: int) -> bytes:
        if level == 0:
            return leaf_hash(index)
        if (level, index) not in self.roots:
            below = range(index * 256, index * 256 + 256)
            self.roots[level, index] = merkle.root_of([self.root(level - 1, at) for at in below])
        return self.roots[level, index]


# --- data tiles --------------------------------------------------------------------------------------------


def test_a_real_logs_entries_hash_to_its_leaves(data: Path):
    navigli = data / "sunlight" / "navigli"
    tile = Tile(None, 3, 10)
    encoded = (navigli / tile.path).read_bytes()
    leaves = parse_data_tile(encoded, tile.width)
    assert encode_data_tile(leaves) == encoded
    hashes = Tile(0, 3, 10).parse_hashes((navigli / "tile/0/003.p/10").read_bytes())
    assert [leaf.timestamped.leaf_hash() for leaf in leaves] == hashes
    for leaf in leaves:
        assert leaf.pre_certificate is not None
        certificate = Certificate.parse(leaf.pre_certificate)
        assert certificate.is_precertificate
        assert isinstance(leaf.timestamped.entry, PrecertEntry)
        assert certificate.precertificate_tbs == leaf.timestamped.entry.tbs
        assert leaf.chain


@given(st.lists(LEAVES, min_size=1, max_size=5))
def test_a_data_tile_reads_as_it_was_written(leaves: list[TileLeaf]):
    encoded = encode_data_tile(leaves)
    assert parse_data_tile(encoded, len(leaves)) == tuple(leaves)
    for width in (len(leaves) - 1, len(leaves) + 1, 0, 257):
        with pytest.raises(MalformedInput):
            parse_data_tile(encoded, width)


def test_a_data_tile_has_the_bytes_of_static_ct():
    fingerprint = sha256(b"issuer").digest()
    certificate = TileLeaf(TimestampedEntry(1, X509Entry(b"c"), b"e"), None, ())
    precertificate = TileLeaf(TimestampedEntry(2, PrecertEntry(fingerprint, b"t")), b"pre", (fingerprint,))
    assert encode_data_tile([certificate, precertificate]).hex() == (
        "0000000000000001" "0000" "00000163" "000165" "0000"
        "0000000000000002" "0001" + fingerprint.hex() + "00000174" "0000"
        "000003707265" "0020" + fingerprint.hex()
    )  # fmt: skip
    assert issuer_path(fingerprint) == f"issuer/{fingerprint.hex()}"


def test_values_that_no_data_tile_has():
    timestamped = TimestampedEntry(1, X509Entry(b"c"))
    precert = TimestampedEntry(1, PrecertEntry(bytes(32), b"t"))
    for wrong in (
        lambda: TileLeaf(timestamped, b"pre", ()),
        lambda: TileLeaf(precert, None, ()),
        lambda: TileLeaf(precert, b"", ()).encode(),
        lambda: TileLeaf(timestamped, None, (bytes(31),)).encode(),
        lambda: TileLeaf(timestamped, None, (bytes(32),) * 2048).encode(),
        lambda: parse_data_tile(timestamped.encode() + b"\x00\x21" + bytes(33), 1),
        lambda: issuer_path(b""),
    ):
        with pytest.raises(MalformedInput, match="expected"):
            wrong()


def test_the_certificates_of_a_chain_are_found_by_their_fingerprints(vector: Callable[[str], Certificate]):
    issuer = vector("letsencryptx3.pem")
    assert issuer_path(issuer.fingerprint) == f"issuer/{sha256(issuer.der).hexdigest()}"
