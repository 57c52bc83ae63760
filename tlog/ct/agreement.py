"""Whether a log's store and its lock may stand beside each other, as a start of the log would judge it."""

from pathlib import Path

from tlog.ct.heads import CtHeads
from tlog.ct.settings import load_settings
from tlog.lock import read_head
from tlog.startup import check_lock
from tlog.storage import DirectoryStore
from verifier.algorithms import PublicKey


def check_agreement(directory: Path, *, lock_directory: Path | None = None) -> None:
    """Raise RefuseToStart, with what to do, where store or lock is an old copy or not its own.

    Reads only, and the log may be running. Raises LogSettingsError, StorageError.
    """
    settings = load_settings(directory)
    heads = CtHeads(settings.origin, PublicKey.from_spki(settings.key))
    locks = lock_directory or directory.parent
    check_lock(DirectoryStore(directory), lambda: read_head(locks, directory.name), heads)
