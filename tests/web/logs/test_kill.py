"""kill -9 at random moments under load: nothing that was promised is lost, and the log never forks."""

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import urllib3

from tests.tlog.chains import Ca, OpenLogs
from tests.web.logs.conftest import Service
from tlog.ct import CtLog, verify_log
from tlog.tree import RightEdge
from verifier.algorithms import PublicKey
from verifier.transparency import api
from verifier.transparency.checkpoint import verify_checkpoint
from verifier.transparency.entries import X509Entry, parse_merkle_tree_leaf
from verifier.transparency.merkle import hash_leaf
from verifier.transparency.verify import verify_sct

ROOT = Path(__file__).parents[3]
CLIENTS = 6


class Victim:
    """The log's process, its clients, and all that was ever promised or published."""

    def __init__(self, directory: Path, key_file: Path, chains: list[list[bytes]]) -> None:
        self.directory, self.key_file, self.chains = directory, key_file, chains
        self.promises: dict[int, bytes] = {}
        self.checkpoints: set[bytes] = set()
        self.slowest_start = self.most_work = 0.0  # seconds: by the clock, and of the processor
        self.answers = 0
        self.random = random.Random()  # noqa: S311 -- moments and loads, not keys

    def live_and_die(self, seconds: float) -> None:
        """Start, take submissions from several clients, and be killed in the middle of it."""
        command = [sys.executable, "-m", "tests.web.logs.serve_log", self.directory, self.key_file]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            port, took, worked = process.stdout.readline().split()
            self.slowest_start = max(self.slowest_start, float(took))
            self.most_work = max(self.most_work, float(worked))
            http = urllib3.PoolManager(maxsize=CLIENTS, retries=False, timeout=60)
            service = Service(f"http://127.0.0.1:{port}", http)
            clients = [threading.Thread(target=self._submit, args=(service,)) for _ in range(CLIENTS)]
            for client in clients:
                client.start()
            before, end = self.answers, time.monotonic() + 60
            time.sleep(seconds)
            while self.answers == before and time.monotonic() < end:
                time.sleep(0.01)  # a machine so busy that there was no load yet
            process.send_signal(signal.SIGKILL)
            for client in clients:
                client.join()
            http.clear()

    def _submit(self, service: Service) -> None:
        while True:
            number = self.random.randrange(len(self.chains))
            try:
                answer = service.submit(self.directory.name, self.chains[number])
                checkpoint = service.get(f"/log/{self.directory.name}/checkpoint")
            except urllib3.exceptions.HTTPError:
                return  # killed
            if answer.status == 200:
                self.answers += 1
                known = self.promises.setdefault(number, answer.data)
                assert known == answer.data, "a resubmission got another promise"
            if checkpoint.status == 200:
                self.checkpoints.add(checkpoint.data)

    def check(self, log: CtLog) -> None:
        """Every promise is kept at its place, and every checkpoint is a beginning of the tree."""
        assert verify_log(self.directory).whole
        size = log.get_sth().tree_size
        leaves: list[bytes] = []
        while len(leaves) < size:
            leaves += [entry.leaf_input for entry in log.get_entries(len(leaves), size - 1)]
        for number, data in self.promises.items():
            sct = api.parse_sct_response(data)
            entry = X509Entry(self.chains[number][0])
            verify_sct(sct, entry, log.key)
            assert parse_merkle_tree_leaf(leaves[sct.leaf_index]).entry == entry
            assert log.add_chain(self.chains[number]) == sct
        hashes = [hash_leaf(leaf) for leaf in leaves]
        for text in self.checkpoints:
            head = verify_checkpoint(text, log.settings.origin, PublicKey.from_spki(log.settings.key))
            assert RightEdge().append(hashes[: head.tree_size]).edge.root() == head.root_hash


@pytest.mark.parametrize("kills", [10, pytest.param(200, marks=pytest.mark.deep)])
def test_kill_at_random_moments_loses_nothing(tmp_path, kills) -> None:
    ca = Ca.root().intermediate()
    logs = OpenLogs(tmp_path / "logs")
    log = logs.create("sm2", [ca.anchor])
    log.close()
    key_file = tmp_path / "key"
    key_file.write_bytes(logs.keys["sm2"].to_pkcs8())
    victim = Victim(log.directory, key_file, [ca.chain(f"{number}.example.test") for number in range(400)])
    for _ in range(kills):
        victim.live_and_die(victim.random.uniform(0.05, 0.5))
    log = logs.open("sm2")
    victim.check(log)
    log.close()
    assert victim.answers > kills, "the load was no load"
    assert victim.most_work < 2
    assert victim.slowest_start < 20, "two seconds, unless other work keeps the processor"
