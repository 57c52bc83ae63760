"""The witness's memory under several processes, and under kill -9: never two trees, never a smaller one."""

import base64
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monitor.witness import Cosigner, KnownLogs, WitnessStore
from monitor.witness.errors import CannotCosign
from tests.monitor.witness.asking import NAME, log_of
from tests.monitor.witness.notes import NoteLog, verified_time
from verifier.algorithms import KeyAlgorithm, PrivateKey

ROOT = Path(__file__).parents[3]


def cosigned(given: list[Path], vkey: str) -> list[tuple[int, int, str]]:
    """Time, size and root of every cosignature that was given away, each verified."""
    found = []
    for path in given:
        for line in path.read_text().splitlines() if path.exists() else []:
            body, cosignature = (base64.b64decode(part) for part in line.split(" "))
            _, size, root = body.decode().split()
            found.append((verified_time(cosignature, vkey, body.decode()), int(size), root))
    return sorted(found)


def check(found: list[tuple[int, int, str]], honest: NoteLog, fork: NoteLog) -> None:
    sizes = [size for _, size, _ in found]
    by_time = [max(size for moment, size, _ in found if moment == now) for now, _, _ in found]
    assert by_time == sorted(by_time), "a smaller tree was cosigned at a later time"
    roots = {size: root for _, size, root in found}
    assert all(roots[size] == root for _, size, root in found), "two trees of one size were cosigned"
    trees = [all(log.body(size).split()[2] == root for size, root in roots.items()) for log in (honest, fork)]
    assert any(trees), "cosignatures of both trees were given away"
    assert len(sizes) > 10


def written(given: list[Path]) -> int:
    return sum(path.stat().st_size for path in given if path.exists())


@pytest.mark.parametrize("kills", [0, 6])
def test_processes_and_kills(tmp_path, kills):
    """Four processes over one store, two of them for a forked log; some are killed at any moment."""
    key, log_key = PrivateKey.generate(KeyAlgorithm.ED25519), os.urandom(32)
    database = tmp_path / "witness.db"
    WitnessStore(database).close()
    given: list[Path] = []
    running: list[subprocess.Popen] = []

    def start(number: int) -> None:
        given.append(tmp_path / f"given{number}")
        options = {
            "database": str(database), "key": key.to_pkcs8().hex(), "log": log_key.hex(), "seed": number,
            "forked": not number % 2, "given": str(given[-1]), "step": 2 if kills else 9,
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.monitor.witness.asking", json.dumps(options)]
        running.append(subprocess.Popen(command, cwd=ROOT))

    for number in range(4):
        start(number)
    for number in range(kills):
        before = written(given)
        while written(given) == before and any(process.poll() is None for process in running):
            time.sleep(0.01)
        time.sleep(random.uniform(0.01, 0.15))  # noqa: S311 -- no secret
        victim = running.pop(random.randrange(len(running)))  # noqa: S311 -- no secret
        victim.kill()
        victim.wait(60)
        start(4 + number)
    assert [process.wait(60) for process in running] == [0] * 4
    store = WitnessStore(database)
    vkey = Cosigner(NAME, key, store, KnownLogs()).witness.encode()
    found = cosigned(given, vkey)
    check(found, log_of(log_key, forked=False), log_of(log_key, forked=True))
    (last,) = store.all()
    assert last.size >= max(size for _, size, _ in found)
    store.close()


def test_a_commit_is_synced_before_it_returns(tmp_path):
    store = WitnessStore(tmp_path / "witness.db")
    (synchronous,) = store._connection.execute("PRAGMA synchronous").fetchone()
    (journal,) = store._connection.execute("PRAGMA journal_mode").fetchone()
    store.close()
    assert (synchronous, journal) == (2, "wal")  # FULL: sqlite.org/pragma.html#pragma_synchronous


def test_a_database_that_cannot_be_used_is_an_error_of_ours(tmp_path):
    (tmp_path / "witness.db").write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(CannotCosign, match="could not use"):
        WitnessStore(tmp_path / "witness.db")
    with pytest.raises(CannotCosign, match="could not use"):
        WitnessStore(tmp_path / "missing" / "witness.db")
