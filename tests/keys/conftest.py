from pathlib import Path

import pytest

from keys import FileKeyStore


@pytest.fixture(autouse=True)
def no_master_key_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINGJING_MASTER_KEY_FILE", raising=False)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data" / "keys"


@pytest.fixture
def store(directory: Path) -> FileKeyStore:
    return FileKeyStore.create(directory, "issuer")
