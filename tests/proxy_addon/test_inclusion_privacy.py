"""How much of a leaf hash is told: no more than a crowd shares, in a tree whose size the log signed."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from proxy_addon.connect.inclusion import CROWD, HEX_BASE, InclusionChecker, State, prefix_digits


@dataclass
class Answer:
    status: int
    body: bytes


class Monitor:
    """Answers with what it is given, and remembers the prefixes."""

    def __init__(self, *answers):
        self.answers, self.prefixes = list(answers), []

    def ask(self, url, *, limit):
        assert limit
        self.prefixes.append(url.partition("prefix=")[2])
        status, value = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Answer(status, json.dumps(value).encode())


@pytest.fixture
def grown(pki):
    """A log of 1,100 entries, the last of which is looked for."""
    log = pki.logs[0]
    before = list(log.leaves)
    log.leaves.extend(bytes([number % 256, number // 256]) * 16 for number in range(1100))
    log.relied = SimpleNamespace(
        leaf_hash=log.leaves[-1], log_id=log.log.log_id, due=datetime.now(UTC) - timedelta(hours=1)
    )
    yield log
    log.leaves[:] = before


def too_many(log, **changes):
    """What the site answers to a prefix that too many leaves share."""
    head = {**log.inclusion("")["tree_head"], **changes}
    return 400, {"error": "too many", "field": "prefix", "tree_size": head["tree_size"], "tree_head": head}


def test_more_digits_are_told_of_a_larger_tree(grown):
    prefix = grown.relied.leaf_hash.hex()[:1]
    monitor = Monitor(too_many(grown), (200, grown.inclusion(prefix)))
    proof = InclusionChecker(monitor, "http://site").check(grown.relied, grown.log)
    assert monitor.prefixes == ["", prefix]
    assert proof.state is State.INCLUDED
    assert proof.crowd >= CROWD


@pytest.mark.parametrize("size", [10**6, 10**18])
def test_a_made_up_size_makes_nobody_tell_more(grown, size):
    """A monitor that wants to know which site was visited says that the tree is huge."""
    unsigned = too_many(grown, tree_size=size)
    without = 400, {"error": "too many", "tree_size": size}
    for answer in (unsigned, without):
        monitor = Monitor(answer)
        checker = InclusionChecker(monitor, "http://site")
        for _ in range(3):
            assert checker.check(grown.relied, grown.log).state is State.UNKNOWN
        assert set(monitor.prefixes) == {""}


def test_an_answer_with_a_made_up_size_makes_nobody_tell_more_either(grown):
    answer = grown.inclusion("")
    monitor = Monitor((200, {**answer, "tree_head": {**answer["tree_head"], "tree_size": 10**18}}))
    checker = InclusionChecker(monitor, "http://site")
    for _ in range(2):
        assert checker.check(grown.relied, grown.log).state is State.UNKNOWN
    assert monitor.prefixes == ["", ""]


@pytest.mark.parametrize("size", [0, 1, CROWD * HEX_BASE - 1, CROWD * HEX_BASE, 10**6, 10**9])
def test_a_crowd_is_expected_to_share_what_is_told(size):
    digits = prefix_digits(size)
    assert not digits or size / HEX_BASE**digits >= CROWD
    assert size / HEX_BASE ** (digits + 1) < CROWD
