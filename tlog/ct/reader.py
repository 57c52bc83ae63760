"""RFC 6962's questions answered from the stored tiles; everything read is checked before it is shown."""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

from tlog.ct.errors import BadQuestion, NotFound
from tlog.ct.recent import Recent
from tlog.ct.tile_entries import CtEntries
from tlog.errors import DamagedTree, NotStored
from tlog.head import Head
from tlog.startup import check_entries
from tlog.storage import Storage
from tlog.tree import TILE_WIDTH, Tile, TileReader
from verifier.errors import InvalidProof, MalformedInput
from verifier.transparency.api import RawEntry
from verifier.transparency.extra_data import PrecertChainEntry, X509ChainEntry
from verifier.transparency.merkle import (
    NodeReader,
    consistency_proof_from,
    inclusion_proof_from,
    root_from,
    verify_consistency,
    verify_inclusion,
)
from verifier.transparency.tiles import Tile as TilePath
from verifier.transparency.tiles import TileLeaf, issuer_path

_CACHED_TILES: Final = 8
_CACHED_ISSUERS: Final = 256
_ISSUER_PATH = re.compile(r"issuer/[0-9a-f]{64}", re.ASCII)


class LogReader:
    """Reads one log's store. ``head`` arguments say which tree is meant; tiles of it must be stored."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._entries = CtEntries()
        self._tiles = Recent[Tile, Sequence[TileLeaf]](_CACHED_TILES)
        self._issuers = Recent[bytes, bytes](_CACHED_ISSUERS)

    def entries(self, head: Head, start: int, end: int) -> list[RawEntry]:
        """Return entries ``start`` to ``end`` (inclusive), fewer at the end of a tile of 256."""
        if start > end:
            raise BadQuestion(f"start {start} is after end {end}")
        if start >= head.size:
            raise BadQuestion(f"start {start} is beyond the last entry of a tree of {head.size}")
        number, offset = divmod(start, TILE_WIDTH)
        last = min(end, head.size - 1) - number * TILE_WIDTH
        return [self._log_entry(entry) for entry in self.tile_entries(head, number)[offset : last + 1]]

    def tile_entries(self, head: Head, number: int) -> Sequence[TileLeaf]:
        """Return the entries of one data tile, compared with the hashes that the tree commits to."""
        tile = Tile("data", number, min(TILE_WIDTH, head.size - number * TILE_WIDTH))
        return self._tiles.get(tile, lambda: self._read_tile(head, tile))

    def _read_tile(self, head: Head, tile: Tile) -> Sequence[TileLeaf]:
        data = self.data_tile(tile)
        check_entries(tile, data, TileReader(self._storage, head.size).hashes(0, tile.index), self._entries)
        return self._entries.parse(data)

    def data_tile(self, tile: Tile) -> bytes:
        """Return a data tile's bytes; a partial one that was cleaned away is the start of the full one."""
        try:
            return self._storage.read(tile.key)
        except NotStored:
            if tile.width == TILE_WIDTH:
                raise
            full = self._storage.read(Tile(tile.kind, tile.index).key)
            return self._entries.first(full, tile.width)

    def _log_entry(self, entry: TileLeaf) -> RawEntry:
        chain = tuple(self.issuer(fingerprint) for fingerprint in entry.chain)
        extra = (
            X509ChainEntry(chain)
            if entry.pre_certificate is None
            else PrecertChainEntry(entry.pre_certificate, chain)
        )
        return RawEntry(entry.timestamped.merkle_tree_leaf(), extra.encode())

    def issuer(self, fingerprint: bytes) -> bytes:
        """Return the certificate with this SHA-256 that stands above some entry; raises NotFound."""
        return self._issuers.get(fingerprint, lambda: self._read_issuer(fingerprint))

    def _read_issuer(self, fingerprint: bytes) -> bytes:
        try:
            issuer = self._storage.read(issuer_path(fingerprint))
        except NotStored:
            raise NotFound(f"no entry of this log has an issuer {fingerprint.hex()}") from None
        if hashlib.sha256(issuer).digest() != fingerprint:
            raise DamagedTree(f"{issuer_path(fingerprint)} is not the certificate of that SHA-256")
        return issuer

    def inclusion(self, head: Head, leaf_hash: bytes, index: int, size: int) -> tuple[bytes, ...]:
        """Return the audit path of a leaf in the tree of ``size``, checked against the signed head."""
        node = TileReader(self._storage, head.size).node
        proof = inclusion_proof_from(node, index, size)
        try:
            verify_inclusion(leaf_hash, index, size, proof, _root(node, size, head))
        except InvalidProof as error:
            raise DamagedTree(
                f"a stored hash tile on the path of entry {index} is damaged: {error}"
            ) from error
        return proof

    def consistency(self, head: Head, first: int, second: int) -> tuple[bytes, ...]:
        """Return the proof between two sizes of the tree, checked; raises BadQuestion for impossible ones."""
        if not 0 < first <= second:
            raise BadQuestion(f"first {first} must be at least 1 and at most second {second}")
        if second > head.size:
            raise BadQuestion(f"second {second} is beyond the tree of {head.size}")
        node = TileReader(self._storage, head.size).node
        proof = consistency_proof_from(node, first, second)
        try:
            verify_consistency(first, second, _root(node, first, head), _root(node, second, head), proof)
        except InvalidProof as error:
            raise DamagedTree(f"a stored hash tile is damaged: {error}") from error
        return proof

    def leaf_hash(self, head: Head, index: int) -> bytes:
        """Return the hash of a leaf as the tree has it."""
        return TileReader(self._storage, head.size).node(0, index)

    def static(self, head: Head, path: str) -> bytes:
        """Return a tile or issuer of static-ct-api by its path; raises NotFound."""
        try:
            if _ISSUER_PATH.fullmatch(path):
                return self._storage.read(path)
            return self._static_tile(head, path)
        except NotStored:
            raise NotFound(f"{path} is not part of this log") from None

    def _static_tile(self, head: Head, path: str) -> bytes:
        try:
            name = TilePath.parse_path(path)
        except MalformedInput:
            raise NotFound(f"{path[:100]} is not the name of a tile") from None
        covered = (name.index * TILE_WIDTH + name.width) << (8 * (name.level or 0))
        if covered > head.size:
            raise NotFound(f"{path} is not part of a tree of {head.size}")
        if name.level is None:
            return self.data_tile(Tile("data", name.index, name.width))
        return TileReader(self._storage, covered).hashes(name.level, name.index)


def _root(node: NodeReader, size: int, head: Head) -> bytes:
    """The root of the tree of ``size`` leaves, which the signed head's must continue; raises InvalidProof."""
    root = root_from(node, size)
    verify_consistency(size, head.size, root, head.root, consistency_proof_from(node, size, head.size))
    return root
