"""A log starts only where lock and store belong together; otherwise it says what it found and what to do."""

import multiprocessing
import shutil

import pytest

from tests.tlog.conftest import PlainLog, PlainSigner
from tlog.errors import RefuseToStart, StaleHead, StorageError, WriterActive
from tlog.lock import FileLock
from tlog.startup import load_state
from tlog.storage import DirectoryStore


@pytest.fixture
def log(new_log):
    """A closed log of 300 entries, and nothing else of it in memory."""
    log = new_log()
    log.add(*(b"%d" % number for number in range(300)))
    log.abandon()
    return log


def refused(log, pattern: str) -> None:
    before = {path: path.read_bytes() for path in log.directory.rglob("*") if path.is_file()}
    with pytest.raises(RefuseToStart, match=pattern):
        log.reopened()
    after = {path: path.read_bytes() for path in log.directory.rglob("*") if path.is_file()}
    lock = log.directory / "locks" / "plain.lock"
    assert {**before, lock: b""} == {**after, lock: b""}, "a refused start changed something"


def test_a_second_writer_in_the_same_process_is_refused(new_log) -> None:
    log = new_log()
    with pytest.raises(WriterActive, match=r"process \d+, since .* already writes this log \(plain\)"):
        log.reopened()
    log.add(b"the first one goes on")


def _open_elsewhere(directory, answers) -> None:
    try:
        PlainLog(directory).open()
    except WriterActive as error:
        answers.put(str(error))
    else:
        answers.put("opened")


def test_a_second_writer_in_another_process_is_refused(new_log) -> None:
    log = new_log()
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    process = context.Process(target=_open_elsewhere, args=(log.directory, answers))
    process.start()
    assert "a log has one writer" in answers.get(timeout=60)
    process.join()


def test_a_store_brought_back_from_an_old_copy_is_refused(new_log) -> None:
    log = new_log()
    log.add(b"old")
    shutil.copytree(log.directory / "store", log.directory / "copy")
    log.add(b"new")
    log.abandon()
    shutil.rmtree(log.directory / "store")
    (log.directory / "copy").rename(log.directory / "store")
    refused(log, "the store is older than its lock: it holds 1 entries, the lock has signed 2")


def test_a_lock_brought_back_from_an_old_copy_is_refused(new_log) -> None:
    log = new_log()
    log.add(b"old")
    head = log.directory / "locks" / "plain.head"
    copy = head.read_bytes()
    log.add(b"new")
    log.abandon()
    head.write_bytes(copy)
    refused(log, "the store is newer than its lock: it has published 2 entries, the lock knows 1")


def test_an_old_lock_of_the_same_size_is_refused_too(new_log) -> None:
    log = new_log()
    log.add(b"old")
    head = log.directory / "locks" / "plain.head"
    copy = head.read_bytes()
    log.sequencer.flush()  # a new head over the same tree
    log.abandon()
    head.write_bytes(copy)
    refused(log, "the store is newer than its lock")


def test_another_tree_of_the_same_size_is_refused(log) -> None:
    other = PlainSigner().sign(300, bytes(32), 5)
    (log.directory / "store" / "checkpoint").write_bytes(other.text)
    refused(log, "different trees of 300 entries")


def test_a_lost_lock_is_refused(log) -> None:
    (log.directory / "locks" / "plain.head").unlink()
    refused(log, "the lock holds no tree head for test.example/log")


@pytest.mark.parametrize("tile", ["tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"])
@pytest.mark.parametrize("damage", ["missing", "torn", "flipped"])
def test_a_damaged_edge_is_refused(log, tile, damage) -> None:
    path = log.directory / "store" / tile
    data = path.read_bytes()
    path.unlink()
    if damage == "torn":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    refused(log, "Bring back the log directory from a copy made after that head")


@pytest.mark.parametrize("place", ["store/checkpoint", "locks/plain.head"])
def test_a_damaged_head_is_refused(log, place) -> None:
    path = log.directory / place
    path.write_bytes(path.read_bytes()[:-1])
    refused(log, "the checkpoint is damaged")


def test_a_lost_checkpoint_is_published_again_from_the_lock(log, plain) -> None:
    (log.directory / "store" / "checkpoint").unlink()
    assert log.reopened().sequencer.head.size == 300
    assert plain.signer.open((log.directory / "store" / "checkpoint").read_bytes()).size == 300


def test_a_damaged_staged_batch_that_is_needed_is_refused(new_log) -> None:
    log = new_log()
    log.add(b"one")
    staged = crash_after_the_swap(log, b"two")
    staged.write_bytes(staged.read_bytes()[:-1])
    refused(log, "the staged batch is damaged")


def test_a_flush_that_a_crash_cut_short_is_completed(new_log, plain) -> None:
    log = new_log()
    log.add(*(b"%d" % number for number in range(255)))
    staged = crash_after_the_swap(log, b"two")
    again = log.reopened()
    assert again.sequencer.head.size == 256
    store = DirectoryStore(log.directory / "store")
    assert plain.entries.leaves(store.read("tile/entries/000"))[255].endswith(b"two")
    again.add(b"three")
    assert not staged.exists(), "what was staged is removed once it is stored"
    assert list(store.keys("tile/0/000.p/")) == [], "and so are the partial tiles that it completed"


def crash_after_the_swap(log, entry: bytes):
    """Leave the log as a kill between the swap and the tiles does; returns the staged batch."""

    def crash(objects) -> None:
        if any(key.startswith("tile/") for key in objects):
            raise StorageError("killed")
        create(objects)

    store = log.sequencer.storage
    create, store.create = store.create, crash
    with pytest.raises(StorageError):
        log.add(entry)
    log.abandon()
    (staged,) = (log.directory / "store" / "staging").iterdir()
    return staged


def test_a_lock_swaps_only_from_the_head_it_holds(tmp_path) -> None:
    lock = FileLock(tmp_path, "x")
    lock.swap(None, b"one")
    for expected in (None, b"zero"):
        with pytest.raises(StaleHead):
            lock.swap(expected, b"two")
    assert lock.load() == b"one"
    lock.swap(b"one", b"two")
    lock.close()
    with pytest.raises(StorageError, match="given up"):
        lock.swap(b"two", b"three")
    again = FileLock(tmp_path, "x")
    assert again.load() == b"two"
    again.close()


def test_starting_reads_as_little_of_a_large_tree_as_of_a_small_one(new_log, plain) -> None:
    """Restart time does not depend on the tree's size: the number of reads is that of the levels."""

    class Counting(DirectoryStore):
        reads = 0

        def read(self, key):
            Counting.reads += 1
            return super().read(key)

    counts = []
    log = new_log()
    for size in (300, 3000):
        while log.sequencer.head.size < size:
            log.add(*(b"%d-%d" % (log.sequencer.head.size, number) for number in range(300)))
        Counting.reads = 0
        load_state(Counting(log.directory / "store"), log.sequencer.lock, plain.signer, plain.entries)
        counts.append(Counting.reads)
    assert counts[0] == counts[1]
