"""Cosignatures in the published checkpoint: beside the log's own signature, and never in a flush's way."""

import threading
import time

import pytest

from tlog.errors import StorageError
from tlog.pool import Limits

LINES = b"\ncosigned by W1\n"


def published(log) -> bytes:
    return (log.directory / "store" / "checkpoint").read_bytes()


def cosign(log, head, lines: bytes = LINES) -> None:
    log.sequencer.cosign(head.size, head.root, lines)
    log.sequencer.publish_cosigned()


def test_the_same_note_is_published_with_the_lines_after_its_own(new_log) -> None:
    log = new_log()
    log.add(b"a")
    head = log.sequencer.head
    cosign(log, head)
    assert published(log) == log.sequencer.checkpoint == head.text + LINES
    assert log.sequencer.head == head
    log.add(b"b")
    assert published(log) == log.sequencer.checkpoint == log.sequencer.head.text


def test_lines_for_another_tree_are_dropped(new_log) -> None:
    log = new_log()
    log.add(b"a")
    old = log.sequencer.head
    log.add(b"b")
    new = log.sequencer.head
    cosign(log, old)
    log.sequencer.cosign(new.size, old.root, LINES)
    log.sequencer.publish_cosigned()
    assert published(log) == log.sequencer.checkpoint == new.text


def test_the_same_tree_signed_again_keeps_its_cosignatures(new_log) -> None:
    log = new_log()
    log.add(b"a")
    cosign(log, log.sequencer.head)
    before = log.sequencer.head
    log.sequencer.flush()
    renewed = log.sequencer.head
    assert renewed.timestamp > before.timestamp
    assert published(log) == renewed.text + LINES


def test_a_restart_finds_the_head_with_or_without_cosignatures(new_log) -> None:
    log = new_log()
    log.add(b"a")
    cosign(log, log.sequencer.head)
    checkpoint = published(log)
    log.abandon()
    again = log.reopened()
    assert again.sequencer.checkpoint == published(again) == checkpoint
    again.add(b"b")
    again.abandon()
    assert log.reopened().sequencer.head.size == 2


class FailingOnce:
    """A store whose replace fails when told to, with or without having stored."""

    def __init__(self, store) -> None:
        self.store, self.fails, self.stores = store, False, False

    def __getattr__(self, name):
        return getattr(self.store, name)

    def replace(self, key: str, data: bytes) -> None:
        if not self.fails or self.stores:
            self.store.replace(key, data)
        if self.fails:
            raise StorageError("disk full")


@pytest.mark.parametrize("stores", [False, True])
def test_a_write_that_fails_loses_cosignatures_only(new_log, stores) -> None:
    faults = []
    log = new_log(wrap_store=lambda store: faults.append(FailingOnce(store)) or faults[-1])
    log.add(b"a")
    head = log.sequencer.head
    faults[-1].fails, faults[-1].stores = True, stores
    cosign(log, head)
    assert log.sequencer.checkpoint == head.text
    assert log.sequencer.trouble is None
    faults[-1].fails = False
    log.add(b"b")
    assert published(log) == log.sequencer.head.text
    log.abandon()
    assert log.reopened().sequencer.head.size == 2


def test_no_older_checkpoint_follows_a_newer_one(new_log) -> None:
    """Cosignatures arrive all the time, for heads old and new, while the log grows under load."""
    log = new_log(limits=Limits(period=0.002, head_age=0.01, wait=5))
    sizes: list[int] = []
    replace = log.sequencer.storage.replace

    def watched(key: str, data: bytes) -> None:
        sizes.append(int(data.split(b"\n")[1]))
        replace(key, data)

    log.sequencer.storage.replace = watched
    log.sequencer.start()
    stop = threading.Event()
    heads = [log.sequencer.head]

    def witnesses() -> None:
        while not stop.is_set():
            heads.append(log.sequencer.head)
            for head in heads[-3:]:
                log.sequencer.cosign(head.size, head.root, LINES)
                time.sleep(0.0005)

    thread = threading.Thread(target=witnesses)
    thread.start()
    for number in range(100):
        log.submit(b"%d" % number).wait(60)
        time.sleep(0.002)
    stop.set()
    thread.join()
    log.close()
    assert sizes == sorted(sizes)
    assert len(sizes) > len(set(sizes))
    assert sizes[-1] == 100


def test_submissions_come_before_cosignatures(new_log) -> None:
    """A cosigned head that waits is given up when the flush that is due has replaced it."""
    log = new_log(limits=Limits(period=0))
    log.add(b"a")
    old = log.sequencer.head
    log.sequencer.cosign(old.size, old.root, LINES)
    log.submit(b"b")
    assert log.sequencer._flush_is_due()
    log.sequencer.flush()
    log.sequencer.publish_cosigned()
    assert published(log) == log.sequencer.head.text


def test_a_store_that_hangs_then_is_named_as_in_a_flush(new_log) -> None:
    log = new_log(limits=Limits(period=0.01, head_age=60, wait=0.2))
    log.sequencer.start()
    log.submit(b"a").wait(60)
    free = threading.Event()
    replace = log.sequencer.storage.replace
    log.sequencer.storage.replace = lambda key, data: free.wait(60) and replace(key, data)
    head = log.sequencer.head
    log.sequencer.cosign(head.size, head.root, LINES)
    end = time.monotonic() + 60
    while not log.sequencer.trouble and time.monotonic() < end:
        time.sleep(0.01)
    assert "the store has not answered" in str(log.sequencer.trouble)
    free.set()
    end = time.monotonic() + 60
    while log.sequencer.trouble and time.monotonic() < end:
        time.sleep(0.01)
    assert log.sequencer.trouble is None
    assert log.sequencer.checkpoint == head.text + LINES
    log.close()
