"""A witness with a store of its own, and a log that it knows."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.witness import Cosigner, KnownLogs, WitnessStore
from tests.monitor.witness.notes import NoteLog
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.transparency.log_key import LogKey

NAME = "witness.example/w1"


@pytest.fixture
def made() -> NoteLog:
    """A log of seven entries."""
    return NoteLog().grow(7)


@pytest.fixture
def make_cosigner(tmp_path: Path) -> Iterator[Callable[..., Cosigner]]:
    """Makes a witness; every one of a test has the same key and the same store."""
    key = PrivateKey.generate(KeyAlgorithm.ED25519)
    stores: list[WitnessStore] = []

    def make(*vkeys: str, **options: Any) -> Cosigner:
        stores.append(WitnessStore(tmp_path / "witness.db"))
        logs = KnownLogs(LogKey.parse(vkey) for vkey in vkeys)
        return Cosigner(NAME, key, stores[-1], logs, **options)

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def cosigner(make_cosigner: Callable[..., Cosigner], made: NoteLog) -> Cosigner:
    """A witness that knows the log."""
    return make_cosigner(made.vkey)
