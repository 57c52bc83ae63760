"""Which logs a certificate's promises come from, as logs are frozen and shards are made."""

from datetime import UTC, datetime, timedelta

import pytest

from issuer.authority.choice import choose_logs
from issuer.errors import LogSubmissionFailed, TooFewLogs
from issuer.settings import LogEndpoint
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.transparency.log_list import TemporalInterval

KEY = PrivateKey.generate(KeyAlgorithm.ECDSA).public_key
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
IN_2026, IN_2027 = NEW_YEAR - timedelta(days=1), NEW_YEAR


def log(name: str, kind: str = "", *years: int) -> LogEndpoint:
    interval = TemporalInterval(*(datetime(year, 1, 1, tzinfo=UTC) for year in years)) if years else None
    return LogEndpoint(name, f"http://127.0.0.1/log/{name}", KEY, kind, interval)


SM2, P256 = log("sm2", "sm2"), log("p256", "ecdsa")
SHARD, NEXT_SHARD = log("p256-2027", "ecdsa", 2027, 2028), log("p256-2028", "ecdsa", 2028, 2029)


def chosen(logs, not_after, promises=2) -> list[list[str]]:
    return [[one.name for one in group] for group in choose_logs(logs, not_after, promises)]


def test_one_log_of_each_kind_is_asked():
    assert chosen([SM2, P256], IN_2026) == [["sm2"], ["p256"]]
    assert chosen([log("a"), log("b"), log("c")], IN_2026, promises=0) == [["a"], ["b"], ["c"]]


def test_a_shard_comes_before_a_log_that_takes_all_and_only_for_its_time():
    logs = [SM2, P256, SHARD, NEXT_SHARD]
    assert chosen(logs, IN_2026) == [["sm2"], ["p256"]]
    assert chosen(logs, IN_2027) == [["sm2"], ["p256-2027", "p256"]]


def test_another_log_of_the_same_kind_stands_in_for_a_frozen_one():
    """p256 is frozen, so it is not among them."""
    assert chosen([SM2, log("sm2-b", "sm2")], IN_2026) == [["sm2"], ["sm2-b"]]
    assert chosen([SM2, SHARD], IN_2027) == [["sm2"], ["p256-2027"]]


@pytest.mark.parametrize("logs", [[SM2], [SM2, SHARD], [SHARD, NEXT_SHARD], []])
def test_too_few_logs_are_an_error_that_names_those_there_are(logs):
    with pytest.raises(TooFewLogs, match=r"2 logs .* 2026-12-31 .* (sm2|none) takes it") as refused:
        choose_logs(logs, IN_2026, 2)
    assert isinstance(refused.value, LogSubmissionFailed)


def test_no_log_is_asked_for_two_promises():
    logs = [log("sm2", "sm2"), log("sm2-b", "sm2"), log("sm2-c", "sm2")]
    names = [name for group in chosen(logs, IN_2026, promises=3) for name in group]
    assert sorted(names) == ["sm2", "sm2-b", "sm2-c"]
