"""How a log starts, and starts again after a failed write: from the lock, checked against the store."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tlog.errors import DamagedTree, NotStored, RefuseToStart
from tlog.head import EntryFormat, Head, HeadSigner
from tlog.lock import HeadLock
from tlog.staging import decode, staging_key, store
from tlog.storage import Storage
from tlog.tree import HASH_SIZE, TILE_WIDTH, RightEdge, Tile
from verifier.transparency.merkle import hash_leaf

CHECKPOINT = "checkpoint"
FINAL = "checkpoint.final"
"""Where a frozen log keeps its last head, once nothing can come after it."""
_LOOKS = 20
_FROM_COPY = (
    "Bring back the log directory from a copy made after that head, or retire this log and create another."
)


@dataclass(frozen=True, slots=True)
class State:
    """All that the writer keeps in memory: the head, the tree's right edge, the last entry tile's bytes.

    ``checkpoint`` is what is published: the head's text, perhaps with cosignatures after it. ``replayed``
    names what a staged batch was replayed for: its partial tiles may still be there.
    """

    head: Head
    edge: RightEdge
    tail: bytes
    checkpoint: bytes
    replayed: tuple[str, ...] = ()


def load_state(storage: Storage, lock: HeadLock, signer: HeadSigner, entries: EntryFormat) -> State:
    """Return the state in force, after completing a flush that a crash cut short.

    Raises RefuseToStart, saying what was found and what to do, when store and lock cannot belong together;
    StorageError when reading or writing fails. Cost and time do not depend on the tree's size.
    """
    try:
        head = _locked_head(lock.load(), signer)
        published, staged = _found(storage, head, signer)
        if staged:
            store(storage, staged)
        edge = RightEdge.load(storage, head.size)
        if edge.root() != head.root:
            raise DamagedTree(
                f"the stored tiles give another root than the signed head of {head.size} entries: a tile at "
                "the tree's right edge is damaged or comes from another log"
            )
        tail = _tail(storage, edge, entries)
    except DamagedTree as error:
        raise RefuseToStart(f"{error}. {_FROM_COPY}") from error
    if published is not None and _is_published(head, published):
        return State(head, edge, tail, published.text, tuple(staged or ()))
    storage.replace(CHECKPOINT, head.text)
    return State(head, edge, tail, head.text, tuple(staged or ()))


def check_lock(storage: Storage, load: Callable[[], bytes | None], signer: HeadSigner) -> None:
    """Raise RefuseToStart where a start would, because store and lock cannot belong together; writes nothing.

    ``load`` reads the lock. The log may be running: a lock that has moved on meanwhile is looked at again.
    Raises StorageError.
    """
    for left in reversed(range(_LOOKS)):
        text = load()
        try:
            _found(storage, _locked_head(text, signer), signer)
        except (DamagedTree, RefuseToStart) as error:
            if left and load() != text:
                continue
            if isinstance(error, DamagedTree):
                raise RefuseToStart(f"{error}. {_FROM_COPY}") from error
            raise
        return


def _found(
    storage: Storage, head: Head, signer: HeadSigner
) -> tuple[Head | None, Mapping[str, bytes] | None]:
    """Return the checkpoint and the staged batch beside a locked head, if they may stand there.

    The batch is read first: a running log removes it after it has published the checkpoint.
    """
    batch = _batch(storage, head)
    published = _published_head(storage, signer)
    staged = _staged(batch, needed=published is None or published.size < head.size)
    _compare(published, head, staged)
    return published, staged


def _is_published(head: Head, published: Head) -> bool:
    """Whether the stored checkpoint is this head's: the same note, perhaps with cosignatures after it."""
    return published.text.startswith(head.text)


def remove_partials(storage: Storage, keys: Iterable[str]) -> None:
    """Delete the partial forms of the full tiles among these keys."""
    full = [key for key in keys if key.startswith("tile/") and ".p/" not in key]
    for key in full:
        for partial in list(storage.keys(f"{key}.p/")):
            storage.delete(partial)


def _locked_head(text: bytes | None, signer: HeadSigner) -> Head:
    if text is None:
        raise RefuseToStart(
            f"the lock holds no tree head for {signer.origin}, so nothing tells whether the stored "
            "tree is the newest. Put the lock file back where it was; if it is lost, retire this log and "
            "create another."
        )
    try:
        return signer.open(text)
    except DamagedTree as error:
        raise RefuseToStart(
            f"the tree head in the lock is damaged ({error}), so nothing tells what was signed last. Bring "
            "the lock file back from a copy made after that, or retire this log and create another."
        ) from error


def _published_head(storage: Storage, signer: HeadSigner) -> Head | None:
    """Return the stored checkpoint; None when there is none, which the lock can make good."""
    try:
        return signer.open(storage.read(CHECKPOINT))
    except NotStored:
        return None
    except DamagedTree as error:
        raise RefuseToStart(
            f"the published checkpoint is damaged ({error}). The lock is what counts: unless its file was "
            "brought back from a copy, remove the checkpoint and start the log, which publishes it again."
        ) from error


def _batch(storage: Storage, head: Head) -> bytes | None:
    """Read the batch that led to this head, None when it was stored and removed long ago."""
    try:
        return storage.read(staging_key(head.size, head.root))
    except NotStored:
        return None


def _staged(batch: bytes | None, *, needed: bool) -> Mapping[str, bytes] | None:
    try:
        return None if batch is None else decode(batch)
    except DamagedTree:
        if needed:
            raise
        return None  # its tiles were all stored before the checkpoint was


def _compare(published: Head | None, locked: Head, staged: Mapping[str, bytes] | None) -> None:
    if published is None or _is_published(locked, published):
        return
    if published.size > locked.size or (
        published.size == locked.size and published.timestamp > locked.timestamp
    ):
        raise RefuseToStart(
            f"the store is newer than its lock: it has published {published.size} entries, the lock knows "
            f"{locked.size}. The lock was brought back from an old copy, or another program wrote the store. "
            "Going on would fork the log. Bring the newest lock file back."
        )
    if published.size == locked.size and published.root != locked.root:
        raise RefuseToStart(
            f"the store and the lock hold different trees of {locked.size} entries. One of them belongs to "
            "another log or was forked. Keep both as evidence; retire this log and create another."
        )
    if published.size < locked.size and staged is None:
        raise RefuseToStart(
            f"the store is older than its lock: it holds {published.size} entries, the lock has signed "
            f"{locked.size}, and the batch between them is gone. The store comes from an old copy. "
            + _FROM_COPY
        )


def _tail(storage: Storage, edge: RightEdge, entries: EntryFormat) -> bytes:
    """Read the entries of the last, partial tile and check them against their hashes."""
    width = edge.size % TILE_WIDTH
    if not width:
        return b""
    tile = Tile(entries.kind, edge.size // TILE_WIDTH, width)
    try:
        tail = storage.read(tile.key)
    except NotStored:
        raise DamagedTree(f"the tile {tile.key} is missing from the store") from None
    check_entries(tile, tail, edge.levels[0], entries)
    return tail


def check_entries(tile: Tile, data: bytes, hashes: bytes, entries: EntryFormat) -> None:
    """Compare the entries of a tile with the hash tile beside it; raises DamagedTree."""
    leaves = entries.leaves(data)
    found = [hash_leaf(leaf) for leaf in leaves]
    expected = [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]
    if found != expected:
        raise DamagedTree(f"the entries in {tile.key} do not have the hashes that the tree commits to")
