"""A log's public side copied into a directory that any static web server or CDN serves (static-ct-api).

Files come before what commits to them, and the checkpoint last, so that the copy is consistent at every
moment, also after a crash; running it again goes on where it stopped and copies only what is new. What is
copied is compared with the signed tree first, so that damage does not spread to the copy.
"""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tlog.ct.agreement import check_agreement
from tlog.ct.checked import CheckedTiles, read_issuer
from tlog.ct.errors import LogSettingsError
from tlog.ct.heads import CtHeads
from tlog.ct.settings import FILE_NAME, load_settings
from tlog.ct.tile_entries import CtEntries
from tlog.errors import DamagedTree, NotStored
from tlog.head import Head
from tlog.startup import CHECKPOINT, remove_partials
from tlog.storage import DirectoryStore
from tlog.tree import TILE_WIDTH, Tile, tile_of_level
from verifier.algorithms import PublicKey
from verifier.errors import InvalidProof
from verifier.transparency.merkle import consistency_proof_from, verify_consistency

DESCRIPTION: Final = "log.v3.json"
"""What the log is, as one log of a log list: the first file of a copy, which says whose copy it is."""

COMPRESSED: Final = ".gz"
_TOGETHER: Final = 64  # files that are synced together
_TO_DO: Final = (
    "The copy goes on showing what it showed before. Bring the log directory back from a copy that is whole."
)


@dataclass(frozen=True, slots=True)
class Exported:
    """What one run did: the tree size of the copy before and now, the files that it added."""

    before: int
    tree_size: int
    files: int


@dataclass(frozen=True, slots=True)
class Export:
    """One log's export. ``description`` is the text of ``log.v3.json``; ``compress`` adds ``.gz`` files.

    ``progress`` is told how many of how many files have been looked at. ``lock_directory`` has the log's
    lock (default: beside the log).
    """

    source: Path
    target: Path
    description: bytes
    compress: bool = False
    progress: Callable[[int, int], None] = lambda _done, _total: None
    lock_directory: Path | None = None

    def run(self) -> Exported:
        """Copy what is new. Raises LogSettingsError where the target is not a copy of this log.

        Raises RefuseToStart where the log would not start; DamagedTree, StorageError. What is on disk
        after a crash at each step:

        1. The description names the log. Left: a directory that the next run knows as its own.
        2. Issuers, then tiles of entries, then hash tiles. Left: files that no checkpoint names yet.
        3. The checkpoint. From here on the copy shows the new tree.
        4. Partial tiles that the tree before had filled are removed; those of the tree before stay for
           whoever has just read its checkpoint.
        """
        if (self.target / FILE_NAME).exists():
            raise LogSettingsError(f"{self.target} is a log itself, not a place for a copy of one")
        settings = load_settings(self.source)
        check_agreement(self.source, lock_directory=self.lock_directory)
        heads = CtHeads(settings.origin, PublicKey.from_spki(settings.key))
        head = heads.open(DirectoryStore(self.source).read(CHECKPOINT))
        store = DirectoryStore(self.target)
        try:
            tiles = CheckedTiles(DirectoryStore(self.source), head)
            before = self._before(store, heads, head, tiles)
            store.replace(DESCRIPTION, self.description)
            files = self._copy(store, head, tiles)
        except DamagedTree as error:
            raise DamagedTree(f"{error}. {_TO_DO}") from error
        store.replace(CHECKPOINT, head.text)
        remove_partials(store, (key for key in _full_tiles(before) if (self.target / f"{key}.p").is_dir()))
        return Exported(before, head.size, files)

    def _before(self, store: DirectoryStore, heads: CtHeads, head: Head, tiles: CheckedTiles) -> int:
        """Return the size of the tree that the copy shows, which must be one that this log has grown from."""
        try:
            shown = heads.open(store.read(CHECKPOINT))
        except NotStored:
            self._check_ours()
            return 0
        except DamagedTree as error:
            raise LogSettingsError(f"{self.target} is not a copy of this log: {error}") from error
        if shown.size > head.size:
            raise LogSettingsError(
                f"{self.target} shows {shown.size} entries, the log has {head.size}: the log is an old copy"
            )
        proof = consistency_proof_from(tiles.node, shown.size, head.size) if shown.size else ()
        try:
            verify_consistency(shown.size, head.size, shown.root, head.root, proof)
        except InvalidProof as error:
            raise LogSettingsError(
                f"{self.target} shows a tree that this log has not grown from; keep it as evidence: {error}"
            ) from error
        return shown.size

    def _check_ours(self) -> None:
        """A directory without a checkpoint must be empty, or what a run that was cut short has left."""
        description = self.target / DESCRIPTION
        try:
            if description.exists() and _log_id(description.read_bytes()) == _log_id(self.description):
                return
            if not self.target.exists() or not any(self.target.iterdir()):
                return
        except OSError as error:
            raise LogSettingsError(f"could not read {self.target}: {error.strerror}") from error
        raise LogSettingsError(
            f"{self.target} is neither empty nor a copy of this log; name a directory of its own"
        )

    def _copy(self, store: DirectoryStore, head: Head, tiles: CheckedTiles) -> int:
        wanted = [*self._issuers(), *(self._tile(tile, tiles) for tile in _tiles(head.size))]
        added, batch = 0, dict[str, bytes]()
        for done, (key, read) in enumerate(wanted, 1):
            batch |= self._missing(key, read)
            if len(batch) >= _TOGETHER or done == len(wanted):
                store.create(batch)
                added, batch = added + len(batch), {}
            self.progress(done, len(wanted))
        return added

    def _issuers(self) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """Yield each issuer's key, and what reads and checks it."""
        store = DirectoryStore(self.source)
        return ((key, partial(read_issuer, store, key)) for key in store.keys("issuer/"))

    def _tile(self, tile: Tile, tiles: CheckedTiles) -> tuple[str, Callable[[], bytes]]:
        """Return a tile's key, and what reads and checks it."""
        if tile.kind == CtEntries.kind:
            return tile.key, partial(tiles.data, tile)
        return tile.key, partial(tiles.hashes, int(tile.kind), tile.index)

    def _missing(self, key: str, read: Callable[[], bytes]) -> Mapping[str, bytes]:
        """Return what is not in the copy yet of one file and its compressed form. Hashes do not compress."""
        names = [key]
        if self.compress and key.startswith(("tile/data/", "issuer/")):
            names.append(key + COMPRESSED)
        missing = [name for name in names if not (self.target / name).exists()]
        if not missing:
            return {}
        data = read()
        return {name: gzip.compress(data, mtime=0) if name.endswith(COMPRESSED) else data for name in missing}


def _log_id(description: bytes) -> object:
    try:
        return json.loads(description)["log_id"]
    except (ValueError, KeyError, TypeError):
        return None


def _tiles(size: int) -> Iterator[Tile]:
    """Yield every tile of a tree: those of entries first, then the hashes, level by level."""
    for index in range(-(-size // TILE_WIDTH)):
        yield Tile("data", index, min(TILE_WIDTH, size - index * TILE_WIDTH))
    level, count = 0, size
    while count:
        for index in range(-(-count // TILE_WIDTH)):
            yield tile_of_level(level, index, size)
        level, count = level + 1, count // TILE_WIDTH


def _full_tiles(size: int) -> Iterator[str]:
    return (tile.key for tile in _tiles(size) if tile.width == TILE_WIDTH)
