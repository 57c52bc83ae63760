"""Submissions that do not wait in a thread, that come twice at once, and what is not done twice for them."""

import threading

import pytest

from tests.tlog.chains import Ca
from tlog.ct import CtLog
from tlog.errors import Unavailable
from tlog.pool import Batch
from tlog.sequencer import Sequencer
from verifier.certificates import Certificate


@pytest.fixture
def log(logs, ca, monkeypatch) -> CtLog:
    """A log without its thread: flushes are the test's."""
    name = logs.create("p256", [ca.anchor]).directory.name
    logs.close()
    monkeypatch.setattr(Sequencer, "start", lambda _self: None)
    return logs.open(name)


@pytest.fixture
def ca() -> Ca:
    return Ca.root().intermediate()


def test_a_waiter_is_called_at_the_end_of_the_flush_or_at_once_after_it(log, ca) -> None:
    chain = ca.chain()
    submission = log.submit(chain, precertificate=False)
    called: list[str] = []
    submission.when_done(lambda: called.append("at the end"))
    assert called == []
    log._sequencer.flush()
    assert called == ["at the end"]
    submission.when_done(lambda: called.append("at once"))
    assert called == ["at the end", "at once"]
    again = log.submit(chain, precertificate=False)
    again.when_done(lambda: called.append("given"))
    assert called == ["at the end", "at once", "given"]
    assert again.sct() == submission.sct()


def test_a_waiter_that_fails_does_not_harm_the_others() -> None:
    batch, called = Batch(), []
    batch.when_done(lambda: called.append(1 / 0))
    batch.when_done(lambda: called.append(2))
    batch.end()
    batch.end()
    assert called == [2]


def test_a_failed_flush_is_told_to_who_waits(log, ca, monkeypatch) -> None:
    submission = log.submit(ca.chain(), precertificate=False)
    done = threading.Event()
    submission.when_done(done.set)
    monkeypatch.setattr(log._sequencer.storage, "create", lambda _objects: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        log._sequencer.flush()
    assert done.is_set()
    with pytest.raises(Unavailable, match="send it again"):
        submission.sct()


def test_a_flush_between_look_up_and_pool_does_not_make_a_second_entry(log, ca, monkeypatch) -> None:
    chain = ca.chain()
    first = log.submit(chain, precertificate=False)
    given, looks = log._promises.given, []

    def flush_after_the_look_up(key, entry):
        looks.append(given(key, entry))
        if len(looks) == 1:
            log._sequencer.flush()
        return looks[-1]

    monkeypatch.setattr(log._promises, "given", flush_after_the_look_up)
    second = log.submit(chain, precertificate=False)
    assert looks == [None, first.sct()]
    assert second.sct() == first.sct()
    log._sequencer.flush()
    assert log.get_sth().tree_size == 1


@pytest.mark.parametrize("whole_chain", [True, False])
def test_a_leaf_signature_is_checked_once(logs, monkeypatch, whole_chain) -> None:
    root = Ca.root()
    log = logs.create("p256", [root.anchor])
    chain = root.chain() if whole_chain else root.chain()[:1]
    checked: list[bytes] = []
    verify = Certificate.verify_signed_by

    def counted(self, issuer) -> None:
        checked.append(self.der)
        verify(self, issuer)

    monkeypatch.setattr(Certificate, "verify_signed_by", counted)
    log.add_chain(chain)
    assert checked.count(chain[0]) == 1


def test_an_issuer_is_stored_once_and_again_after_a_failure(log, ca, monkeypatch) -> None:
    storage = log._sequencer.storage
    create, stored = storage.create, []

    def watched(objects) -> None:
        stored.extend(key for key in objects if key.startswith("issuer/"))
        create(objects)

    monkeypatch.setattr(storage, "create", watched)
    for number in range(3):
        log.submit(ca.chain(f"{number}.example.test"), precertificate=False)
        log._sequencer.flush()
    assert len(stored) == len(set(stored)) == 2
    log.submit(ca.chain("fails.example.test"), precertificate=False)
    monkeypatch.setattr(storage, "replace", lambda _key, _data: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        log._sequencer.flush()
    monkeypatch.undo()
    monkeypatch.setattr(storage, "create", watched)
    log.submit(ca.chain("again.example.test"), precertificate=False)
    log._sequencer.flush()
    assert len(stored) == 4
    assert log.trouble is None
