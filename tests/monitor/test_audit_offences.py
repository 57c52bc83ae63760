"""A misbehaving log: each offence is found, named, evidenced and alerted, and the log distrusted."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from monitor.values import DISTRUSTING, MISCONDUCT, OTHERS_OFFENCES, AuditCode, AuditOutcome
from tests.monitor.conftest import b64, reply_entries
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.errors import InvalidProof
from verifier.transparency.evidence import Evidence, Result, examine
from verifier.transparency.evidence.verify import OFFENCES
from verifier.transparency.merkle import hash_leaf, root_of, verify_consistency
from verifier.transparency.tree_head import SignedTreeHead, sign_tree_head


def codes(report):
    return {finding.code.value for finding in report.findings if finding.outcome.value == "failed"}


@pytest.fixture
def watched(monitor, log, ca):
    """An honest log of five entries, audited once."""
    for number in range(5):
        log.add_precertificate(ca.precertificate(f"{number}.example.test"), ca)
    monitor.watch_log(log.watched())
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT
    return log


def grow(log, ca, count=3):
    for number in range(count):
        log.add_precertificate(ca.precertificate(f"more-{number}.example.test"), ca)


PROOFS = {"tree-shrunk", "tree-forked", "time-reversed", "head-from-future"}


def verified_alone(monitor, alert):
    """The evidence file of an alert, examined from its bytes."""
    return examine(Evidence.parse(monitor.evidence.evidence(alert.id).encode()), datetime.now(UTC))


def found(monitor, log, code, *, distrusted=True, result=None):
    """Audit; the offence is in the report, in the alerts with its evidence, and distrusts the log or not."""
    (report,) = monitor.audit_now(["made"])
    assert codes(report) == {code}, report.findings
    assert report.outcome is AuditOutcome.INCONSISTENT
    (alert,) = [alert for alert in monitor.alerts() if alert.code == code]
    assert alert.evidence
    examined = verified_alone(monitor, alert)
    assert examined.result is (result or (Result.PROVEN if code in PROOFS else Result.OBSERVED)), examined
    assert "Traceback" not in alert.detail
    assert (log.key.public_key.key_id in monitor.distrusted_logs()) is distrusted
    assert monitor.log("made").distrusted is distrusted
    return alert


def serve_head(log, head, reply_json):
    log.hooks["get-sth"] = lambda handler, _query: reply_json(handler, log.sth_json(head))


def test_a_head_signed_with_another_key(monitor, watched, ca, reply_json):
    honest = watched.head()
    other = PrivateKey.generate(KeyAlgorithm.ECDSA)
    serve_head(watched, sign_tree_head(5, honest.timestamp, honest.root_hash, other), reply_json)
    found(monitor, watched, "head-signature-invalid")


def test_a_signature_over_other_bytes(monitor, watched, reply_json):
    honest = watched.head()
    head = SignedTreeHead(honest.tree_size, honest.timestamp + 1, honest.root_hash, honest.signature)
    serve_head(watched, head, reply_json)
    found(monitor, watched, "head-signature-invalid")


def test_the_signature_of_an_earlier_head(monitor, watched, ca, reply_json):
    (known,) = monitor.heads("made")
    grow(watched, ca)
    head = SignedTreeHead(8, watched.now(), watched.head().root_hash, known.signature)
    serve_head(watched, head, reply_json)
    found(monitor, watched, "head-signature-reused")


def test_a_head_signed_with_the_key_of_another_log(monitor, watched, make_log, reply_json):
    other = make_log("other", KeyAlgorithm.SM2)
    monitor.watch_log(other.watched())
    honest = watched.head()
    serve_head(watched, sign_tree_head(5, honest.timestamp, honest.root_hash, other.key), reply_json)
    monitor.audit_now(["other"])
    found(monitor, watched, "head-key-wrong")


def test_a_signature_under_another_algorithm(monitor, watched, reply_json):
    honest = watched.head()
    other = PrivateKey.generate(KeyAlgorithm.RSA)
    serve_head(watched, sign_tree_head(5, honest.timestamp, honest.root_hash, other), reply_json)
    found(monitor, watched, "head-algorithm-wrong")


def test_a_stale_head_is_an_alert_but_no_distrust(monitor, watched):
    watched.timestamp = watched.now() - 3_600_000
    found(monitor, watched, "head-stale", distrusted=False)


def test_a_head_from_the_future_is_an_alert_but_no_distrust(monitor, watched):
    watched.timestamp = watched.now() + 3_600_000
    found(monitor, watched, "head-from-future", distrusted=False)


def test_rollback_under_a_new_date(monitor, watched):
    watched.size = 3
    alert = found(monitor, watched, "tree-shrunk")
    assert alert.evidence["previous_tree_head"]["tree_size"] == 5


def test_two_heads_of_one_size_with_different_roots(monitor, watched, ca):
    watched.entries[2] = (watched.entries[2][0] + b"x", watched.entries[2][1])
    found(monitor, watched, "tree-forked")


def test_an_older_head_of_another_tree(monitor, watched, reply_json):
    leaves = [hash_leaf(b"other"), *watched.hashes()[1:3]]
    serve_head(watched, sign_tree_head(3, watched.now() - 30_000, root_of(leaves), watched.key), reply_json)
    found(monitor, watched, "tree-forked")


def test_growth_dated_backwards(monitor, watched, ca):
    grow(watched, ca)
    watched.timestamp = watched.now() - 50_000
    found(monitor, watched, "time-reversed")


def test_an_altered_old_entry_under_a_larger_tree(monitor, watched, ca):
    watched.entries[1] = (watched.entries[1][0] + b"x", watched.entries[1][1])
    grow(watched, ca)
    alert = found(monitor, watched, "consistency-invalid", result=Result.PROVEN)
    evidence = alert.evidence
    first, second = evidence["previous_tree_head"], evidence["tree_head"]
    with pytest.raises(InvalidProof):  # a third party comes to the same conclusion from the evidence alone
        verify_consistency(
            first["tree_size"],
            second["tree_size"],
            base64.b64decode(first["sha256_root_hash"]),
            base64.b64decode(second["sha256_root_hash"]),
            [base64.b64decode(node) for node in evidence["given_consistency"]],
        )


@pytest.mark.parametrize("change", ["short", "long", "other"])
def test_a_consistency_proof_that_proves_nothing(monitor, watched, ca, reply_json, change):
    grow(watched, ca)
    node = b64(bytes(32))
    proof = {"short": [], "long": [node] * 20, "other": [node] * 4}[change]
    watched.hooks["get-sth-consistency"] = lambda handler, _query: reply_json(handler, {"consistency": proof})
    found(monitor, watched, "consistency-invalid" if change == "other" else "consistency-length")


def test_one_garbled_proof_accuses_nobody(monitor, watched, ca, reply_json):
    """It is asked for twice before a log is called inconsistent."""
    grow(watched, ca)

    def answer(handler, _query):
        del watched.hooks["get-sth-consistency"]
        reply_json(handler, {"consistency": [b64(bytes(32))] * 4})

    watched.hooks["get-sth-consistency"] = answer
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT, report.findings
    assert watched.hooks == {}


CODES = {
    "altered": "entry-altered", "dropped": "entry-dropped", "swapped": "entries-reordered",
    "duplicated": "entry-duplicated",
}  # fmt: skip


@pytest.mark.parametrize("proofs", [True, False])
@pytest.mark.parametrize("offence", ["altered", "dropped", "swapped", "duplicated"])
def test_entries_that_do_not_hash_to_the_signed_root(monitor, watched, ca, reply_json, offence, proofs):
    """A log that gives proofs shows what it did; one that gives none still signed another root."""
    grow(watched, ca, 6)
    served = list(watched.entries)
    if offence == "altered":
        served[7] = (served[7][0][:-1] + b"\x01", served[7][1])
    elif offence == "dropped":
        served = [*served[:7], *served[8:], served[0]]
    elif offence == "swapped":
        served[7], served[8] = served[8], served[7]
    else:
        served[8] = served[7]

    def answer(handler, query):
        reply_entries(handler, served[int(query["start"]) : int(query["end"]) + 1])

    watched.hooks["get-entries"] = answer
    if not proofs:
        watched.hooks["get-proof-by-hash"] = lambda handler, _query: reply_json(handler, {}, 500)
    alert = found(monitor, watched, CODES[offence] if proofs else "root-mismatch")
    assert alert.evidence["computed_root"] != alert.evidence["tree_head"]["sha256_root_hash"]
    assert len(alert.evidence["entries"]["leaf_hashes"]) == 6
    assert monitor.log("made").head.tree_size == 5  # what was verified before stays the ground of proofs
    assert monitor.log("made").followed == 5

    del watched.hooks["get-entries"]
    (report,) = monitor.audit_now()  # the log is read again, but a person must trust it again
    assert report.outcome is AuditOutcome.CONSISTENT
    assert monitor.log("made").head.root_hash == root_of(watched.hashes())
    assert monitor.log("made").distrusted
    monitor.trust_again("made")
    assert monitor.distrusted_logs() == frozenset()
    assert monitor.alerts()  # kept


def test_a_made_up_place_is_not_believed(monitor, watched, ca, reply_json):
    """What was done to the entries is said as far as the log's own proofs lead to the root that it signed."""
    grow(watched, ca, 6)
    honest = list(watched.entries)
    served = [*honest[:7], (honest[7][0][:-1] + b"\x01", honest[7][1]), *honest[8:]]

    def answer(handler, query):
        reply_entries(handler, served[int(query["start"]) : int(query["end"]) + 1])

    watched.hooks["get-entries"] = answer
    made_up = {"leaf_index": 2, "audit_path": [b64(bytes(32))] * 4}
    watched.hooks["get-proof-by-hash"] = lambda handler, _query: reply_json(handler, made_up)
    found(monitor, watched, "root-mismatch")


def test_entries_that_are_others_each_time_say_no_more_than_that(monitor, watched, ca):
    """Altered while the root is rebuilt, honest when one is asked for as evidence."""
    grow(watched, ca, 6)
    honest, asked = list(watched.entries), []
    altered = [*honest[:7], (honest[7][0][:-1] + b"\x01", honest[7][1]), *honest[8:]]

    def answer(handler, query):
        start, end = int(query["start"]), int(query["end"])
        asked.append(end - start)
        reply_entries(handler, (altered if end > start else honest)[start : end + 1])

    watched.hooks["get-entries"] = answer
    found(monitor, watched, "root-mismatch")
    assert 0 in asked


def test_one_garbled_answer_accuses_nobody(monitor, watched, ca):
    """A root is rebuilt twice, a proof asked for twice, before a log is called inconsistent."""
    grow(watched, ca)
    calls = []

    def answer(handler, query):
        calls.append(query)
        entries = list(watched.entries[int(query["start"]) : int(query["end"]) + 1])
        if len(calls) == 1:
            entries[0] = (entries[0][0] + b"!", entries[0][1])
        reply_entries(handler, entries)

    watched.hooks["get-entries"] = answer
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT
    assert len(calls) == 2
    assert monitor.log("made").malformed == 0


def test_a_repeated_offence_is_one_alert_that_counts(monitor, watched):
    watched.size = 3
    for _ in range(3):
        monitor.audit_now()
    (alert,) = monitor.alerts()
    assert alert.count == 3
    assert alert.first_at < alert.last_at
    monitor.acknowledge(alert.id)
    assert monitor.overview().alerts == ()
    assert monitor.alerts()[0].acknowledged
    monitor.audit_now()
    assert monitor.overview().alerts  # it happened again


def test_yesterdays_good_audits_are_kept_by_the_hour_and_others_for_90_days(monitor, watched):
    from monitor.values import AuditReport

    audits, row, now = monitor.auditing._audits, 1, datetime(2026, 11, 24, 12, tzinfo=UTC)
    minute, outcomes = timedelta(minutes=10), AuditOutcome
    for number in range(6 * 24 * 4):
        moment = now + number * minute
        outcome = outcomes.UNAVAILABLE if number % 6 == 5 else outcomes.CONSISTENT
        audits.keep(row, AuditReport("made", moment, moment, outcome, ()))
    kept = monitor.audits("made", limit=1000)
    old = [report for report in kept if now <= report.started_at < now + timedelta(days=2)]
    assert len(old) == 48 * 2  # of each hour one that was good, and every other
    audits.keep(row, AuditReport("made", now + timedelta(days=95), now + timedelta(days=95), outcome, ()))
    assert len(monitor.audits("made", limit=1000)) == 1


def test_alerts_and_distrust_outlive_a_restart(database, watched, monitor):
    from monitor import Monitor

    watched.size = 3
    monitor.audit_now()
    with_again = Monitor.open(database, read_only=True)
    assert with_again.distrusted_logs() == {watched.key.public_key.key_id}
    assert with_again.alerts()[0].code is AuditCode.TREE_SHRUNK
    assert with_again.overview().outcome is AuditOutcome.INCONSISTENT
    with_again.close()


def test_every_code_that_can_be_an_alert_has_a_way_to_be_verified():
    assert {code.value for code in DISTRUSTING | MISCONDUCT | OTHERS_OFFENCES} <= set(OFFENCES)
    assert {"head-stale", "head-from-future", "sct-merged-late", "witnesses-too-few"} <= set(OFFENCES)
    assert set(OFFENCES) <= {code.value for code in AuditCode}
    assert len(OFFENCES) >= 40
