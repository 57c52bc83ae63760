"""A log that could not be started: nothing is submitted to it, and it is read as far as that is safe."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tlog.ct.errors import LogSettingsError
from tlog.ct.heads import CtHeads
from tlog.ct.reader import LogReader
from tlog.ct.roots import AcceptedRoots
from tlog.ct.served import ServedLog
from tlog.ct.settings import LogSettings, load_settings
from tlog.errors import TlogError, Unavailable
from tlog.head import Head
from tlog.lock import read_head
from tlog.startup import CHECKPOINT
from tlog.storage import DirectoryStore
from verifier.algorithms import PublicKey
from verifier.errors import VerifierError

RETRY_AFTER = 60  # seconds; a person has to look at it


class ClosedLog(ServedLog):
    """Serves what is stored only while it is the very tree that the lock has signed.

    A store that is older than its lock, newer, or another tree is not shown to anyone: its checkpoint could
    take back, or contradict, what the log has told others.
    """

    def __init__(self, directory: Path, reason: str, *, lock_directory: Path | None = None) -> None:
        self.directory = directory
        self.reason = reason
        self._lock_directory = lock_directory or directory.parent
        self._reader = LogReader(DirectoryStore(directory))

    @property
    def settings(self) -> LogSettings:
        """What its log.toml says; raises LogSettingsError."""
        return load_settings(self.directory)

    @property
    def trouble(self) -> str:
        """Why the log could not be started."""
        return self.reason

    def submit(self, chain: Sequence[bytes], *, precertificate: bool) -> NoReturn:
        del chain, precertificate
        raise self._unavailable("the log takes no submissions")

    def get_roots(self) -> list[bytes]:
        try:
            return [root.der for root in AcceptedRoots(self.directory).all()]
        except LogSettingsError as error:
            raise self._unavailable("its roots cannot be read") from error

    def checkpoint(self) -> bytes:
        return self._now()[0].text

    def close(self) -> None:
        """Nothing is open."""

    def _leaf_index(self, leaf_hash: bytes) -> NoReturn:
        del leaf_hash
        raise self._unavailable("entries cannot be looked up by their hash while the log is stopped")

    def _now(self) -> tuple[Head, CtHeads, LogReader]:
        """Return the published head if it is the lock's; raises Unavailable."""
        try:
            settings = self.settings
            heads = CtHeads(settings.origin, PublicKey.from_spki(settings.key))
            published = heads.open(DirectoryStore(self.directory).read(CHECKPOINT))
            text = read_head(self._lock_directory, self.directory.name)
            locked = None if text is None else heads.open(text)
        except (TlogError, VerifierError) as error:
            raise self._unavailable("the log cannot be read") from error
        if locked is None or (locked.size, locked.root) != (published.size, published.root):
            raise self._unavailable("the log is not shown: its store and its lock disagree")
        return published, heads, self._reader

    def _unavailable(self, what: str) -> Unavailable:
        return Unavailable(f"{what}: {self.reason}", retry_after=RETRY_AFTER)
