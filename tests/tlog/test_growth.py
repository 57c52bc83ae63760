"""A log that grows costs the same for ever: memory and restart, held to their limits in the deep tests."""

import pytest

from benchmarks.growth import MEMORY_LIMIT, RESTART_LIMIT, grow
from tlog.ct import verify_log
from verifier.algorithms import KeyAlgorithm


@pytest.mark.deep
def test_memory_and_restart_of_a_log_of_a_hundred_thousand(tmp_path) -> None:
    filled, restarted = grow(tmp_path, KeyAlgorithm.ECDSA, 100_000, rounds=4)
    assert max(filled.memory, restarted.memory) < MEMORY_LIMIT
    assert restarted.seconds < RESTART_LIMIT
    assert verify_log(tmp_path / "large").whole
    left = [
        path.name for path in (tmp_path / "large").rglob("*") if path.is_file() and ".p" in path.parent.suffix
    ]
    assert len(left) <= 5, "of partial tiles only those at the tree's edge are kept"
    assert list((tmp_path / "large" / "staging").iterdir()) == []
