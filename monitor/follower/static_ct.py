"""A reader of static-ct-api logs (C2SP): a checkpoint, tiles of hashes, tiles of entries, issuers by hash."""

from collections.abc import Sequence
from hashlib import sha256

from monitor.errors import (
    BadResponse,
    DataTileWrong,
    IssuerMissing,
    IssuerWrong,
    KeyWrong,
    SourceError,
    TileShort,
    WrongOrigin,
)
from monitor.follower.body import recorded
from monitor.follower.meter import Gets
from monitor.follower.source import Located
from verifier.errors import InvalidSignature, MalformedInput
from verifier.transparency.api import MAX_ENTRIES_SIZE, RawEntry
from verifier.transparency.checkpoint import Checkpoint, checkpoint_to_tree_head
from verifier.transparency.extra_data import PrecertChainEntry, X509ChainEntry
from verifier.transparency.merkle import NodeReader, consistency_proof_from, inclusion_proof_from
from verifier.transparency.strict_json import encode_base64
from verifier.transparency.tiles import (
    TILE_WIDTH,
    Tile,
    TileLeaf,
    issuer_path,
    node_reader,
    parse_data_tile,
    tile_of,
)
from verifier.transparency.tree_head import SignedTreeHead

MAX_CHECKPOINT = 64 * 1024
MAX_ISSUER = 1024 * 1024
MAX_ISSUERS_KEPT = 2000
HASH = 32


class StaticSource:
    """Reads ``<monitoring_url>checkpoint`` and what is beside it. Not shared between threads."""

    def __init__(self, url: str, origin: str, log_id: bytes, fetcher: Gets) -> None:
        self._base = url.rstrip("/") + "/"
        self.origin = origin
        """The first line of the log's checkpoints; empty until one was read, and kept from then on."""
        self._log_id = log_id
        self._fetcher = fetcher
        self._size = 0
        self._issuers: dict[bytes, bytes] = {}

    def tree_head(self) -> SignedTreeHead:
        """Return the tree head in the checkpoint."""
        url = self._base + "checkpoint"
        data = self._fetcher.get(url, limit=MAX_CHECKPOINT)
        try:
            checkpoint = Checkpoint.parse(data)
            head = self._head(checkpoint, data)
        except MalformedInput as error:
            raise BadResponse(f"{url}: {error}", recorded(url, data, kind="checkpoint")) from error
        self.origin = checkpoint.origin
        self._size = max(self._size, head.tree_size)
        return head

    def _head(self, checkpoint: Checkpoint, data: bytes) -> SignedTreeHead:
        expected, url = self.origin or checkpoint.origin, self._base + "checkpoint"
        record = {"url": url, "checkpoint": encode_base64(data), "origin": expected}
        try:
            return checkpoint_to_tree_head(checkpoint, expected, self._log_id)
        except InvalidSignature as error:
            kind = WrongOrigin if checkpoint.origin != expected else KeyWrong
            raise kind(f"{url}: {error}", record) from error

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return a consistency proof made from the tiles that the log serves."""
        return tuple(consistency_proof_from(self._nodes(second), first, second))

    def at(self, index: int, size: int) -> Located:
        """Return a leaf and its path, from the tiles that the log serves."""
        node = self._nodes(size)
        return Located(node(0, index), index, tuple(inclusion_proof_from(node, index, size)))

    def find(self, leaf_hash: bytes, near: int, size: int) -> Located | None:
        """Look for a leaf in the tile of ``near`` and its neighbours: tiles have no index by hash."""
        middle = min(near, size - 1) // TILE_WIDTH
        for index in (middle, middle - 1, middle + 1):
            if 0 <= index * TILE_WIDTH < size:
                tile = tile_of(0, index, size)
                hashes = tile.parse_hashes(self.tile(tile))
                if leaf_hash in hashes:
                    return self.at(index * TILE_WIDTH + hashes.index(leaf_hash), size)
        return None

    def entries(self, start: int, end: int) -> Sequence[RawEntry]:
        """Return the entries of the data tile that ``start`` lies in."""
        tile = tile_of(None, start // TILE_WIDTH, max(self._size, end))
        try:
            leaves = self._leaves(tile)
        except SourceError as error:  # a partial tile may be gone once the full one is there
            if tile.full == tile or "status" not in error.record:
                raise
            leaves = self._leaves(tile.full)
        first = tile.index * TILE_WIDTH
        return [self._raw(leaf) for leaf in leaves[start - first : end - first]]

    def _leaves(self, tile: Tile) -> Sequence[TileLeaf]:
        body = self._fetcher.get(self._base + tile.path, limit=MAX_ENTRIES_SIZE)
        try:
            return parse_data_tile(body, tile.width)
        except MalformedInput as error:
            record = recorded(self._base + tile.path, body, path=tile.path)
            raise DataTileWrong(f"{self._base}{tile.path}: {error}", record) from error

    def tile(self, tile: Tile) -> bytes:
        """Return a tile of hashes; raises TileShort for one of another length than its width."""
        body = self._hashes(tile)
        if len(body) != tile.width * HASH:
            record = recorded(self._base + tile.path, body, path=tile.path)
            expected = f"{len(body)} bytes, expected {tile.width * HASH}"
            raise TileShort(f"{self._base}{tile.path}: {expected}", record)
        return body

    def _nodes(self, size: int) -> NodeReader:
        read: dict[Tile, bytes] = {}

        def read_tile(tile: Tile) -> bytes:
            if tile not in read:
                read[tile] = self.tile(tile)
            return read[tile]

        return node_reader(read_tile, size)

    def _hashes(self, tile: Tile) -> bytes:
        """Return a tile's bytes; a partial one may have been removed once the full one was there."""
        try:
            return self._fetcher.get(self._base + tile.path, limit=TILE_WIDTH * HASH)
        except SourceError as error:
            if tile.full == tile or "status" not in error.record:
                raise
            whole = self._fetcher.get(self._base + tile.full.path, limit=TILE_WIDTH * HASH)
            return whole[: tile.width * HASH]

    def _raw(self, leaf: TileLeaf) -> RawEntry:
        chain = tuple(self._issuer(fingerprint) for fingerprint in leaf.chain)
        beside = (
            X509ChainEntry(chain)
            if leaf.pre_certificate is None
            else PrecertChainEntry(leaf.pre_certificate, chain)
        )
        return RawEntry(leaf.timestamped.merkle_tree_leaf(), beside.encode())

    def _issuer(self, fingerprint: bytes) -> bytes:
        der = self._issuers.get(fingerprint)
        if der is None:
            if len(self._issuers) >= MAX_ISSUERS_KEPT:
                self._issuers.clear()
            der = self._issuers[fingerprint] = self._fetch_issuer(fingerprint)
        return der

    def _fetch_issuer(self, fingerprint: bytes) -> bytes:
        url, wanted = self._base + issuer_path(fingerprint), encode_base64(fingerprint)
        try:
            der = self._fetcher.get(url, limit=MAX_ISSUER)
        except SourceError as error:
            if "status" not in error.record or error.code == "busy":
                raise
            raise IssuerMissing(str(error), {**error.record, "fingerprint": wanted}) from error
        if sha256(der).digest() != fingerprint:
            raise IssuerWrong(f"{url}: another certificate", recorded(url, der, fingerprint=wanted))
        return der
