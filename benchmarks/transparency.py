"""SCTs and Merkle trees against what their signatures and hashes cost alone."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from os import urandom
from time import perf_counter

from benchmarks.figure import Figure
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.transparency.entries import PrecertEntry, signed_data
from verifier.transparency.merkle import CompactRange, root_of
from verifier.transparency.sct import sct_extensions
from verifier.transparency.verify import sign_sct, verify_sct

LEAVES = 1 << 17
ROUNDS = 5
VERIFICATIONS = 400
TBS_SIZE = 1200  # bytes, as certificates of the web have it
TIMESTAMP = 1_700_000_000_000
BATCH = 1000  # leaves: what a follower gets in one answer


def measure() -> Iterator[Figure]:
    """SCT verification for SM2 and P-256, and the root of 2**17 leaves at once and in batches."""
    yield _sct_verification("SCT verification, SM2", KeyAlgorithm.SM2)
    yield _sct_verification("SCT verification, P-256", KeyAlgorithm.ECDSA)
    leaves = [urandom(32) for _ in range(LEAVES)]
    nodes = [b"\x01" + urandom(64) for _ in range(LEAVES - 1)]
    whole, batches, limit = _rates(
        len(nodes), lambda: _whole(leaves), lambda: _in_batches(leaves), lambda: _hash(nodes)
    )
    name = "hashlib over the same number of nodes"
    yield Figure("Merkle root of 2^17 leaves", whole, "nodes/s", name, limit, required=0.8)
    yield Figure("the same, followed in batches of 1000", batches, "nodes/s", name, limit, required=0.8)


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


def _in_batches(leaves: list[bytes]) -> None:
    grown = CompactRange()
    for start in range(0, len(leaves), BATCH):
        grown.extend(leaves[start : start + BATCH])
    assert grown.size == len(leaves)
    assert len(grown.root()) == 32


def _hash(nodes: list[bytes]) -> None:
    for node in nodes:
        sha256(node).digest()


def _rates(count: int, *runs: Callable[[], None]) -> list[float]:
    """How many of ``count`` things each run does a second, at its best of rounds taken in turn."""
    best = [float("inf")] * len(runs)
    for _ in range(ROUNDS):
        for position, run in enumerate(runs):
            start = perf_counter()
            run()
            best[position] = min(best[position], perf_counter() - start)
    return [count / seconds for seconds in best]
