"""The roots that a log accepts: a PEM file in its directory, read again when it changes."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from tlog.ct.errors import LogSettingsError
from tlog.ct.watch import WatchedFile
from tlog.storage import DirectoryStore
from verifier.certificates import Certificate, load_pem_chain
from verifier.errors import MalformedInput

logger = logging.getLogger(__name__)

FILE_NAME = "roots.pem"


def save_roots(directory: Path, roots: Iterable[Certificate]) -> None:
    """Write ``directory/roots.pem`` atomically; a running log takes it up within seconds."""
    unique = {root.der: root for root in roots}
    text = "".join(f"# {root.subject}\n{root.pem}" for root in unique.values())
    DirectoryStore(directory).replace(FILE_NAME, text.encode())


class AcceptedRoots:
    """The accepted roots by subject. A file that turns bad while the log runs is reported and not taken."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME
        self._file = WatchedFile(self._path)
        self._by_subject = self._load()

    def by_subject(self) -> Mapping[bytes, tuple[Certificate, ...]]:
        """Return the roots in force, under the DER of their subjects."""
        if self._file.changed():
            try:
                self._by_subject = self._load()
            except LogSettingsError as error:
                logger.error("%s; the roots read before stay in force", error)  # noqa: TRY400 -- expected
            else:
                logger.info("%s: read again", self._path)
        return self._by_subject

    def all(self) -> list[Certificate]:
        """Return the roots in force."""
        return [root for roots in self.by_subject().values() for root in roots]

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
