"""Which logs are open: each for itself, whatever is wrong with another."""

import logging
import shutil
from pathlib import Path

import pytest

from mingjing import config
from mingjing.log_keeper import LogKeeper
from tlog.ct import ClosedLog, CtLog, LogState, change_state
from tlog.errors import NotAdmitting, Unavailable

pytestmark = pytest.mark.xdist_group("log commands")


@pytest.fixture
def data(initialised, tmp_path) -> Path:
    shutil.copytree(initialised, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def keeper(data, monkeypatch):
    monkeypatch.setattr("mingjing.log_keeper.LOOK_SECONDS", 3600)  # the tests look themselves
    monkeypatch.setattr("mingjing.log_keeper.RETRY_SECONDS", 0)
    with LogKeeper(data, config.load(data)) as opened:
        yield opened


def kinds(keeper) -> dict[str, type]:
    return {name: type(log) for name, log in keeper.served.items()}


def test_a_copy_of_a_log_is_never_opened_as_another(keeper, data):
    """It would sign other trees with the same key under the same origin."""
    shutil.copytree(data / "logs/p256", data / "logs/backup")
    shutil.copy(data / "keys/logs/p256.key", data / "keys/logs/backup.key")
    keeper.look()
    assert kinds(keeper) == {"sm2": CtLog, "p256": CtLog, "backup": ClosedLog}
    assert "is that of the log p256" in keeper.served["backup"].trouble
    assert not (data / "logs/backup.lock").exists()
    shutil.rmtree(data / "logs/backup")
    keeper.look()
    assert set(keeper.served) == {"sm2", "p256"}


def test_a_log_that_is_half_made_is_no_log_yet(keeper, data):
    (data / "logs/half").mkdir()
    (data / "logs/half/roots.pem").touch()
    keeper.look()
    assert set(keeper.served) == {"sm2", "p256"}


def test_any_error_of_one_log_leaves_the_others_and_is_said_once(data, monkeypatch, caplog):
    real = LogKeeper._opened

    def failing(keeper, name):
        if name == "sm2":
            raise MemoryError("no luck")
        return real(keeper, name)

    monkeypatch.setattr("mingjing.log_keeper.LOOK_SECONDS", 3600)
    monkeypatch.setattr("mingjing.log_keeper.RETRY_SECONDS", 0)
    monkeypatch.setattr(LogKeeper, "_opened", failing)
    with caplog.at_level(logging.CRITICAL), LogKeeper(data, config.load(data)) as keeper:
        keeper.look()
        assert kinds(keeper) == {"sm2": ClosedLog, "p256": CtLog}
        (said,) = caplog.records
        assert said.exc_info, "an error that nobody raises on purpose is told with its traceback"
        with pytest.raises(Unavailable, match="no luck"):
            keeper.served["sm2"].submit([], precertificate=False)
        monkeypatch.setattr(LogKeeper, "_opened", real)
        keeper.look()
        assert kinds(keeper) == {"sm2": CtLog, "p256": CtLog}


def test_a_log_that_another_process_writes_is_read_meanwhile(keeper, data):
    with LogKeeper(data, config.load(data)) as second:
        assert kinds(second) == {"sm2": ClosedLog, "p256": ClosedLog}
        assert "already writes this log" in second.served["sm2"].trouble
        assert second.served["sm2"].get_sth() == keeper.served["sm2"].get_sth()


def test_a_frozen_state_is_followed_without_any_request(keeper, data, monkeypatch):
    monkeypatch.setattr("tlog.ct.watch._LOOK_EVERY", 0)
    change_state(data / "logs/p256", LogState.READ_ONLY)
    keeper.look()
    with pytest.raises(NotAdmitting):
        keeper.served["p256"].submit([], precertificate=False)
    head = keeper.served["p256"].freeze()
    assert (data / "logs/p256/checkpoint.final").read_bytes() == keeper.served["p256"].checkpoint()
    assert head.tree_size == 0
