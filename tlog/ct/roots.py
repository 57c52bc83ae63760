"""The roots that a log accepts: a PEM file in its directory, read again when it changes."""

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from tlog.ct.errors import LogSettingsError
from tlog.storage import DirectoryStore
from verifier.certificates import Certificate, load_pem_chain
from verifier.errors import MalformedInput

logger = logging.getLogger(__name__)

FILE_NAME = "roots.pem"
_LOOK_EVERY = 1.0


def save_roots(directory: Path, roots: Iterable[Certificate]) -> None:
    """Write ``directory/roots.pem`` atomically; a running log takes it up within seconds."""
    unique = {root.der: root for root in roots}
    text = "".join(f"# {root.subject}\n{root.pem}" for root in unique.values())
    DirectoryStore(directory).replace(FILE_NAME, text.encode())


class AcceptedRoots:
    """The accepted roots by subject. A file that turns bad while the log runs is reported and not taken."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._stamp = self._file_stamp()
        self._by_subject = self._load()

    def by_subject(self) -> Mapping[bytes, tuple[Certificate, ...]]:
        """Return the roots in force, under the DER of their subjects."""
        with self._lock:
            if time.monotonic() - self._looked > _LOOK_EVERY:
                self._looked = time.monotonic()
                self._reload_if_changed()
            return self._by_subject

    def all(self) -> list[Certificate]:
        """Return the roots in force."""
        return [root for roots in self.by_subject().values() for root in roots]

    def _reload_if_changed(self) -> None:
        try:
            if (stamp := self._file_stamp()) != self._stamp:
                self._stamp = stamp
                self._by_subject = self._load()
                logger.info("%s: %d accepted roots", self._path, sum(map(len, self._by_subject.values())))
        except LogSettingsError as error:
            logger.error("%s; the roots read before stay in force", error)  # noqa: TRY400 - expected

    def _file_stamp(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError as error:
            raise LogSettingsError(f"could not read {self._path}: {error.strerror}") from error
        return status.st_mtime_ns, status.st_ino, status.st_size

    def _load(self) -> Mapping[bytes, tuple[Certificate, ...]]:
        try:
            roots = load_pem_chain(self._path.read_bytes())
        except OSError as error:
            raise LogSettingsError(f"could not read {self._path}: {error.strerror}") from error
        except MalformedInput as error:
            raise LogSettingsError(f"{self._path}: {error}") from error
        found: dict[bytes, tuple[Certificate, ...]] = {}
        for root in roots:
            found[root.subject_der] = (*found.get(root.subject_der, ()), root)
        return MappingProxyType(found)
