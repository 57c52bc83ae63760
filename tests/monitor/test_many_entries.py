"""A log of 100,000 generated entries, 1,000,000 in the deep form: counts and roots match, memory is flat."""

import logging
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from benchmarks import memory
from monitor.follower.follow import Follower
from monitor.observations import Observations
from monitor.store import Connections, Logs
from monitor.store.schema import CACHE_KIB
from monitor.values import Match, Query, WatchedLog
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.certificates import Certificate
from verifier.transparency.api import RawEntry
from verifier.transparency.entries import PrecertEntry, merkle_tree_leaf
from verifier.transparency.extra_data import PrecertChainEntry
from verifier.transparency.merkle import CompactRange, hash_leaf, root_from

BATCH = 1000
FIGURES = logging.getLogger("figures")  # --log-cli-level=INFO shows them
PLACE = b"000000"
SLACK = CACHE_KIB / 1024 + 32
"""MiB that memory may grow after a quarter: the database's cache, and what the allocator keeps."""


class Generated:
    """A log's entries made on demand from one precertificate: each has its own serial number and name.

    Their signatures do not verify, which a follower does not look at.
    """

    def __init__(self, ca):
        der = ca.precertificate(f"n{PLACE.decode()}.generated.example.test")
        parsed = Certificate.parse(der)
        self._precertificate = der
        self._serial = parsed.serial.to_bytes((parsed.serial.bit_length() + 8) // 8)
        key_hash = sha256(Certificate.parse(ca.der).public_key.spki).digest()
        self._entry = PrecertEntry(key_hash, parsed.precertificate_tbs)
        self._ca = ca.der
        self.moment = 1_790_000_000_000
        self.tree = CompactRange()

    def entry(self, number):
        serial = self._serial[:-4] + number.to_bytes(4)

        def numbered(data):
            return data.replace(self._serial, serial).replace(PLACE, f"{number:06}".encode())

        entry = PrecertEntry(self._entry.issuer_key_hash, numbered(self._entry.tbs))
        extra = PrecertChainEntry(numbered(self._precertificate), (self._ca,)).encode()
        return RawEntry(merkle_tree_leaf(entry, self.moment + number, b""), extra)

    def entries(self, start, end):
        """Each entry is asked for once, in order: the tree of what was served is the log's own."""
        assert start == self.tree.size
        served = [self.entry(number) for number in range(start, min(end, start + BATCH))]
        self.tree.extend(hash_leaf(entry.leaf_input) for entry in served)
        return served


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("size", [100_000, pytest.param(1_000_000, marks=pytest.mark.deep)])
def test_every_entry_is_stored_once_and_the_root_matches(monitor, database, ca, size):
    connections = Connections(database)
    logs, source = Logs(connections), Generated(ca)
    key = PrivateKey.generate(KeyAlgorithm.ECDSA).public_key
    logs.watch(WatchedLog("many", key.key_id, key, "", "", timedelta(seconds=60)))
    row = logs.get("many").id
    observations = Observations(connections)
    began, reached = time.monotonic(), list[tuple[int, float, float]]()
    for stop in (size // 4, size // 3 + 7, size // 2, size * 3 // 4, size):  # resumed at the exact entry
        Follower(row, source, logs, observations=observations).follow(stop)
        reached.append((stop, time.monotonic() - began, memory.private()))
        assert logs.size(row) == stop
        assert observations.following(row).position == stop
    assert root_from(logs.tree(row).node, size) == source.tree.root()
    assert (monitor.overview().entries, monitor.overview().certificates) == (size, size)
    assert logs.get("many").malformed == 0
    for number in (0, 1, size // 3 + 7, size - 1):
        name = f"n{number:06}.generated.example.test"
        (found,) = monitor.search(Query(name, Match.EXACT), datetime.now(UTC)).results
        assert found.names == (name,)
    assert reached[-1][2] < reached[0][2] + SLACK, reached
    connections.close()
    for stop, seconds, mib in reached:
        FIGURES.info("%d entries after %.0f s, %.0f MiB", stop, seconds, mib)
    FIGURES.info("%d bytes of the database for each entry", database.stat().st_size // size)
