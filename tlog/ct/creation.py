"""A new log: its roots, its first signed head, its log.toml; and promises that no log should ever make."""

import warnings
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tlog.clock import Clock
from tlog.ct.heads import CtHeads
from tlog.ct.roots import save_roots
from tlog.ct.settings import FILE_NAME, LogSettings, LogState, save_settings
from tlog.errors import RefuseToStart
from tlog.lock import FileLock
from tlog.startup import CHECKPOINT
from tlog.storage import DirectoryStore
from verifier.algorithms import Signer
from verifier.certificates import Certificate
from verifier.transparency import moments
from verifier.transparency.digitally_signed import log_scheme
from verifier.transparency.entries import Entry
from verifier.transparency.merkle import EMPTY_ROOT
from verifier.transparency.sct import SignedCertificateTimestamp, sct_extensions
from verifier.transparency.verify import sign_sct

DEFAULT_MERGE_DELAY: Final = timedelta(seconds=60)


def create_log(
    directory: Path,
    *,
    name: str,
    origin: str,
    signer: Signer,
    roots: Iterable[Certificate],
    description: str = "",
    merge_delay: timedelta = DEFAULT_MERGE_DELAY,
    not_after: tuple[datetime | None, datetime | None] = (None, None),
    state: LogState = LogState.USABLE,
    operator: str = "",
    eku: tuple[str, ...] = (),
    lock_directory: Path | None = None,
    clock: Clock | None = None,
) -> LogSettings:
    """Make an empty log, with its first signed head. Raises RefuseToStart if one is there already.

    ``origin`` is the submission address without scheme and without a slash at the end; it can never change,
    nor can ``not_after``, the interval (from inclusive, until exclusive) in which its certificates end.
    A creation cut short by a crash may be repeated. Raises UnsupportedAlgorithm for a key no log has.
    """
    if (directory / FILE_NAME).exists():
        raise RefuseToStart(f"{directory} already holds a log; choose another name")
    log_scheme(signer.public_key)
    now = datetime.now(UTC).replace(microsecond=0)
    settings = LogSettings(
        name=name,
        origin=origin,
        key=signer.public_key.spki,
        description=description or f"{name} log of {origin}",
        state=state,
        state_since=now,
        merge_delay=merge_delay,
        not_after_from=not_after[0],
        not_after_until=not_after[1],
        operator=operator,
        eku=eku,
    )
    directory.mkdir(parents=True, exist_ok=True)
    save_roots(directory, roots)
    _first_head(directory, CtHeads(origin, signer.public_key, signer), lock_directory, clock or Clock())
    save_settings(directory, settings)  # last: from here on the log exists
    return settings


def _first_head(directory: Path, heads: CtHeads, lock_directory: Path | None, clock: Clock) -> None:
    """Put the head of the empty tree in force; one that an interrupted creation left is kept."""
    lock = FileLock(lock_directory or directory.parent, directory.name)
    try:
        text = lock.load()
        if text is None:
            text = heads.sign(0, EMPTY_ROOT, clock.timestamp(0)).text
            lock.swap(None, text)
        elif heads.open(text).size:
            raise RefuseToStart(
                f"the lock beside {directory} belongs to a log that has entries, and the log is not there. "
                "Bring the directory back from a copy, or choose another name."
            )
        DirectoryStore(directory).replace(CHECKPOINT, text)
    finally:
        lock.close()


def unsafe_promise_without_entry(
    entry: Entry, signer: Signer, *, time: datetime, leaf_index: int
) -> SignedCertificateTimestamp:
    """Sign an SCT for an entry that no log holds: the very offence that auditors look for. Warns each time.

    For a demonstration's throw-away logs only: a key that signs this once can never be trusted again.
    """
    warnings.warn(
        "an SCT was signed for an entry that is in no log; never do this with the key of a real log",
        RuntimeWarning,
        stacklevel=2,
    )
    return sign_sct(entry, moments.to_timestamp(time), sct_extensions(leaf_index), signer)
