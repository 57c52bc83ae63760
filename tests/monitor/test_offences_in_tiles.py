"""A misbehaving static-ct-api log: tiles, checkpoints and issuers that are not what they must be."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from monitor.values import MISCONDUCT, AuditOutcome
from tests.monitor.conftest import TestCa
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.transparency.checkpoint import tree_head_to_checkpoint
from verifier.transparency.evidence import Result
from verifier.transparency.merkle import root_of
from verifier.transparency.tree_head import sign_tree_head


@pytest.fixture
def watched(monitor, static_log, ca):
    """An honest log of 300 entries, audited once."""
    der = ca.precertificate("tiles.example.test")
    for number in range(300):
        static_log.add_precertificate(der, ca, static_log.now() - 1000 + number)
    monitor.watch_log(static_log.watched())
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT, report.findings
    assert "tiles" in {finding.code.value for finding in report.findings}
    return static_log


def grow(log, ca, count=5):
    der = ca.precertificate("more.example.test")
    for number in range(count):
        log.add_precertificate(der, ca, log.now() - 500 + number)


def failed(report, outcome="failed"):
    return {finding.code.value for finding in report.findings if finding.outcome.value == outcome}


def misconduct(monitor, code, examined):
    """Met once it is said, met twice in a row it is an alert; the log is not distrusted."""
    (report,) = monitor.audit_now(budget=timedelta(seconds=5))
    assert failed(report, "unavailable") == {code}, report.findings
    assert monitor.alerts() == ()
    monitor.audit_now(budget=timedelta(seconds=5))
    assert code in {member.value for member in MISCONDUCT}
    assert examined(code).result is Result.OBSERVED
    assert monitor.distrusted_logs() == frozenset()


def accused(monitor, code, examined, result):
    (report,) = monitor.audit_now()
    assert failed(report) == {code}, report.findings
    found = examined(code)
    assert found.result is result, found


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.SM2, KeyAlgorithm.RSA])
def test_an_honest_log_grows(monitor, static_log, ca, algorithm):
    static_log.key = PrivateKey.generate(algorithm)
    monitor.watch_log(static_log.watched())
    for count in (0, 1, 254, 1, 1, 300):
        grow(static_log, ca, count)
        (report,) = monitor.audit_now()
        assert report.outcome is AuditOutcome.CONSISTENT, report.findings
    assert monitor.alerts() == ()


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/001.p/49", "tile/1/000.p/1"])
def test_a_tile_that_does_not_hash(monitor, static_log, ca, examined, path):
    """The entries are right: only who builds proofs from the tiles would be led astray."""
    grow(static_log, ca, 305)
    monitor.watch_log(static_log.watched())
    static_log.replaced[path] = bytes(32) + static_log.body(path)[32:]
    accused(monitor, "tile-wrong", examined, Result.OBSERVED)


def test_one_garbled_tile_accuses_nobody(monitor, static_log, ca, reply):
    """It is read twice before a log is accused."""
    grow(static_log, ca, 10)
    monitor.watch_log(static_log.watched())
    path = "tile/0/000.p/10"

    def answer(handler, _query):
        del static_log.hooks[path]
        reply(handler, bytes(32) + static_log.body(path)[32:])

    static_log.hooks[path] = answer
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT, report.findings
    assert "tiles" in {finding.code.value for finding in report.findings}
    assert static_log.hooks == {}


def test_a_tile_of_the_wrong_length(monitor, static_log, ca, examined):
    grow(static_log, ca, 10)
    monitor.watch_log(static_log.watched())
    static_log.replaced["tile/0/000.p/10"] = static_log.body("tile/0/000.p/10")[:-1]
    misconduct(monitor, "tile-short", examined)


@pytest.mark.parametrize("change", [b"", b"\x00" * 100, b"more"])
def test_a_data_tile_that_is_none(monitor, watched, ca, examined, change):
    grow(watched, ca)
    path = "tile/data/001.p/49"
    watched.replaced[path] = watched.body(path) + change if change == b"more" else change
    misconduct(monitor, "data-tile-wrong", examined)


def test_a_data_tile_with_another_entry(monitor, watched, ca, examined):
    grow(watched, ca)
    honest = list(watched.entries)
    watched.entries[301] = (honest[301][0][:2] + bytes(8) + honest[301][0][10:], honest[301][1])
    watched.replaced["tile/data/001.p/49"] = watched.body("tile/data/001.p/49")
    watched.entries = honest
    accused(monitor, "entry-altered", examined, Result.OBSERVED)
    found = examined("entry-altered")
    assert any("was served as" in step.text for step in found.steps)  # the true leaf stands beside it


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ([0, 2, 1, 3, 4], "entries-reordered"),
        ([0, 2, 3, 4, 4], "entry-dropped"),
        ([0, 1, 1, 3, 4], "entry-duplicated"),
    ],
)
def test_a_data_tile_in_another_order(monitor, watched, ca, examined, order, code):
    grow(watched, ca)
    honest = list(watched.entries)
    watched.entries[300:] = [honest[300 + place] for place in order]
    watched.replaced["tile/data/001.p/49"] = watched.body("tile/data/001.p/49")
    watched.entries = honest
    accused(monitor, code, examined, Result.OBSERVED)


def test_an_issuer_that_is_missing(monitor, watched, examined):
    other = TestCa("Another CA")
    watched.add_precertificate(other.precertificate("a.example.test"), other)
    watched.replaced = {f"issuer/{_sha256(other.der)}": None}
    misconduct(monitor, "issuer-missing", examined)


def test_another_issuer_than_asked_for(monitor, watched, ca, examined):
    other = TestCa("Another CA")
    watched.add_precertificate(other.precertificate("a.example.test"), other)
    watched.replaced = {f"issuer/{_sha256(other.der)}": ca.der}
    misconduct(monitor, "issuer-wrong", examined)


def test_a_checkpoint_of_another_origin(monitor, watched, ca, examined):
    grow(watched, ca)
    watched.origin = "logs.example.test/other"
    misconduct(monitor, "origin-wrong", examined)


def test_a_checkpoint_without_the_logs_own_signature(monitor, watched, ca, examined):
    other = PrivateKey.generate(KeyAlgorithm.ECDSA)
    head = sign_tree_head(300, watched.now(), root_of(watched.hashes()), other)
    checkpoint = tree_head_to_checkpoint(head, watched.origin, other.public_key.key_id)
    watched.replaced["checkpoint"] = checkpoint.encode()
    misconduct(monitor, "head-key-wrong", examined)


@pytest.mark.parametrize("body", [b"", b"{}", b"logs.example.test/tiles\n300\n", b"\xff\xfe"])
def test_a_checkpoint_that_is_none(monitor, watched, examined, body):
    watched.replaced["checkpoint"] = body
    misconduct(monitor, "response-malformed", examined)


def test_another_history_is_proven_by_the_logs_own_tiles(monitor, watched, ca, examined):
    watched.entries[7] = (watched.entries[8][0], watched.entries[7][1])
    grow(watched, ca)
    accused(monitor, "consistency-invalid", examined, Result.PROVEN)
    assert monitor.distrusted_logs()


@pytest.mark.parametrize("case", ["shrunk", "forked", "reversed", "future", "stale"])
def test_heads_that_cannot_be(monitor, watched, ca, examined, case):
    if case == "reversed":
        grow(watched, ca)
    size = {"shrunk": 299, "reversed": 305}.get(case, 300)
    root = bytes(32) if case == "forked" else root_of(watched.hashes()[:size])
    shift = {"reversed": -40_000, "future": 3_600_000, "stale": -3_600_000}.get(case, 1000)
    watched.tree_hook = lambda: sign_tree_head(size, watched.now() + shift, root, watched.key)
    code = {
        "shrunk": "tree-shrunk", "forked": "tree-forked", "reversed": "time-reversed",
        "future": "head-from-future", "stale": "head-stale",
    }[case]  # fmt: skip
    accused(monitor, code, examined, Result.OBSERVED if case == "stale" else Result.PROVEN)


def test_evidence_of_one_log_does_not_accuse_another(monitor, watched, examined):
    """The same heads under another key prove nothing."""
    from verifier.transparency.evidence import AccusedLog, Evidence, examine

    watched.tree_hook = lambda: sign_tree_head(299, watched.now(), bytes(32), watched.key)
    monitor.audit_now()
    (alert,) = monitor.alerts()
    true = monitor.evidence.evidence(alert.id)
    other = AccusedLog("other", PrivateKey.generate(KeyAlgorithm.ECDSA).public_key)
    framed = Evidence(true.code, other, true.recorded_at, true.detail, "", true.material)
    assert examined(true.code).result is Result.PROVEN
    assert examine(Evidence.parse(framed.encode()), datetime.now(UTC)).result is Result.NOT_SHOWN
    swapped = json.loads(true.encode())
    swapped["log"]["key"] = framed.to_json()["log"]["key"]
    with pytest.raises(Exception, match="log_id"):
        Evidence.parse(json.dumps(swapped).encode())


def _sha256(data):
    from hashlib import sha256

    return sha256(data).hexdigest()
