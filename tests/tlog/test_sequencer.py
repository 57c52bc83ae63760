"""The sequencer's thread and pool: who waits, who is turned away, and what happens when a disk hangs."""

import threading
import time

import pytest

from tlog.clock import Clock
from tlog.errors import ClockJumped, NotAdmitting, Overloaded, StorageError, Unavailable
from tlog.pool import Limits
from tlog.storage import DirectoryStore

QUICK = Limits(pool_size=20, period=0.02, head_age=0.1, wait=60)


def test_many_submitters_get_their_places(new_log) -> None:
    log = new_log(limits=Limits(period=0.02))
    log.sequencer.start()
    places: dict[bytes, tuple[int, int]] = {}

    def submit(number: int) -> None:
        for at in range(10):
            entry = b"%d-%d" % (number, at)
            ticket = log.submit(entry)
            ticket.wait(60)
            places[entry] = ticket.outcome

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(index for index, _ in places.values()) == list(range(80))
    in_order = sorted(places.values())
    assert [time for _, time in in_order] == sorted(time for _, time in in_order)
    log.close()


def test_the_same_entry_on_its_way_is_one_entry(new_log) -> None:
    log = new_log()
    first, second = log.submit(b"same"), log.submit(b"same")
    log.sequencer.flush()
    assert first is second
    assert log.sequencer.head.size == 1


def test_a_full_pool_turns_away_what_can_be_shed_first(new_log) -> None:
    log = new_log(limits=QUICK)
    for number in range(16):
        log.submit(b"%d" % number, can_be_shed=True)
    with pytest.raises(Overloaded) as shed:
        log.submit(b"old", can_be_shed=True)
    assert shed.value.retry_after >= 1
    for number in range(16, 20):
        log.submit(b"%d" % number)
    with pytest.raises(Overloaded):
        log.submit(b"one too many")
    log.submit(b"3")  # one that waits already takes no room
    log.sequencer.flush()
    assert log.sequencer.head.size == 20
    log.submit(b"now there is room")


def test_a_head_is_signed_anew_before_it_looks_stale(new_log) -> None:
    log = new_log(limits=QUICK)
    log.sequencer.start()
    first = log.sequencer.head
    deadline = time.monotonic() + 60
    while log.sequencer.head.timestamp == first.timestamp and time.monotonic() < deadline:
        time.sleep(0.01)
    assert log.sequencer.head.timestamp > first.timestamp
    assert log.sequencer.head.size == first.size
    log.close()


def test_a_hanging_write_makes_submitters_wait_and_nothing_worse(new_log) -> None:
    log = new_log(limits=QUICK)
    entered, hang = threading.Event(), threading.Event()
    create = log.sequencer.storage.create

    def slow(objects) -> None:
        entered.set()
        hang.wait(60)
        create(objects)

    log.sequencer.storage.create = slow
    log.sequencer.start()
    ticket = log.submit(b"patient")
    assert entered.wait(60)
    with pytest.raises(Unavailable, match="slow to store") as error:
        ticket.wait(0.1)
    assert error.value.retry_after == 5
    waiting = [log.submit(b"%d" % number) for number in range(20)]
    with pytest.raises(Overloaded):
        log.submit(b"one too many")
    assert log.submit(b"patient") is ticket, "sent again, it joins the one on its way"
    hang.set()
    for each in (ticket, *waiting):
        each.wait(60)
    assert ticket.outcome[0] == 0
    log.close()


def test_closing_merges_what_waits_and_frees_the_lock(new_log) -> None:
    log = new_log(limits=Limits(period=60))
    log.sequencer.start()
    ticket = log.submit(b"first")
    log.close()
    ticket.wait(0)
    assert ticket.outcome[0] == 0
    with pytest.raises(NotAdmitting, match="shutting down"):
        log.submit(b"late")
    log.reopened().close()


def test_a_frozen_log_merges_what_waits_and_takes_no_more(new_log) -> None:
    log = new_log(limits=Limits(period=0.3))
    log.sequencer.start()
    log.submit(b"first").wait(60)
    ticket = log.submit(b"second")
    head = log.sequencer.freeze()
    ticket.wait(0)
    assert head.size == 2
    with pytest.raises(NotAdmitting, match="frozen"):
        log.submit(b"third")
    log.close()


def test_the_final_head_is_signed_after_all_else_and_once(new_log) -> None:
    log = new_log(limits=Limits(period=0.01))
    log.sequencer.start()
    before = log.sequencer.head
    head = log.sequencer.freeze()
    assert head.size == before.size
    assert head.timestamp > before.timestamp
    assert (log.directory / "store" / "checkpoint.final").read_bytes() == head.text
    log.close()
    again = log.reopened(frozen=True)
    again.sequencer.start()
    assert again.sequencer.freeze() == head
    again.close()


def test_a_crash_before_the_final_head_is_made_good_when_the_log_starts(new_log) -> None:
    log = new_log(limits=Limits(period=0.01))
    log.add(b"only")
    log.abandon()
    again = log.reopened(frozen=True)
    assert again.sequencer.freeze().size == 1
    assert (log.directory / "store" / "checkpoint.final").exists()


def test_a_freeze_waits_for_the_flush_that_is_under_way(new_log) -> None:
    """The pool is empty then, but what it held a moment ago comes before the final head."""
    storing, go_on = threading.Event(), threading.Event()

    class SlowStore(DirectoryStore):
        def replace(self, key: str, data: bytes) -> None:
            storing.set()
            assert go_on.wait(60)
            super().replace(key, data)

    log = new_log(limits=Limits(period=0.01), wrap_store=lambda store: SlowStore(store.directory))
    log.sequencer.start()
    log.submit(b"under way")
    assert storing.wait(60)
    threading.Timer(0.2, go_on.set).start()
    assert log.sequencer.freeze().size == 1
    log.close()


def test_a_jumping_clock_stops_submissions_and_changes_nothing(new_log) -> None:
    wall = [int(time.time() * 1000)]
    start = time.monotonic()
    log = new_log(clock=Clock(lambda: wall[0], lambda: int((time.monotonic() - start) * 1000)))
    log.add(b"before")
    wall[0] += 86_400_000
    ticket = log.submit(b"during")
    with pytest.raises(ClockJumped):
        log.sequencer.flush()
    with pytest.raises(Unavailable, match="jumped forwards by 86400 s"):
        ticket.wait(0)
    assert "jumped forwards" in log.sequencer.trouble
    assert log.sequencer.head.size == 1
    wall[0] -= 86_400_000
    log.add(b"after")
    assert log.sequencer.trouble is None


def test_an_entry_of_a_flush_in_doubt_is_not_taken_a_second_time(new_log) -> None:
    """The swap may have been done although it failed: until the lock was read again nobody knows."""
    log = new_log(limits=QUICK)
    swap = log.sequencer.lock.swap

    def swap_then_fail(*heads) -> None:
        swap(*heads)
        raise StorageError("swapped, but the answer was lost")

    log.sequencer.lock.swap = swap_then_fail
    doubtful = log.submit(b"same")
    with pytest.raises(StorageError):
        log.sequencer.flush()
    with pytest.raises(Unavailable):
        doubtful.wait(0)
    with pytest.raises(Unavailable, match="finding out whether it has stored this entry"):
        log.submit(b"same")
    log.submit(b"another")
    del log.sequencer.lock.swap
    log.sequencer.flush()
    assert log.sequencer.head.size == 2, "the one in doubt, which is in the tree, and the other"


def test_an_unsafe_state_found_while_running_stops_the_log_for_good(new_log) -> None:
    log = new_log(limits=QUICK)
    log.add(b"one")
    log.sequencer.start()
    head = log.directory / "locks" / "plain.head"
    head.write_bytes(log.sequencer.signer.sign(7, bytes(32), 1).text)  # another writer, against all rules
    ticket = log.submit(b"two")
    with pytest.raises(Unavailable):
        ticket.wait(60)
    deadline = time.monotonic() + 60
    while not (log.sequencer.trouble or "").startswith("the stor") and time.monotonic() < deadline:
        time.sleep(0.02)
    with pytest.raises(Unavailable, match="takes no submissions"):
        log.submit(b"three")
    log.close()


def test_an_unexpected_error_is_survived(new_log, caplog) -> None:
    log = new_log(limits=QUICK)
    log.sequencer.start()
    broken = [True]
    merged = log.sequencer._merged

    def fail(tickets, *rest) -> None:
        if tickets and broken:
            broken.clear()
            raise RuntimeError("a bug above")
        merged(tickets, *rest)

    log.sequencer._merged = fail
    ticket = log.submit(b"unlucky")
    with pytest.raises(Unavailable, match="an internal error"):
        ticket.wait(60)
    retry = log.submit(b"next")
    retry.wait(60)
    assert retry.outcome[0] == 1, "the unlucky entry is in the tree; nobody was promised it"
    log.close()


def test_a_read_only_disk_fails_submissions_with_a_reason_and_keeps_reading(new_log) -> None:
    log = new_log()
    log.add(b"before")
    head = log.sequencer.head

    def read_only(objects) -> None:
        raise StorageError("could not write to /secret/path: Read-only file system")

    log.sequencer.storage.create = read_only
    ticket = log.submit(b"during")
    with pytest.raises(StorageError):
        log.sequencer.flush()
    with pytest.raises(Unavailable) as error:
        ticket.wait(0)
    assert "/secret/path" not in str(error.value)
    assert log.sequencer.head == head
    del log.sequencer.storage.create
    log.add(b"after")
