"""A reader of static-ct-api logs (C2SP): a checkpoint, tiles of hashes, tiles of entries, issuers by hash."""

from collections.abc import Sequence

from monitor.errors import BadResponse, SourceError, WrongOrigin
from monitor.follower.fetch import Fetcher
from verifier.errors import InvalidSignature, MalformedInput
from verifier.transparency.api import MAX_ENTRIES_SIZE, RawEntry
from verifier.transparency.checkpoint import Checkpoint, checkpoint_to_tree_head
from verifier.transparency.extra_data import PrecertChainEntry, X509ChainEntry
from verifier.transparency.merkle import consistency_proof_from
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

    def __init__(self, url: str, origin: str, log_id: bytes, fetcher: Fetcher) -> None:
        self._base = url.rstrip("/") + "/"
        self.origin = origin
        """The first line of the log's checkpoints; empty until one was read, and kept from then on."""
        self._log_id = log_id
        self._fetcher = fetcher
        self._size = 0
        self._issuers: dict[bytes, bytes] = {}

    def tree_head(self) -> SignedTreeHead:
        """Return the tree head in the checkpoint."""
        data = self._fetcher.get(self._base + "checkpoint", limit=MAX_CHECKPOINT)
        try:
            checkpoint = Checkpoint.parse(data)
            head = checkpoint_to_tree_head(checkpoint, self.origin or checkpoint.origin, self._log_id)
        except InvalidSignature as error:
            raise WrongOrigin(f"{self._base}checkpoint: {error}") from error
        except MalformedInput as error:
            raise BadResponse(f"{self._base}checkpoint: {error}") from error
        self.origin = checkpoint.origin
        self._size = max(self._size, head.tree_size)
        return head

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return a consistency proof made from the tiles that the log serves."""
        read: dict[Tile, bytes] = {}

        def read_tile(tile: Tile) -> bytes:
            if tile not in read:
                read[tile] = self._tile(tile, tile.width * HASH)
            return read[tile]

        try:
            return tuple(consistency_proof_from(node_reader(read_tile, second), first, second))
        except MalformedInput as error:
            raise BadResponse(f"{self._base}: {error}") from error

    def entries(self, start: int, end: int) -> Sequence[RawEntry]:
        """Return the entries of the data tile that ``start`` lies in."""
        try:
            tile = tile_of(None, start // TILE_WIDTH, max(self._size, end))
            leaves = parse_data_tile(self._tile(tile, MAX_ENTRIES_SIZE), tile.width)
            first = tile.index * TILE_WIDTH
            return [self._raw(leaf) for leaf in leaves[start - first : end - first]]
        except MalformedInput as error:
            raise BadResponse(f"{self._base}: {error}") from error

    def _tile(self, tile: Tile, limit: int) -> bytes:
        """Return a tile; a partial one may have been removed once the full one was there."""
        try:
            return self._fetcher.get(self._base + tile.path, limit=limit)
        except SourceError:
            if tile.full == tile or tile.level is None:
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
            der = self._fetcher.get(self._base + issuer_path(fingerprint), limit=MAX_ISSUER)
            self._issuers[fingerprint] = der
        return der
