"""Each storage call, at each place in a flush, in each way it can fail: nothing promised is ever lost."""

import struct
from contextlib import suppress

import pytest

from tests.tlog.faults import FAILING, Fault, FaultyLock, FaultyStore
from tlog.errors import StorageError, Unavailable
from tlog.lock import read_head
from tlog.storage import DirectoryStore
from tlog.tree import TILE_WIDTH, RightEdge, Tile
from tlog.verify import verify_tree
from verifier.transparency.merkle import hash_leaf, root_of

STEPS = ("create", "replace", "delete", "keys", "read", "load", "swap")


def check_everything(log, plain) -> None:
    """The stored tree is whole, holds all that was released at its place, and is the one the lock names."""
    store = DirectoryStore(log.directory / "store")
    head = plain.signer.open(store.read("checkpoint"))
    assert read_head(log.directory / "locks", "plain") == head.text
    assert list(verify_tree(store, head, plain.entries)) == []
    leaves = [
        leaf
        for number in range(-(-head.size // TILE_WIDTH))
        for leaf in plain.entries.leaves(
            store.read(Tile("entries", number, min(TILE_WIDTH, head.size - number * TILE_WIDTH)).key)
        )
    ]
    assert root_of([hash_leaf(leaf) for leaf in leaves]) == head.root
    for data, (index, timestamp) in log.released.items():
        assert leaves[index] == struct.pack(">QQ", index, timestamp) + data
    partial = [key for key in store.keys("tile") if ".p/" in key]
    full = {key for key in store.keys("tile") if ".p/" not in key}
    assert not [key for key in partial if key.partition(".p/")[0] in full], "partial tiles were left behind"


def check_no_fork(log, plain) -> None:
    """Every checkpoint ever published is a beginning of the tree as it is now."""
    store = DirectoryStore(log.directory / "store")
    head = plain.signer.open(store.read("checkpoint"))
    leaves = [
        hash_leaf(leaf)
        for number in range(-(-head.size // TILE_WIDTH))
        for leaf in plain.entries.leaves(
            store.read(Tile("entries", number, min(TILE_WIDTH, head.size - number * TILE_WIDTH)).key)
        )
    ]
    for text in log.seen:
        old = plain.signer.open(text)
        assert RightEdge().append(leaves[: old.size]).edge.root() == old.root


@pytest.mark.parametrize("mode", FAILING)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_a_failing_call_loses_nothing_that_was_promised(plain, new_log, step, mode, number) -> None:
    fault = Fault(step, number, mode)
    log = new_log(
        wrap_store=lambda store: FaultyStore(store, fault), wrap_lock=lambda lock: FaultyLock(lock, fault)
    )
    log.add(*(b"before %d" % at for at in range(250)))
    fault.armed = True
    for attempt in range(4):  # the same entries again and again, as submitters do: over the end of a tile
        try:
            log.add(*(b"during %d" % at for at in range(10)), b"attempt %d" % attempt)
        except (StorageError, Unavailable):
            log.observe()
            continue
        log.observe()
    fault.armed = False
    log.add(b"after")
    check_everything(log, plain)
    check_no_fork(log, plain)
    log.close()
    again = log.reopened()
    again.add(b"after a restart")
    check_everything(again, plain)
    check_no_fork(again, plain)


@pytest.mark.parametrize("mode", FAILING)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_a_restart_after_a_failing_call_loses_nothing(plain, new_log, step, mode, number) -> None:
    fault = Fault(step, number, mode)
    log = new_log(
        wrap_store=lambda store: FaultyStore(store, fault), wrap_lock=lambda lock: FaultyLock(lock, fault)
    )
    log.add(*(b"before %d" % at for at in range(250)))
    fault.armed = True
    with suppress(StorageError, Unavailable):
        log.add(*(b"during %d" % at for at in range(10)))
    log.observe()
    log.abandon()
    again = log.reopened()
    again.add(b"after a restart")
    check_everything(again, plain)
    check_no_fork(again, plain)


def test_the_faults_do_strike(plain, new_log) -> None:
    """So that the matrix above tests what it says: each kind of call happens in a flush."""
    for step in set(STEPS) - {"read", "load"}:  # these two happen when the state is read again
        fault = Fault(step, 1, "fails")
        log = new_log(
            wrap_store=lambda store, fault=fault: FaultyStore(store, fault),
            wrap_lock=lambda lock, fault=fault: FaultyLock(lock, fault),
        )
        log.add(*(b"before %d" % at for at in range(250)))
        fault.armed = True
        try:
            log.add(*(b"during %d" % at for at in range(10)))
        except StorageError:
            assert step in {"create", "replace", "swap"}
        else:
            assert step in {"delete", "keys"}, f"a failing {step} went unnoticed"
        assert fault.hits == 1
