"""``mingjing log verify``: everything a log has stored, rebuilt and compared with what it has signed."""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tlog.ct.agreement import check_agreement
from tlog.ct.exporting import COMPRESSED
from tlog.ct.heads import CtHeads
from tlog.ct.settings import load_settings
from tlog.ct.tile_entries import CtEntries
from tlog.errors import DamagedTree, NotStored, RefuseToStart
from tlog.head import Head
from tlog.startup import CHECKPOINT, FINAL
from tlog.storage import DirectoryStore, Storage
from tlog.tree import TILE_WIDTH, Tile
from tlog.verify import Damage, verify_tree
from verifier.algorithms import PublicKey
from verifier.transparency.tiles import issuer_path

_GZIP = 16 + zlib.MAX_WBITS  # zlib's way to ask for RFC 1952


@dataclass(frozen=True, slots=True)
class LogReport:
    """What was found in a log's storage; ``head`` is None when there is no readable checkpoint."""

    name: str
    head: Head | None
    damages: tuple[Damage, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing at all is wrong."""
        return not self.damages


Progress = Callable[[int, int], None]
"""Told how many of how many tiles of entries have been read."""


def _silent(_done: int, _total: int) -> None:
    """Nobody wants to know."""


def verify_log(
    directory: Path, *, lock_directory: Path | None = None, progress: Progress = _silent
) -> LogReport:
    """Rebuild a log's tree from its entries and compare every stored object; it may be running meanwhile.

    Needs no private key: the log's public key is in its ``log.toml``. Reads every entry. Raises
    LogSettingsError and StorageError; everything else that is wrong is in the report.
    """
    settings = load_settings(directory)
    heads = CtHeads(settings.origin, PublicKey.from_spki(settings.key))
    report = verify_copy(directory, heads, settings.name, progress=progress)
    if report.head is None:
        return report
    beside = tuple(_beside(directory, lock_directory))
    return replace(report, damages=(*beside, *report.damages))


def verify_copy(directory: Path, heads: CtHeads, name: str, *, progress: Progress = _silent) -> LogReport:
    """Rebuild the tree in a copy of a log's public side, as ``verify_log`` does; ``heads`` has its key."""
    try:
        head = heads.open(DirectoryStore(directory).read(CHECKPOINT))
    except (DamagedTree, NotStored) as error:
        return LogReport(name, None, (Damage(CHECKPOINT, str(error)),))
    storage = _Counted(directory, 2 * -(-head.size // TILE_WIDTH), progress)
    damages = (*verify_tree(storage, head, CtEntries()), *_issuers(storage, head), *_compressed(storage))
    return LogReport(name, head, damages)


class _Counted(DirectoryStore):
    """A store that tells how many tiles of entries were read; each is read twice."""

    def __init__(self, directory: Path, total: int, progress: Progress) -> None:
        super().__init__(directory)
        self._done, self._total, self._progress = 0, total, progress

    def read(self, key: str) -> bytes:
        if key.startswith(f"tile/{CtEntries.kind}/"):
            self._done = min(self._done + 1, self._total)
            self._progress(self._done, self._total)
        return super().read(key)


def _beside(directory: Path, lock_directory: Path | None) -> Iterator[Damage]:
    """The lock may be ahead, by a flush that is being written; all else would be refused at a start."""
    try:
        check_agreement(directory, lock_directory=lock_directory)
    except RefuseToStart as error:
        yield Damage(f"{directory.name}.head", str(error))


def _issuers(storage: Storage, head: Head) -> Iterator[Damage]:
    """Every issuer that an entry names is stored under its own SHA-256."""
    seen: set[bytes] = set()
    entries = CtEntries()
    for number in range(-(-head.size // TILE_WIDTH)):
        width = min(TILE_WIDTH, head.size - number * TILE_WIDTH)
        try:
            leaves = entries.parse(storage.read(Tile(entries.kind, number, width).key))
        except (DamagedTree, NotStored):
            continue  # reported with the tree
        named = {fingerprint for leaf in leaves for fingerprint in leaf.chain} - seen
        seen |= named
        yield from (damage for fingerprint in named if (damage := _issuer(storage, fingerprint)))


def _compressed(storage: Storage) -> Iterator[Damage]:
    """What an export compressed is the same file: a web server gives out the one or the other."""
    for prefix in (f"tile/{CtEntries.kind}/", "issuer/"):
        for key in storage.keys(prefix):
            if key.endswith(COMPRESSED) and (damage := _compare_compressed(storage, key)):
                yield damage


def _compare_compressed(storage: Storage, key: str) -> Damage | None:
    plain = key.removesuffix(COMPRESSED)
    try:
        whole = storage.read(plain)
        unpacker = zlib.decompressobj(_GZIP)
        found = unpacker.decompress(storage.read(key), len(whole) + 1)
    except (NotStored, zlib.error) as error:
        return Damage(key, f"cannot be compared with {plain}: {error}")
    return None if found == whole else Damage(key, f"holds other bytes than {plain}")


def _issuer(storage: Storage, fingerprint: bytes) -> Damage | None:
    path = issuer_path(fingerprint)
    try:
        data = storage.read(path)
    except NotStored:
        return Damage(path, "is missing, though entries name it")
    if hashlib.sha256(data).digest() != fingerprint:
        return Damage(path, "is not the certificate of that SHA-256")
    return None


def final_head(directory: Path) -> Head | None:
    """Return the last head of a frozen log, verified; None until it is signed.

    Raises LogSettingsError, DamagedTree, StorageError.
    """
    settings = load_settings(directory)
    try:
        text = DirectoryStore(directory).read(FINAL)
    except NotStored:
        return None
    return CtHeads(settings.origin, PublicKey.from_spki(settings.key)).open(text)


def published_head(directory: Path) -> Head:
    """Return the head that a log shows the world, verified.

    Raises LogSettingsError, DamagedTree, StorageError.
    """
    settings = load_settings(directory)
    heads = CtHeads(settings.origin, PublicKey.from_spki(settings.key))
    return heads.open(DirectoryStore(directory).read(CHECKPOINT))
