"""SCTs and Merkle trees against what their signatures and hashes cost alone.

Processor time, and the limit by turns with what is measured: the ratio is the median of the rounds' own, so
that what else runs on the machine falls on both.
"""

from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from os import urandom
from statistics import median
from time import process_time

from benchmarks.figure import Figure
from monitor.store.tree import WIDTH, tile_roots
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.transparency.entries import PrecertEntry, signed_data
from verifier.transparency.merkle import CompactRange, root_of
from verifier.transparency.sct import sct_extensions
from verifier.transparency.verify import sign_sct, verify_sct

LEAVES = 1 << 17
ROUNDS = 15
VERIFICATIONS = 100
TBS_SIZE = 1200  # bytes, as certificates of the web have it
TIMESTAMP = 1_700_000_000_000
BATCH = 1000  # leaves: what a follower gets in one answer


def measure() -> Iterator[Figure]:
    """SCT verification for SM2 and P-256, and the root of 2**17 leaves at once and in batches."""
    yield _sct_verification("SCT verification, SM2", KeyAlgorithm.SM2)
    yield _sct_verification("SCT verification, P-256", KeyAlgorithm.ECDSA)
    leaves = [urandom(32) for _ in range(LEAVES)]
    nodes = [b"\x01" + urandom(64) for _ in range(LEAVES - 1)]
    for name, run, required in (
        ("Merkle root of 2^17 leaves", _whole, 0.8),
        ("the same, followed in batches of 1000", _followed, 0.8),
        ("a compact range that checks its leaves", _in_batches, None),  # of evidence; no follower has one
    ):
        rate, limit = _rates(len(nodes), partial(run, leaves), partial(_hash, nodes))
        yield Figure(name, rate, "nodes/s", "hashlib, as many nodes", limit, required)


def _sct_verification(name: str, algorithm: KeyAlgorithm) -> Figure:
    """``verify_sct`` against the engine's verification of the same signature over the same bytes."""
    signer = PrivateKey.generate(algorithm)
    key = signer.public_key
    entry = PrecertEntry(urandom(32), urandom(TBS_SIZE))
    sct = sign_sct(entry, TIMESTAMP, sct_extensions(1), signer)
    data = signed_data(entry, sct.timestamp, sct.extensions)

    def checked() -> None:
        for _ in range(VERIFICATIONS):
            verify_sct(sct, entry, key)

    def raw() -> None:
        for _ in range(VERIFICATIONS):
            key.verify(sct.signature, data)

    rate, limit = _rates(VERIFICATIONS, checked, raw)
    return Figure(name, rate, "SCTs/s", "the engine's raw verify", limit)


def _whole(leaves: list[bytes]) -> None:
    assert len(root_of(leaves)) == 32


def _followed(leaves: list[bytes]) -> None:
    """As a follower's tiles grow: a node is made when its tile is full."""
    row: list[bytes] = []
    full: list[bytes] = []
    for start in range(0, len(leaves), BATCH):
        row += leaves[start : start + BATCH]
        full += tile_roots(row)
        row = row[len(row) - len(row) % WIDTH :]
    assert len(root_of(full)) == 32


def _in_batches(leaves: list[bytes]) -> None:
    grown = CompactRange()
    for start in range(0, len(leaves), BATCH):
        grown.extend(leaves[start : start + BATCH])
    assert grown.size == len(leaves)
    assert len(grown.root()) == 32


def _hash(nodes: list[bytes]) -> None:
    for node in nodes:
        sha256(node).digest()


def _rates(count: int, run: Callable[[], None], limit: Callable[[], None]) -> tuple[float, float]:
    """How many of ``count`` things ``run`` and ``limit`` do a second; their ratio is the rounds' median."""
    taken = [(_seconds(limit), _seconds(run), _seconds(limit)) for _ in range(ROUNDS)]
    ratio = median((before + after) / 2 / seconds for before, seconds, after in taken)
    fastest = count / min(min(before, after) for before, _, after in taken)
    return ratio * fastest, fastest


def _seconds(run: Callable[[], None]) -> float:
    """The processor time that ``run`` takes."""
    start = process_time()
    run()
    return process_time() - start
