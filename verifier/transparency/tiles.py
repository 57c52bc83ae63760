"""The tree and its entries as static files (C2SP static-ct-api: Merkle Tree, Log entries).

A tile holds 256 hashes of one level in every eight, or, as a data tile, the 256 entries under a tile of
leaves. The right edge's tiles are partial, as wide as the tree's size makes them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from verifier.errors import MalformedInput
from verifier.transparency import wire
from verifier.transparency.entries import PrecertEntry, TimestampedEntry
from verifier.transparency.merkle import MAX_SIZE, NodeReader, root_of

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
MAX_LEVEL: Final = 5  # static-ct-api: enough for 256**6 entries, and a leaf_index has 40 bits

_PATH = re.compile(r"tile/(data|[0-5])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """Which tile: its level, or None for the entries' data; its index in the level; and its width."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if self.level is not None and not 0 <= self.level <= MAX_LEVEL:
            raise MalformedInput(f"tile.level: expected 0 to {MAX_LEVEL}, got {self.level}")
        if not 0 <= self.index <= MAX_SIZE // TILE_WIDTH:
            raise MalformedInput(f"tile.index: expected 0 to {MAX_SIZE // TILE_WIDTH}, got {self.index}")
        if not 1 <= self.width <= TILE_WIDTH:
            raise MalformedInput(f"tile.width: expected 1 to {TILE_WIDTH}, got {self.width}")

    @property
    def full(self) -> "Tile":
        """The tile that this one becomes, or is."""
        return Tile(self.level, self.index)

    @property
    def path(self) -> str:
        """Where it is under the log's address: ``tile/0/x001/x234/067`` or ``tile/data/000.p/17``."""
        level = "data" if self.level is None else self.level
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_index_path(self.index)}{partial}"

    @classmethod
    def parse_path(cls, path: str) -> "Tile":
        """The tile of a path, in the one form that a tile has; ``MalformedInput``."""
        if len(path) <= _MAX_PATH and (match := _PATH.fullmatch(path)):
            level, index, width = match.groups()
            number = int(re.sub(r"[x/]", "", index))
            tile = cls(None if level == "data" else int(level), number, int(width) if width else TILE_WIDTH)
            if tile.path == path:
                return tile
        raise MalformedInput(
            f"tile path: expected one like tile/0/x001/234 or tile/data/000.p/17, got {path!r}"
        )

    def parse_hashes(self, data: bytes) -> list[bytes]:
        """The hashes of a tile of the tree; ``MalformedInput`` where it has not its width."""
        wire.fixed(data, self.width * wire.HASH_SIZE, self.path)
        return [data[at : at + wire.HASH_SIZE] for at in range(0, len(data), wire.HASH_SIZE)]


def tile_of(level: int | None, index: int, size: int) -> Tile:
    """Tile ``index`` of a level, as wide as ``size`` leaves make it; ``MalformedInput`` if there is none."""
    there = (size >> TILE_HEIGHT * (level or 0)) - index * TILE_WIDTH
    if there <= 0:
        raise MalformedInput(
            f"tile.index: expected a tile in a tree of {size} leaves, got {index} of {level}"
        )
    return Tile(level, index, min(there, TILE_WIDTH))


def tiles_of(size: int, *, since: int = 0) -> Iterator[Tile]:
    """The tiles, data tiles too, of a tree of ``size`` leaves that a tree of ``since`` leaves has not."""
    for level in (None, *range(MAX_LEVEL + 1)):
        shift = TILE_HEIGHT * (level or 0)
        old, new = since >> shift, size >> shift
        if old < new:
            for index in range(old // TILE_WIDTH, -(-new // TILE_WIDTH)):
                yield tile_of(level, index, size)


def node_reader(read_tile: Callable[[Tile], bytes], size: int) -> NodeReader:
    """A reader of a tree's nodes from its tiles, for ``merkle``'s proofs over stored nodes.

    ``read_tile`` gets the tiles of a tree of ``size`` leaves and returns their bytes; it caches them where
    that is worth it. Nodes within a tile are hashed from it. Raises ``MalformedInput`` for a tile of another
    size.
    """

    def node(level: int, index: int) -> bytes:
        tile_level, within = divmod(level, TILE_HEIGHT)
        first = index << within
        tile = tile_of(tile_level, first // TILE_WIDTH, size)
        start = first % TILE_WIDTH
        hashes = tile.parse_hashes(read_tile(tile))[start : start + (1 << within)]
        if len(hashes) != 1 << within:
            raise MalformedInput(f"tile: expected node {index} of level {level} in a tree of {size} leaves")
        return root_of(hashes)

    return node


@dataclass(frozen=True, slots=True)
class TileLeaf:
    """One entry of a data tile.

    ``pre_certificate`` is the precertificate as it was submitted, None for a certificate; ``chain`` are the
    SHA-256 fingerprints of the certificates above it, issuer first. Only ``timestamped`` is in the tree.
    """

    timestamped: TimestampedEntry
    pre_certificate: bytes | None
    chain: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if isinstance(self.timestamped.entry, PrecertEntry) != (self.pre_certificate is not None):
            raise MalformedInput(
                "TileLeaf.pre_certificate: expected with a precertificate's entry, and only then"
            )

    def encode(self) -> bytes:
        """TileLeaf; ``MalformedInput`` for values that it cannot have."""
        certificate = b""
        if self.pre_certificate is not None:
            certificate = wire.vector(self.pre_certificate, wire.UINT24_MAX, "pre_certificate", minimum=1)
        chain = b"".join(wire.fixed(print_, wire.HASH_SIZE, "chain fingerprint") for print_ in self.chain)
        return self.timestamped.encode() + certificate + wire.vector(chain, wire.UINT16_MAX, "chain")

    @classmethod
    def read(cls, reader: wire.Reader) -> "TileLeaf":
        """The next entry of a data tile; ``MalformedInput``."""
        timestamped = TimestampedEntry.read(reader)
        certificate = None
        if isinstance(timestamped.entry, PrecertEntry):
            certificate = reader.vector(wire.UINT24_MAX, "pre_certificate", minimum=1)
        chain = reader.vector(wire.UINT16_MAX, "certificate_chain")
        if len(chain) % wire.HASH_SIZE:
            raise MalformedInput(
                f"TileLeaf.certificate_chain: expected whole fingerprints, got {len(chain)} bytes"
            )
        prints = tuple(chain[at : at + wire.HASH_SIZE] for at in range(0, len(chain), wire.HASH_SIZE))
        return cls(timestamped, certificate, prints)


def parse_data_tile(data: bytes, width: int) -> tuple[TileLeaf, ...]:
    """The ``width`` entries of a data tile, uncompressed; ``MalformedInput`` for more or fewer."""
    reader = wire.Reader(data, "data tile")
    leaves = tuple(TileLeaf.read(reader) for _ in range(Tile(None, 0, width).width))
    reader.finish()
    return leaves


def encode_data_tile(leaves: Iterable[TileLeaf]) -> bytes:
    """The entries of a data tile one after the other, uncompressed."""
    return b"".join(leaf.encode() for leaf in leaves)


def issuer_path(fingerprint: bytes) -> str:
    """Where an issuer's certificate is under the log's address, by its SHA-256 fingerprint."""
    return f"issuer/{wire.fixed(fingerprint, wire.HASH_SIZE, 'fingerprint').hex()}"


def _index_path(index: int) -> str:
    """An index in groups of three digits, all but the last behind an x."""
    head, last = divmod(index, 1000)
    path = f"{last:03}"
    while head:
        head, group = divmod(head, 1000)
        path = f"x{group:03}/{path}"
    return path


_MAX_PATH = len(Tile(None, MAX_SIZE // TILE_WIDTH, 1).path) + len(".p/255")
