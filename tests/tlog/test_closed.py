"""A log that could not start: read while store and lock agree, never where that could contradict it."""

import shutil

import pytest

from tlog.ct import ClosedLog
from tlog.ct.errors import BadQuestion, NotFound
from tlog.errors import DamagedTree, Unavailable
from verifier.transparency.merkle import hash_leaf


def answers_of(log) -> tuple:
    entries = log.get_entries(0, 1)
    return log.get_sth(), log.checkpoint(), entries, log.get_roots(), log.tile("tile/0/000.p/2")


@pytest.fixture
def stopped(logs, ca):
    """A log with two entries that is not running, and what it answered while it was."""
    log = logs.create("p256", [ca.anchor])
    for number in range(2):
        log.add_chain(ca.chain(f"{number}.example.test"))
    answers = answers_of(log)
    log.close()
    return ClosedLog(log.directory, "the disk is full"), answers


def test_it_answers_from_its_storage_and_takes_nothing(stopped, ca) -> None:
    log, answers = stopped
    assert answers_of(log) == answers
    assert log.get_sth_consistency(1, 2)
    assert log.get_entry_and_proof(1, 2)[0] == answers[2][1]
    with pytest.raises(BadQuestion):
        log.get_sth_consistency(1, 3)
    with pytest.raises(NotFound):
        log.tile("tile/0/000.p/3")
    with pytest.raises(Unavailable, match=r"looked up by their hash .* the disk is full"):
        log.get_proof_by_hash(hash_leaf(answers[2][0].leaf_input), 2)
    with pytest.raises(Unavailable, match="takes no submissions: the disk is full") as refused:
        log.submit(ca.chain(), precertificate=False)
    assert refused.value.retry_after == 60
    assert log.trouble == "the disk is full"


def test_a_store_that_its_lock_does_not_confirm_is_not_shown(stopped, logs, ca, tmp_path) -> None:
    """An old copy would take back what the log has told others; another tree would fork it."""
    log, _ = stopped
    old = tmp_path / "old"
    shutil.copytree(log.directory, old)
    again = logs.open("p256")
    again.add_chain(ca.chain("third.example.test"))
    again.close()
    assert log.get_sth().tree_size == 3
    shutil.rmtree(log.directory)
    shutil.move(old, log.directory)
    for ask in (log.get_sth, log.checkpoint, lambda: log.tile("tile/0/000.p/2")):
        with pytest.raises(Unavailable, match="store and its lock disagree: the disk is full"):
            ask()


@pytest.mark.parametrize("name", ["checkpoint", "log.toml", "roots.pem"])
def test_what_cannot_be_read_is_said(stopped, name) -> None:
    log, _ = stopped
    (log.directory / name).write_bytes(b"garbage")
    with pytest.raises(Unavailable, match="the disk is full"):
        log.get_roots() if name == "roots.pem" else log.get_sth()


def test_a_damaged_tile_is_not_served(stopped) -> None:
    log, _ = stopped
    path = log.directory / "tile/data/000.p/2"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DamagedTree):
        log.get_entries(0, 1)
