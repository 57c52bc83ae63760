"""An exported log: whole at every moment, brought up to date in steps, never mixed with another."""

import itertools
import json
import re
import shutil
from pathlib import Path

import pytest

from tlog.ct import Export, LogSettingsError, load_settings, verify_copy
from tlog.ct.heads import CtHeads
from tlog.errors import DamagedTree, StorageError
from tlog.storage import DirectoryStore
from verifier.algorithms import PublicKey


def grow(log, ca, count: int) -> None:
    waiting = [log.submit(ca.chain(f"{at}.example.test"), precertificate=False) for at in range(count)]
    for submission in waiting:
        submission.wait(60)


def described(log) -> bytes:
    return json.dumps({"log_id": log.log_id.hex()}).encode()


def verified(log, copy: Path):
    settings = load_settings(log.directory)
    report = verify_copy(copy, CtHeads(settings.origin, PublicKey.from_spki(settings.key)), "copy")
    assert report.whole, report.damages
    return report.head


def names(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def log(logs, ca):
    """A log of 300 entries: a full tile and a partial one."""
    made = logs.create("p256", [ca.anchor])
    grow(made, ca, 300)
    return made


def test_a_copy_grows_by_what_is_new_and_loses_what_is_replaced(log, ca, tmp_path) -> None:
    copy = tmp_path / "www" / "p256"
    first = Export(log.directory, copy, described(log)).run()
    assert (first.before, first.tree_size) == (0, 300)
    assert verified(log, copy).size == 300
    issuers = (f"issuer/{path.name}" for path in (log.directory / "issuer").iterdir())
    assert names(copy) == {
        "log.v3.json", "checkpoint", *issuers,
        "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/data/000", "tile/data/001.p/44",
    }  # fmt: skip
    assert Export(log.directory, copy, described(log)).run().files == 0
    grow(log, ca, 212)
    second = Export(log.directory, copy, described(log)).run()
    assert (second.before, second.tree_size, second.files) == (300, 512, 3)
    assert (copy / "tile/0/001.p/44").exists(), "for whoever has just read the checkpoint before"
    Export(log.directory, copy, described(log)).run()
    assert not (copy / "tile/0/001.p").exists()
    assert verified(log, copy).size == 512


def test_compressed_files_hold_the_same_and_come_later_too(log, tmp_path) -> None:
    copy = tmp_path / "copy"
    Export(log.directory, copy, described(log)).run()
    done = Export(log.directory, copy, described(log), compress=True).run()
    assert {name for name in names(copy) if name.endswith(".gz")} >= {
        "tile/data/000.gz",
        "tile/data/001.p/44.gz",
    }
    assert done.files == sum(name.endswith(".gz") for name in names(copy))
    assert verified(log, copy).size == 300
    path = copy / "tile/data/000.gz"
    path.write_bytes((copy / "tile/data/001.p/44.gz").read_bytes())
    settings = load_settings(log.directory)
    heads = CtHeads(settings.origin, PublicKey.from_spki(settings.key))
    (damage,) = verify_copy(copy, heads, "copy").damages
    assert damage.key == "tile/data/000.gz"
    path.write_bytes(b"no gzip")
    assert verify_copy(copy, heads, "copy").damages[0].key == "tile/data/000.gz"


@pytest.mark.parametrize("call", ["create", "replace", "delete"])
def test_a_run_cut_short_anywhere_leaves_a_whole_copy(log, ca, tmp_path, monkeypatch, call) -> None:
    """Each run fails one write later; after each the copy is empty, or whole, and the next goes on."""
    copy = tmp_path / "copy"
    monkeypatch.setattr("tlog.ct.exporting._TOGETHER", 1)
    real, left = getattr(DirectoryStore, call), [0]

    def failing(store, *arguments):
        if store.directory == copy:
            if left[0] == 0:
                raise StorageError("the disk is full")
            left[0] -= 1
        return real(store, *arguments)

    for more in (0, 212, 0):
        if more:
            grow(log, ca, more)
        for patience in range(20):
            left[0] = patience
            with monkeypatch.context() as patched:
                patched.setattr(DirectoryStore, call, failing)
                try:
                    done = Export(log.directory, copy, described(log)).run()
                except StorageError:
                    done = None
            if (copy / "checkpoint").exists():
                assert verified(log, copy).size in {300, 512}
            if done:
                break
    assert verified(log, copy).size == 512


DAMAGED = [
    "tile/data/000", "tile/data/001.p/44", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "issuer",
]  # fmt: skip


def test_damage_does_not_spread_to_the_copy(log, tmp_path) -> None:
    log.close()
    for number, (key, damage) in enumerate(itertools.product(DAMAGED, ("flipped", "torn", "missing"))):
        path = log.directory / key
        path = min(path.iterdir()) if path.is_dir() else path
        data = path.read_bytes()
        spoil(path, damage)
        copy = tmp_path / f"copy{number}"
        named = path.relative_to(log.directory).as_posix()
        with pytest.raises(DamagedTree, match=re.escape(named) + ".* Bring the log directory back"):
            Export(log.directory, copy, described(log)).run()
        assert not (copy / "checkpoint").exists()
        assert not (copy / named).exists()
        path.write_bytes(data)
        Export(log.directory, copy, described(log)).run()
        assert verified(log, copy).size == 300


def spoil(path: Path, damage: str) -> None:
    data = path.read_bytes()
    at = len(data) // 2
    path.unlink()
    if damage != "missing":
        path.write_bytes(data[:at] + (bytes([data[at] ^ 1]) + data[at + 1 :] if damage == "flipped" else b""))


def test_only_what_is_new_is_checked_again_and_the_edge(log, ca, tmp_path) -> None:
    copy = tmp_path / "copy"
    Export(log.directory, copy, described(log)).run()
    (log.directory / "tile/data/000").write_bytes(b"torn")
    grow(log, ca, 212)
    assert Export(log.directory, copy, described(log)).run().files == 3
    path = log.directory / "tile/1/000.p/2"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(DamagedTree, match=r"tile/1/000\.p/2"):
        Export(log.directory, copy, described(log)).run()


def test_an_issuer_that_a_data_tile_names_must_be_there(log, tmp_path) -> None:
    """The fingerprints are beside the tree: no hash of it tells that one is damaged."""
    log.close()
    path = log.directory / "tile/data/001.p/44"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(DamagedTree, match=r"issuer/.* is missing .*named in tile/data/001\.p/44"):
        Export(log.directory, tmp_path / "copy", described(log)).run()


def test_a_directory_that_is_not_a_copy_of_this_log_is_left_alone(log, logs, ca, tmp_path) -> None:
    other = logs.create("other", [ca.anchor])
    grow(other, ca, 1)
    copy = tmp_path / "copy"
    Export(other.directory, copy, described(other)).run()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("only copy")
    interrupted = tmp_path / "interrupted"
    interrupted.mkdir()
    (interrupted / "log.v3.json").write_bytes(described(other))
    wrong = {copy: "not a copy of this log", mine: "neither empty nor", interrupted: "neither empty nor"}
    for target, said in (wrong | {log.directory: "is a log itself"}).items():
        before = names(target)
        with pytest.raises(LogSettingsError, match=said):
            Export(log.directory, target, described(log)).run()
        assert names(target) == before


def test_a_copy_that_is_ahead_of_its_log_or_beside_it_is_evidence(log, ca, logs, tmp_path) -> None:
    copy, kept = tmp_path / "copy", tmp_path / "kept"
    log.close()
    for source, target in ((log.directory, kept), (log.directory.parent / "p256.head", tmp_path / "head")):
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    log = logs.open("p256")
    grow(log, ca, 1)
    Export(log.directory, copy, described(log)).run()
    log.close()
    shutil.rmtree(log.directory)
    shutil.copytree(kept, log.directory)
    shutil.copy(tmp_path / "head", log.directory.parent / "p256.head")
    with pytest.raises(LogSettingsError, match="shows 301 entries, the log has 300"):
        Export(log.directory, copy, described(log)).run()
    forked = logs.open("p256")
    grow(forked, ca, 2)
    with pytest.raises(LogSettingsError, match="has not grown from; keep it as evidence"):
        Export(forked.directory, copy, described(log)).run()
