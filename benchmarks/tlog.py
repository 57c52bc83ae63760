"""Submissions over HTTP, against a bare loop that does the same cryptography and nothing else."""

import hashlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.submissions.certificates import Made, issue
from benchmarks.submissions.load import Load, add_chain_request, submit
from benchmarks.submissions.serving import Cost, serving
from tlog.pool import Limits
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.certificates import Certificate
from verifier.transparency.entries import X509Entry, merkle_tree_leaf, signed_data
from verifier.transparency.extensions import sct_extensions

SUBMISSIONS = 4000  # at full load; half as many at moderate load, and for the profile
CONNECTIONS = 480  # enough that the log, not the waiting for its flushes, is the limit
MODERATE = 0.6  # of the full rate
ASKED_SHARE = 0.6  # of the bare loop, where the cryptography is what costs: SM2
ASKED_RATE = 1000.0  # a second, where the cryptography is almost free: P-256


@dataclass(frozen=True)
class Measured:
    """One log: the bare loop's rate, both loads, what a submission cost (microseconds) and left on disk."""

    bare: float
    full: Load
    moderate: Load
    microseconds: float
    bytes_on_disk: float


def measure() -> Iterator[Figure]:
    """Both logs: rate, latency and cost, each beside its limit; then where the P-256 log's time goes."""
    for name, algorithm in (("SM2", KeyAlgorithm.SM2), ("P-256", KeyAlgorithm.ECDSA)):
        made = issue(algorithm, SUBMISSIONS + SUBMISSIONS // 2)
        measured = _measure(made, algorithm)
        yield from _rates(name, measured, asks_share=algorithm is KeyAlgorithm.SM2)
        yield from _latencies(name, measured)
        yield Figure(
            f"log {name}: bytes on disk per entry", measured.bytes_on_disk, "bytes",
            "its certificate and leaf hash alone", made.mean_size + 32, higher_is_better=False,
        )  # fmt: skip
        if algorithm is KeyAlgorithm.ECDSA:
            yield from _profile(name, made, algorithm)


def _rates(name: str, measured: Measured, *, asks_share: bool) -> Iterator[Figure]:
    yield Figure(
        f"log {name}: submissions over HTTP", measured.full.rate, "/s", "same cryptography, bare loop",
        measured.bare, required=ASKED_SHARE if asks_share else None,
    )  # fmt: skip
    if not asks_share:
        yield Figure(
            f"log {name}: the same",
            measured.full.rate,
            "/s",
            "asked of this machine",
            ASKED_RATE,
            required=1.0,
        )
    yield Figure(
        f"log {name}: processor time of a submission", measured.microseconds, "µs", "the bare loop",
        1e6 / measured.bare, higher_is_better=False,
    )  # fmt: skip
    yield Figure(
        f"log {name}: the clients' on the same cores", 1e6 * measured.full.own_seconds / SUBMISSIONS, "µs",
        "the log's", measured.microseconds, higher_is_better=False,
    )  # fmt: skip


def _latencies(name: str, measured: Measured) -> Iterator[Figure]:
    period = Limits().period * 1000
    loads = ((f"{measured.moderate.rate:.0f}/s", measured.moderate), ("full load", measured.full))
    for what, load in loads:
        for share in (0.5, 0.99):
            yield Figure(
                f"log {name}: latency p{share * 100:.0f} at {what}", load.percentile(share), "ms",
                "flush period", period, higher_is_better=False,
            )  # fmt: skip


def _profile(name: str, made: Made, algorithm: KeyAlgorithm) -> Iterator[Figure]:
    """Where the processor time of a submission goes; the counting itself adds to each part."""
    count = SUBMISSIONS // 2
    with (
        tempfile.TemporaryDirectory() as directory,
        serving(Path(directory), made.root, algorithm, profiled=True) as log,
    ):
        before = log.cost()
        submit(log.port, [add_chain_request(leaf) for leaf in made.leaves[:count]], CONNECTIONS)
        cost = _difference(before, log.cost(), count)
    parts = {**cost.parts, "everything else": cost.total - sum(cost.parts.values())}
    for part, microseconds in sorted(parts.items(), key=lambda item: -item[1]):
        yield Figure(f"log {name}, profile: {part}", microseconds, "µs", "a submission, counted", cost.total)


def _difference(before: Cost, after: Cost, count: int) -> Cost:
    """Return the cost of each of ``count`` submissions in microseconds."""
    parts = {
        name: (seconds - before.parts.get(name, 0.0)) * 1e6 / count for name, seconds in after.parts.items()
    }
    return Cost((after.total - before.total) * 1e6 / count, parts)


def _measure(made: Made, algorithm: KeyAlgorithm) -> Measured:
    requests = [add_chain_request(leaf) for leaf in made.leaves]
    with tempfile.TemporaryDirectory() as directory:
        bare = _bare_loop(made, algorithm)
        with serving(Path(directory), made.root, algorithm) as log:
            before = log.cost()
            full = submit(log.port, requests[:SUBMISSIONS], CONNECTIONS)
            cost = _difference(before, log.cost(), SUBMISSIONS)
            moderate = submit(log.port, requests[SUBMISSIONS:], CONNECTIONS, rate=MODERATE * full.rate)
        bare = (bare + _bare_loop(made, algorithm)) / 2  # before and after: the machine's speed changes
        files = [file for file in (Path(directory) / "log").rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files) / len(made.leaves)
    return Measured(bare, full, moderate, cost.total, size)


def _bare_loop(made: Made, algorithm: KeyAlgorithm, count: int = 600) -> float:
    """Verify the chain's signature, sign the SCT, hash leaf and node: the cryptography of one submission."""
    key = PrivateKey.generate(algorithm)
    ca = Certificate.parse(made.root).public_key
    certificates = [Certificate.parse(leaf) for leaf in made.leaves[:count]]
    start = time.perf_counter()
    for index, certificate in enumerate(certificates):
        ca.verify(certificate.signature, certificate.tbs)
        entry, extensions = X509Entry(certificate.der), sct_extensions(index)
        key.sign(signed_data(entry, 1, extensions))
        leaf = hashlib.sha256(b"\0" + merkle_tree_leaf(entry, 1, extensions)).digest()
        hashlib.sha256(b"\1" + leaf + leaf).digest()
    return count / (time.perf_counter() - start)
