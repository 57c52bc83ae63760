"""Watching in this data directory: its file, and which certificates are our own."""

import contextlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mingjing.config import Config, replace_file

if TYPE_CHECKING:
    from issuer.lookup import OwnCertificates
    from keys import FileKeyStore, KeyHandle
    from monitor import Monitor
    from monitor.watching.runner import Runner
    from verifier.algorithms import KeyAlgorithm

logger = logging.getLogger(__name__)


def write_watchlist(data: Path, settings: Config) -> None:
    """Write the watchlist of a new data directory: everything in the organisation's domain."""
    from monitor.watching.watchlist import FILE_NAME, template

    replace_file(data / FILE_NAME, template(f".{settings.domain}").encode(), 0o600)


@contextmanager
def watching(data: Path, settings: Config, monitor: "Monitor") -> "Iterator[Runner]":
    """Compare and deliver in the background while this lasts."""
    from issuer.lookup import OwnCertificates
    from monitor.watching.watchlist import FILE_NAME

    issued = Issued(OwnCertificates(data / "issuer.db"))
    runner = monitor.watching.runner(
        data / FILE_NAME, is_ours=issued.made, site=settings.public_url, signers=webhook_keys(data)
    )
    runner.start()
    try:
        yield runner
    finally:
        runner.stop()
        issued.close()


def webhook_keys(data: Path) -> "tuple[KeyHandle, ...]":
    """Return the keys that sign what goes to webhooks, made where they are missing. Raises KeyStoreError."""
    from keys import FileKeyStore
    from verifier.algorithms import KeyAlgorithm

    store = FileKeyStore.create(data / "keys", "watching")
    return tuple(_key(store, algorithm) for algorithm in (KeyAlgorithm.ED25519, KeyAlgorithm.SM2))


def _key(store: "FileKeyStore", algorithm: "KeyAlgorithm") -> "KeyHandle":
    from keys import KeyExists

    name = f"webhook-{algorithm}"
    with contextlib.suppress(KeyExists):  # made by another process meanwhile, or long ago
        if not store.exists(name):
            return store.generate(name, algorithm)
    return store.open(name)


class Issued:
    """What our own issuer made. Where that cannot be read, nothing is: one alert too many is better."""

    def __init__(self, own: "OwnCertificates") -> None:
        self._own = own

    def made(self, serial: int, tbs_hash: bytes) -> bool:
        """Tell whether our issuer made the certificate with this serial number and TBS hash."""
        from issuer.errors import IssuerError
        from verifier.errors import VerifierError

        try:
            return self._own.made(serial, tbs_hash)
        except (IssuerError, VerifierError, ValueError) as error:
            logger.warning("watching: serial %x is not known to be ours: %s", serial, error)
            return False

    def close(self) -> None:
        """Close the issuer's database."""
        self._own.close()
