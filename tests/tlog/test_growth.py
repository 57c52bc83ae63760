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
    partial = [path for path in (tmp_path / "large" / "tile").rglob("*.p") if path.is_dir()]
    assert not [path for path in partial if path.with_suffix("").exists()], "cleaned where full ones exist"
    assert len(partial) <= 4, "one a level: the tree's edge"
    assert list((tmp_path / "large" / "staging").iterdir()) == []
