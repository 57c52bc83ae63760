"""``mingjing log verify``: everything a log has stored, rebuilt and compared with what it has signed."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tlog.ct.heads import CtHeads
from tlog.ct.settings import LogSettings, load_settings
from tlog.ct.tile_entries import CtEntries
from tlog.errors import DamagedTree, NotStored
from tlog.head import Head
from tlog.lock import read_head
from tlog.startup import CHECKPOINT, FINAL
from tlog.storage import DirectoryStore, Storage
from tlog.tree import TILE_WIDTH, Tile
from tlog.verify import Damage, verify_tree
from verifier.algorithms import PublicKey
from verifier.transparency.tiles import issuer_path


@dataclass(frozen=True, slots=True)
class LogReport:
    """What ``verify_log`` found; ``head`` is None when there is no readable checkpoint."""

    settings: LogSettings
    head: Head | None
    damages: tuple[Damage, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing at all is wrong."""
        return not self.damages


def verify_log(directory: Path, *, lock_directory: Path | None = None) -> LogReport:
    """Rebuild a log's tree from its entries and compare every stored object; it may be running meanwhile.

    Needs no private key: the log's public key is in its ``log.toml``. Reads every entry once. Raises
    LogSettingsError and StorageError; everything else that is wrong is in the report.
    """
    settings = load_settings(directory)
    storage = DirectoryStore(directory)
    heads = CtHeads(settings.origin, PublicKey.from_spki(settings.key))
    try:
        head = heads.open(storage.read(CHECKPOINT))
    except (DamagedTree, NotStored) as error:
        return LogReport(settings, None, (Damage(CHECKPOINT, str(error)),))
    damages = (
        *_compare_lock(head, heads, lock_directory or directory.parent, directory.name),
        *verify_tree(storage, head, CtEntries()),
        *_issuers(storage, head),
    )
    return LogReport(settings, head, damages)


def _compare_lock(head: Head, heads: CtHeads, lock_directory: Path, name: str) -> Iterator[Damage]:
    """The lock may be ahead, by a flush that is being written; it may not be behind or beside."""
    text = read_head(lock_directory, name)
    if text is None:
        yield Damage(f"{name}.head", "is missing: the log cannot start without its lock")
        return
    try:
        locked = heads.open(text)
    except DamagedTree as error:
        yield Damage(f"{name}.head", str(error))
        return
    if locked.size < head.size:
        yield Damage(f"{name}.head", f"knows {locked.size} entries, the checkpoint {head.size}")
    elif locked.size == head.size and locked.root != head.root:
        yield Damage(f"{name}.head", "holds another tree of the same size: the log was forked")


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
