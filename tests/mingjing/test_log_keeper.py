"""Which logs are open: each for itself, whatever is wrong with another."""

import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mingjing import config
from mingjing.log_keeper import LogKeeper
from tlog.ct import ClosedLog, CtLog, LogState, change_state
from tlog.errors import NotAdmitting, Unavailable
from verifier.certificates import load_pem_chain

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
    shutil.copytree(data / "logs/p256", data / "logs/backup", ignore=shutil.ignore_patterns(".tmp"))
    shutil.copy(data / "keys/logs/p256.key", data / "keys/logs/backup.key")
    keeper.look()
    assert kinds(keeper) == {"sm2": CtLog, "p256": CtLog, "backup": ClosedLog}
    assert "is that of the log p256" in keeper.served["backup"].trouble
    assert not (data / "log-heads/backup.lock").exists()
    shutil.rmtree(data / "logs/backup")
    keeper.look()
    assert set(keeper.served) == {"sm2", "p256"}


def test_an_old_copy_of_all_logs_is_not_opened(data, monkeypatch):
    """Its heads lie outside logs/, so they do not come back with it."""
    monkeypatch.setattr("mingjing.log_keeper.LOOK_SECONDS", 3600)
    shutil.copytree(data / "logs", data / "logs.backup")
    with LogKeeper(data, config.load(data)) as keeper:
        chain = [(data / "ca/ssl-ecc.pem").read_bytes(), (data / "ca/root-ecc.pem").read_bytes()]
        keeper.served["p256"].add_chain([load_pem_chain(pem)[0].der for pem in chain])
        assert keeper.served["p256"].get_sth().tree_size == 1
    shutil.rmtree(data / "logs")
    (data / "logs.backup").rename(data / "logs")
    with LogKeeper(data, config.load(data)) as keeper:
        assert kinds(keeper)["p256"] is ClosedLog
        assert "older than its lock" in keeper.served["p256"].trouble


def test_locks_of_an_older_directory_are_moved_out_of_logs_once(data):
    for name in ("sm2", "p256"):
        (data / f"log-heads/{name}.head").rename(data / f"logs/{name}.head")
    with LogKeeper(data, config.load(data)) as keeper:
        assert kinds(keeper) == {"sm2": CtLog, "p256": CtLog}
    assert not list((data / "logs").glob("*.head"))
    kept = (data / "log-heads/sm2.head").read_bytes()
    (data / "logs/sm2.head").write_bytes(b"one that came back with an old copy")
    with LogKeeper(data, config.load(data)) as keeper:
        assert kinds(keeper)["sm2"] is CtLog
    assert (data / "log-heads/sm2.head").read_bytes() != b"one that came back with an old copy"
    assert kept.split(b"\n")[0] == (data / "log-heads/sm2.head").read_bytes().split(b"\n")[0]


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


def test_a_log_that_another_process_writes_is_read_meanwhile(keeper, data, caplog):
    name = "p256"
    keeper._open.pop(name).close()
    other = LogKeeper(data, config.load(data))
    other._start(name)
    keeper.look()
    assert kinds(keeper) == {"sm2": CtLog, "p256": ClosedLog}
    assert keeper.served[name].trouble == "another process is this log's writer", "no process, no time"
    assert keeper.served[name].get_sth().tree_size == 0
    assert re.search(r"process \d+, since .* UTC, already writes this log \(p256\)", caplog.text)
    assert "has ended" not in caplog.text
    other._open[name].close()
    keeper.look()
    assert kinds(keeper) == {"sm2": CtLog, "p256": CtLog}
    assert "the process that wrote the log p256 has ended; this one writes it now" in caplog.text


def test_a_second_service_stops_at_once_and_says_who_writes_the_logs(keeper, data):
    command = [sys.executable, "-m", "mingjing", "run", "logs", "--data", str(data)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 1
    said = second.stderr.splitlines()[-1]
    assert f"No log of {data} is free: process {os.getpid()}, since 20" in said
    assert said.endswith("a log has one writer. Stop that one first.")
    assert kinds(keeper) == {"sm2": CtLog, "p256": CtLog}


def test_a_second_service_goes_on_when_a_log_is_free(keeper, data):
    keeper._open.pop("p256").close()
    with LogKeeper(data, config.load(data)) as second:
        assert kinds(second) == {"sm2": ClosedLog, "p256": CtLog}


def test_a_frozen_state_is_followed_without_any_request(keeper, data, monkeypatch):
    monkeypatch.setattr("tlog.ct.watch._LOOK_EVERY", 0)
    change_state(data / "logs/p256", LogState.READ_ONLY)
    keeper.look()
    with pytest.raises(NotAdmitting):
        keeper.served["p256"].submit([], precertificate=False)
    head = keeper.served["p256"].freeze()
    assert (data / "logs/p256/checkpoint.final").read_bytes() == keeper.served["p256"].checkpoint()
    assert head.tree_size == 0
