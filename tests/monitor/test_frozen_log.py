"""A log that admits nothing signs no new heads, and no auditor may hold that against it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.auditor.heads import check_freshness
from monitor.service import watched_log
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.transparency.log_list import Log, LogState
from verifier.transparency.merkle import EMPTY_ROOT
from verifier.transparency.moments import to_timestamp
from verifier.transparency.tree_head import sign_tree_head

NOW = datetime(2026, 11, 24, tzinfo=UTC)
KEY = PrivateKey.generate(KeyAlgorithm.ECDSA)
LOG = Log(
    KEY.public_key.key_id,
    KEY.public_key,
    "p256",
    "Example",
    mmd=timedelta(seconds=60),
    url="http://a.test/log/p256",
)


@pytest.mark.parametrize(
    ("state", "age", "code"),
    [
        (LogState.USABLE, timedelta(days=30), "head-stale"),
        (LogState.READONLY, timedelta(days=30), "head-fresh"),
        (LogState.RETIRED, timedelta(days=30), "head-fresh"),
        (LogState.READONLY, timedelta(days=-1), "head-from-future"),
    ],
)
def test_how_old_a_head_may_be_in_each_state(state: LogState, age: timedelta, code: str):
    head = sign_tree_head(0, to_timestamp(NOW - age), EMPTY_ROOT, KEY)
    found = check_freshness(watched_log(replace(LOG, state=state)), head, NOW)
    assert found.code.value == code
