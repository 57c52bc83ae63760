"""One stored object torn, flipped or emptied, of each kind: refused with what to do, repaired, not shown.

Whatever it is, ``log verify`` names it, and no damaged byte is passed on as the log's.
"""

import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.tlog.chains import QUICK, Ca, OpenLogs
from tests.tlog.conftest import PlainLog
from tlog.ct import CtLog, Export, LogSettingsError, verify_log
from tlog.ct.tile_entries import CtEntries
from tlog.errors import DamagedTree, RefuseToStart, StorageError, Unavailable
from tlog.storage import DirectoryStore
from tlog.tree import TILE_WIDTH
from tlog.verify import verify_tree
from verifier.algorithms import PrivateKey
from verifier.transparency.merkle import hash_leaf

SIZE = 259
FULL_TILES = ("tile/0/000", "tile/data/000")
EDGE = ("tile/0/001.p/3", "tile/1/000.p/1", "tile/data/001.p/3")
DAMAGES = {
    "torn": lambda data: data[: len(data) // 2],
    "flipped": lambda data: (
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 4]) + data[len(data) // 2 + 1 :]
    ),
    "emptied": lambda _: b"",
}


@dataclass
class Copy:
    """A log's directory that a test may spoil."""

    directory: Path
    key: PrivateKey
    chains: list[list[bytes]]

    def spoil(self, key: str, damage: Callable[[bytes], bytes]) -> None:
        path = self.directory / key
        path.write_bytes(damage(path.read_bytes()))

    def open(self) -> CtLog:
        return CtLog.open(self.directory, self.key, limits=QUICK)

    def refused(self, pattern: str, error: type[Exception] = RefuseToStart) -> None:
        with pytest.raises(error, match=pattern):
            self.open()

    def named(self, key: str) -> None:
        """``log verify`` names this object, and nothing but it and the root that depends on it."""
        found = {damage.key for damage in verify_log(self.directory).damages}
        assert key in found
        assert found <= {key, "checkpoint"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, ca: Ca) -> Copy:
    logs = OpenLogs(tmp_path_factory.mktemp("whole"))
    log = logs.create("sm2", [ca.anchor])
    chains = [ca.chain(f"{at}.example.test") for at in range(SIZE + 1)]
    for submission in [log.submit(chain, precertificate=False) for chain in chains[:SIZE]]:
        submission.wait(60)
    logs.close()
    return Copy(log.directory, logs.keys["sm2"], chains)


@pytest.fixture
def copy(whole: Copy, tmp_path: Path) -> Copy:
    shutil.copytree(whole.directory, tmp_path / "sm2")
    shutil.copy(whole.directory.with_name("sm2.head"), tmp_path)
    assert verify_log(tmp_path / "sm2").whole
    return Copy(tmp_path / "sm2", whole.key, whole.chains)


@pytest.fixture
def grown(whole: Copy, tmp_path: Path) -> Copy:
    """The same log one entry later."""
    directory = tmp_path / "grown" / "sm2"
    shutil.copytree(whole.directory, directory)
    shutil.copy(whole.directory.with_name("sm2.head"), directory.parent)
    grown = Copy(directory, whole.key, whole.chains)
    log = grown.open()
    log.add_chain(whole.chains[SIZE])
    log.close()
    return grown


@pytest.fixture(params=DAMAGES)
def damage(request) -> Callable[[bytes], bytes]:
    return DAMAGES[request.param]


@pytest.mark.parametrize("key", EDGE)
def test_the_tiles_that_are_written_on_are_refused_at_the_start(copy, key, damage) -> None:
    copy.spoil(key, damage)
    copy.refused("Bring back the log directory from a copy made after that head")
    copy.named(key)


@pytest.mark.parametrize(
    "key", ["tile/data/001.p/2", "tile/0/001.p/2", "tile/data/000.p/7", "tile/0/000.p/7"]
)
def test_a_partial_tile_that_was_replaced_is_named_while_it_is_stored(copy, key, damage) -> None:
    """Whoever has an older checkpoint still asks for it, and a static server gives it out."""
    width, path = int(key.rpartition("/")[2]), copy.directory / key
    newest = copy.directory / (key.removesuffix(".p/7") if "000" in key else key.replace(".p/2", ".p/3"))
    data = newest.read_bytes()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data[: 32 * width] if "/0/" in key else CtEntries().first(data, width))
    assert verify_log(copy.directory).whole
    copy.spoil(key, damage)
    assert {found.key for found in verify_log(copy.directory).damages} == {key}


def test_the_fingerprints_in_a_replaced_tile_are_compared_too(copy) -> None:
    """No hash of the tree is over them."""
    path = copy.directory / "tile/data/001.p/2"
    path.write_bytes(CtEntries().first((copy.directory / "tile/data/001.p/3").read_bytes(), 2))
    copy.spoil("tile/data/001.p/2", lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    assert [found.key for found in verify_log(copy.directory).damages] == ["tile/data/001.p/2"]


@pytest.mark.parametrize("key", FULL_TILES)
def test_full_tiles_are_not_believed_when_they_are_read(copy, key, damage) -> None:
    hashes = [hash_leaf(leaf) for leaf in CtEntries().leaves((copy.directory / "tile/data/000").read_bytes())]
    copy.spoil(key, damage)
    log = copy.open()
    with pytest.raises(DamagedTree):
        log.get_entries(0, TILE_WIDTH - 1)
    if key == "tile/0/000":
        sct = log.add_chain(copy.chains[0])
        assert sct.leaf_index == 0, "the promise does not depend on the tile"
        middle = next(at for at in range(TILE_WIDTH) if at >= TILE_WIDTH // 2)
        for ask in (
            lambda: log.get_entry_and_proof(middle, SIZE),
            lambda: log.get_proof_by_hash(hashes[0], SIZE),
            lambda: log.get_proof_by_hash(hashes[0], TILE_WIDTH + 1),
            lambda: log.get_sth_consistency(middle + 1, SIZE),
            lambda: log.get_sth_consistency(middle + 1, TILE_WIDTH + 1),
        ):
            with pytest.raises(DamagedTree):
                ask()
    assert log.add_chain(copy.chains[SIZE]).leaf_index == SIZE, "what follows is not affected"
    log.close()
    copy.named(key)


def test_a_damaged_issuer_is_not_shown_and_stored_again_by_the_next_submission(copy, damage, ca) -> None:
    path = next(path for path in (copy.directory / "issuer").iterdir() if path.read_bytes() == ca.der)
    key = f"issuer/{path.name}"
    copy.spoil(key, damage)
    copy.named(key)
    log = copy.open()
    with pytest.raises(DamagedTree, match=key):
        log.get_entries(0, 0)
    log.add_chain(copy.chains[SIZE])
    assert path.read_bytes() == ca.der
    assert log.get_entries(0, 0)
    log.close()
    assert verify_log(copy.directory).whole


def test_a_damaged_checkpoint_is_refused_and_can_be_removed(copy, damage) -> None:
    copy.spoil("checkpoint", damage)
    copy.refused("the published checkpoint is damaged .* remove the checkpoint")
    copy.named("checkpoint")
    (copy.directory / "checkpoint").unlink()
    copy.open().close()
    assert verify_log(copy.directory).whole


def test_a_damaged_lock_is_refused(copy, damage) -> None:
    copy.spoil("../sm2.head", damage)
    copy.refused("the tree head in the lock is damaged .* Bring the lock file back")
    copy.named("sm2.head")


def test_an_old_store_or_lock_brought_back_is_named_and_never_exported(copy, tmp_path, grown) -> None:
    """What a start refuses, with the same words; a flush that is under way is none of it."""
    old, new = tmp_path, grown.directory.parent
    for store, lock, said in ((old, new, "older than its lock"), (new, old, "newer than its lock")):
        shutil.copytree(store / "sm2", tmp_path / said / "sm2")
        shutil.copy(lock / "sm2.head", tmp_path / said)
        mixed = Copy(tmp_path / said / "sm2", copy.key, copy.chains)
        mixed.refused(said)
        (damage,) = verify_log(mixed.directory).damages
        assert damage.key == "sm2.head"
        assert re.search(f"the store is {said}.* Bring ", damage.found)
        with pytest.raises(RefuseToStart, match=said):
            Export(mixed.directory, tmp_path / "www", b"{}").run()
        assert not (tmp_path / "www").exists()


def test_a_store_that_waits_for_its_staged_batch_is_whole(copy, tmp_path, monkeypatch) -> None:
    log = copy.open()

    def killed(*_: object) -> None:
        raise StorageError("killed")

    for caller in ("sequencer", "startup"):
        monkeypatch.setattr(f"tlog.{caller}.store", killed)
    with pytest.raises(Unavailable):
        log.add_chain(copy.chains[SIZE])
    log.close()
    assert list((copy.directory / "staging").iterdir())
    assert verify_log(copy.directory).whole
    for batch in (copy.directory / "staging").iterdir():
        batch.write_bytes(batch.read_bytes()[:-1])
    assert "the staged batch is damaged" in verify_log(copy.directory).damages[0].found


@pytest.mark.parametrize("part", range(0, 100, 7))
def test_an_index_damaged_anywhere_is_made_anew(copy, part, caplog) -> None:
    path = copy.directory / "index.db"
    data = bytearray(path.read_bytes())
    start = len(data) * part // 100
    data[start : start + 4096] = bytes(byte ^ 0x55 for byte in data[start : start + 4096])
    path.write_bytes(data)
    log = copy.open()
    for chain in copy.chains:
        _patiently(lambda chain=chain: log.add_chain(chain))
    for at in range(0, SIZE, 10):
        entry, _ = log.get_entry_and_proof(at, SIZE)
        assert entry
    log.close()
    assert verify_log(copy.directory).whole


def test_an_index_found_damaged_by_a_look_up_is_made_anew(copy, monkeypatch) -> None:
    log = copy.open()
    index = log._promises._index
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    broken, made_anew = threading.Event(), threading.Event()
    look_up, start_over = index.promise, index.start_over
    broken.set()

    def promise(key: bytes):
        if broken.is_set():
            raise error
        return look_up(key)

    def mended() -> None:
        start_over()
        broken.clear()
        made_anew.set()

    monkeypatch.setattr(index, "promise", promise)
    monkeypatch.setattr(index, "start_over", mended)
    log._sequencer.limits = replace(log._sequencer.limits, head_age=0.05)
    with pytest.raises(Unavailable, match="making its index anew"):
        log.add_chain(copy.chains[7])
    assert made_anew.wait(60)
    assert _patiently(lambda: log.add_chain(copy.chains[7])).leaf_index == 7
    log.close()


def _patiently[T](act: Callable[[], T]) -> T:
    for _ in range(1200):
        try:
            return act()
        except Unavailable:
            time.sleep(0.05)
    pytest.fail("the log did not recover")


@pytest.mark.parametrize("damage", ["torn", "emptied"])
def test_damaged_settings_are_refused(copy, damage) -> None:
    copy.spoil("log.toml", DAMAGES[damage])
    copy.refused(r"log\.toml", LogSettingsError)


@pytest.mark.parametrize(
    ("pattern", "error", "message"),
    [
        (rb'key = "3059', RefuseToStart, "is another one than the key given|key"),
        (rb'origin = "logs', RefuseToStart, "is damaged or not its own"),
        (rb'state = "usable', LogSettingsError, "missing or wrong value"),
        (rb"version = 1", LogSettingsError, "expected version = 1"),
    ],
)
def test_a_flipped_bit_in_the_settings_is_refused(copy, pattern, error, message) -> None:
    data = (copy.directory / "log.toml").read_bytes()
    (found,) = re.finditer(re.escape(pattern), data)
    flipped = bytearray(data)
    flipped[found.end() - 1] ^= 1
    (copy.directory / "log.toml").write_bytes(flipped)
    copy.refused(message, error)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_roots_are_refused(copy, damage) -> None:
    copy.spoil("roots.pem", DAMAGES[damage])
    copy.refused(r"roots\.pem", LogSettingsError)


@pytest.fixture(scope="module")
def tall(tmp_path_factory) -> PlainLog:
    """A log of plain entries with full tiles at two levels and partial ones at three."""
    log = PlainLog(tmp_path_factory.mktemp("tall")).create().open()
    log.sequencer.limits = type(log.sequencer.limits)(pool_size=1 << 20)
    log.add(*(b"%d" % number for number in range(TILE_WIDTH * TILE_WIDTH + 300)))
    log.abandon()
    return log


TALL = ["tile/0/000", "tile/0/255", "tile/0/257.p/44", "tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"]


@pytest.mark.parametrize("key", TALL)
def test_a_damaged_hash_tile_of_any_level_is_named_or_refused(tall, plain, tmp_path, key) -> None:
    shutil.copytree(tall.directory, tmp_path / "log")
    path = tmp_path / "log" / "store" / key
    path.write_bytes(DAMAGES["flipped"](path.read_bytes()))
    log = PlainLog(tmp_path / "log")
    if ".p/" in key:
        with pytest.raises(RefuseToStart, match="Bring back the log directory"):
            log.open()
    else:
        log.open()
        log.abandon()
    store = DirectoryStore(tmp_path / "log" / "store")
    head = plain.signer.open(store.read("checkpoint"))
    found = {damage.key for damage in verify_tree(store, head, plain.entries)}
    assert key in found
    assert found <= {key, "checkpoint"}
