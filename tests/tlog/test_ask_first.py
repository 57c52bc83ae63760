"""A log that starts: whether it is the newest copy of itself, its witnesses are asked before anybody else."""

import logging
import shutil
import threading
import time
from math import inf

import pytest

from tests.tlog.made_witnesses import addresses, conflict, reply, until
from tlog.errors import Unavailable

ORIGIN = "logs.example.test/log/p256"
HELD = "it asks its witnesses first"


@pytest.fixture
def closed(logs, ca):
    """A log of one entry that does not run."""
    log = logs.create("p256", [ca.anchor])
    log.add_chain(ca.chain())
    log.close()
    return log


def gated(made, behave):
    """Have a witness wait with its answer until the event is set."""
    free = threading.Event()

    def wait(handler, body):
        free.wait(120)
        behave(handler, body)

    made.behave = wait
    return free


def honest(made):
    return lambda handler, body: reply(handler, made.line(body).encode())


def test_an_old_copy_of_everything_cannot_fork_in_its_first_moments(logs, ca, witness, tmp_path):
    """Tree, lock and all are brought back: only the witness knows that there was more."""
    made = witness("w.example/1")
    log = logs.create("p256", [ca.anchor])
    log.add_chain(ca.chain("one.example.test"))
    log.close()
    shutil.copytree(tmp_path / "logs", tmp_path / "copy")
    log = logs.open("p256", witnesses=addresses(made))
    until(lambda: log.trouble is None)
    log.add_chain(ca.chain("two.example.test"))
    until(lambda: made.sizes[ORIGIN] == 2)
    log.close()
    shutil.rmtree(tmp_path / "logs")
    shutil.copytree(tmp_path / "copy", tmp_path / "logs")

    free = gated(made, lambda handler, _: conflict(handler, 2))
    before = (tmp_path / "logs" / "p256" / "checkpoint").read_bytes()
    old = logs.open("p256", witnesses=addresses(made))
    asked = len(made.requests)
    until(lambda: len(made.requests) > asked)
    with pytest.raises(Unavailable, match=HELD) as refused:
        old.add_chain(ca.chain("fork.example.test"))
    assert 1 <= refused.value.retry_after <= 10
    assert HELD in str(old.trouble)
    free.set()
    until(lambda: "cosigned 2 entries of this log, which has 1" in str(old.trouble))
    with pytest.raises(Unavailable, match="an old copy of the log"):
        old.add_chain(ca.chain("fork.example.test"))
    old.close()
    assert (tmp_path / "logs" / "p256" / "checkpoint").read_bytes() == before  # no newer head was signed


def test_a_log_that_was_stopped_does_not_go_on_after_the_time(logs, witness, closed, caplog):
    made = witness("w.example/1")
    made.sizes[ORIGIN] = 2
    log = logs.open("p256", witnesses=addresses(made), ask_first=3)
    until(lambda: log._sequencer._held is None and log.witnesses[0].failures >= 2)
    assert "an old copy of the log" in str(log.trouble)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(said) == 1, "said once, and nothing of going on"
    assert "an old copy of the log" in said[0]


def test_it_waits_for_every_witness_as_one_may_know_more_than_another(logs, ca, witness, closed):
    quick, slow = witness("w.example/1"), witness("w.example/2")
    free = gated(slow, honest(slow))
    log = logs.open("p256", witnesses=addresses(quick, slow))
    until(lambda: log.witnesses[0].size == 1)
    with pytest.raises(Unavailable, match=HELD):
        log.add_chain(ca.chain("more.example.test"))
    free.set()
    until(lambda: log.trouble is None)
    assert log.add_chain(ca.chain("more.example.test"))


def test_a_witness_that_is_gone_is_asked_once_when_another_confirms(logs, ca, witness, closed):
    gone, there = witness("w.example/1"), witness("w.example/2")
    gone.url = "http://127.0.0.1:9/"
    log = logs.open("p256", witnesses=addresses(gone, there), ask_first=inf)
    until(lambda: log.trouble is None)
    assert log.witnesses[0].failures
    assert log.add_chain(ca.chain("more.example.test"))


def test_no_witness_at_all_holds_it_for_a_time_only(logs, ca, witness, closed, caplog):
    gone = witness("w.example/1")
    gone.behave = lambda handler, _: reply(handler, b"", 503)
    with caplog.at_level(logging.ERROR, "tlog.witnesses"):
        log = logs.open("p256", witnesses=addresses(gone), ask_first=0.5)
        until(lambda: log.trouble is None)
    assert log.add_chain(ca.chain("more.example.test"))
    (said,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert said.startswith(f"{ORIGIN}: asked its witnesses for 0.5 s")
    assert said.endswith("none has cosigned the one that it has: it goes on")


def test_it_is_held_for_ever_where_the_operator_says_so(logs, ca, witness, closed):
    gone = witness("w.example/1")
    gone.behave = lambda handler, _: reply(handler, b"", 503)
    log = logs.open("p256", witnesses=addresses(gone), ask_first=inf)
    until(lambda: log.witnesses[0].failures >= 2)
    with pytest.raises(Unavailable, match=HELD):
        log.add_chain(ca.chain("more.example.test"))
    gone.behave = None
    until(lambda: log.trouble is None)
    assert log.add_chain(ca.chain("more.example.test"))


def test_it_answers_questions_meanwhile_and_ends_at_once(logs, witness, closed, tmp_path):
    made = witness("w.example/1")
    gated(made, honest(made))
    log = logs.open("p256", witnesses=addresses(made))
    assert log.get_sth().tree_size == 1
    assert log.checkpoint()
    until(lambda: made.requests)
    before = (tmp_path / "logs" / "p256" / "checkpoint").read_bytes()
    began = time.monotonic()
    log.close()
    assert time.monotonic() - began < 25  # and not the 30 s for which it would be held
    assert (tmp_path / "logs" / "p256" / "checkpoint").read_bytes() == before


def test_without_witnesses_nothing_is_held(logs, ca, closed):
    log = logs.open("p256", ask_first=inf)
    assert log.add_chain(ca.chain("more.example.test"))
