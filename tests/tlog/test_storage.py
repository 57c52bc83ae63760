"""The storage contract, as every implementation must keep it; the directory store is the first."""

import os
import threading
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlog.errors import Conflict, NotStored, StorageError
from tlog.storage import DirectoryStore, check_key


@pytest.fixture(params=["directory"])
def store(tmp_path):
    return DirectoryStore(tmp_path / "store")


def test_what_was_created_is_read(store) -> None:
    store.create({"tile/0/000.p/1": b"one", "issuer/ab": b""})
    assert store.read("tile/0/000.p/1") == b"one"
    assert store.read("issuer/ab") == b""


def test_creating_the_same_again_is_no_error(store) -> None:
    store.create({"a": b"1"})
    store.create({"a": b"1", "b": b"2"})
    assert store.read("b") == b"2"


def test_creating_something_else_is_a_conflict_and_changes_nothing(store) -> None:
    store.create({"a": b"1"})
    with pytest.raises(Conflict, match="already there with other content"):
        store.create({"a": b"2"})
    assert store.read("a") == b"1"


def test_what_is_not_there_is_not_stored(store) -> None:
    store.create({"tile/0/000": b"x"})
    for key in ("nothing", "tile/0/001", "tile/0", "tile/0/000/deeper"):
        with pytest.raises(NotStored, match=key):
            store.read(key)


def test_replacing_puts_the_new_whole_in_place_of_the_old(store) -> None:
    store.replace("checkpoint", b"long and old")
    store.replace("checkpoint", b"new")
    assert store.read("checkpoint") == b"new"


def test_readers_see_whole_objects_while_they_are_replaced(store) -> None:
    wanted = [bytes([number]) * 50_000 for number in range(30)]
    store.replace("checkpoint", wanted[0])
    seen: list[bytes] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(store.read("checkpoint"))

    reader = threading.Thread(target=read)
    reader.start()
    for data in wanted:
        store.replace("checkpoint", data)
    done.set()
    reader.join()
    assert set(seen) <= set(wanted)


def test_deleting_is_repeatable(store) -> None:
    store.create({"tile/0/000.p/1": b"x", "tile/0/000.p/2": b"y"})
    for _ in range(2):
        store.delete("tile/0/000.p/1")
    assert list(store.keys("tile/0/000.p/")) == ["tile/0/000.p/2"]
    store.delete("tile/0/000.p/2")
    assert list(store.keys("tile/0/000.p/")) == []
    store.create({"tile/0/000.p/3": b"z"})
    assert store.read("tile/0/000.p/3") == b"z"


def test_keys_lists_what_is_below_a_prefix_only(store) -> None:
    store.create({"staging/1-a": b"", "staging/2-b": b"", "tile/0/000": b""})
    assert sorted(store.keys("staging/")) == ["staging/1-a", "staging/2-b"]
    assert list(store.keys("nothing/")) == []


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".tmp/x", "a b", "a" * 201, "a\0b"]
)
def test_a_key_cannot_leave_the_store(store, key) -> None:
    for act in (
        store.read,
        store.delete,
        lambda key: store.create({key: b""}),
        lambda key: store.replace(key, b""),
    ):
        with pytest.raises(StorageError, match="not a storage key"):
            act(key)


@given(st.text(max_size=30))
def test_any_text_is_a_safe_key_or_none(text: str) -> None:
    try:
        key = check_key(text)
    except StorageError:
        return
    assert str(PurePosixPath("/base", key)) == f"/base/{key}"
    assert ".." not in PurePosixPath(key).parts


def test_an_object_is_synced_before_it_has_its_name_and_its_directory_after(store, monkeypatch) -> None:
    """Without these calls in this order a power cut could leave a name without its content."""
    events: list[str] = []
    real_fsync, real_link = os.fsync, os.link

    def fsync(descriptor: int) -> None:
        events.append("directory" if Path(f"/proc/self/fd/{descriptor}").is_dir() else "file")
        real_fsync(descriptor)

    def link(*paths) -> None:
        events.append("name")
        real_link(*paths)

    store.create({"a": b""})  # makes the directories
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", link)
    store.create({"b": b"x"})
    assert events == ["file", "name", "directory"]
    events.clear()
    store.replace("b", b"y")
    assert events == ["file", "directory"]
    events.clear()
    store.create({"new/deep/c": b"x"})
    assert events.count("directory") == 3  # each new directory in its parent, then the file's own
    assert events[-1] == "directory"


def test_what_a_crash_left_half_written_is_swept(tmp_path) -> None:
    store = DirectoryStore(tmp_path)
    store.create({"a": b"1"})
    (tmp_path / ".tmp" / "123-4").write_bytes(b"half")
    store.sweep()
    assert list((tmp_path / ".tmp").iterdir()) == []
    assert store.read("a") == b"1"


def test_a_directory_that_cannot_be_written_is_named(tmp_path) -> None:
    (tmp_path / "store").write_text("a file where the directory should be")
    with pytest.raises(StorageError, match="could not write"):
        DirectoryStore(tmp_path / "store").create({"a": b"1"})


def test_a_full_disk_leaves_no_part_behind(store, monkeypatch) -> None:
    store.create({"a": b"1"})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        store.create({"b": b"2"})
    monkeypatch.undo()
    assert list((store.directory / ".tmp").iterdir()) == []
    with pytest.raises(NotStored):
        store.read("b")
