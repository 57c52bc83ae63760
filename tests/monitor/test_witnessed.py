"""The auditor and cosignatures: as many as are required, of the right tree, by the right keys, in time."""

import base64
import hashlib
from typing import Any

import pytest

from monitor import Monitor
from monitor.auditor.witnesses import WitnessPolicy
from monitor.values import AuditCode, AuditOutcome, FindingOutcome
from tests.monitor.witness.notes import NoteWitness, b64, key_id
from verifier.transparency.cosignature import Witness
from verifier.transparency.merkle import root_of
from verifier.transparency.tree_head import SignedTreeHead, sign_tree_head

ORIGIN = "made.example/log"
MINUTES = 60_000


def checkpoint(log: Any, head: SignedTreeHead, origin: str = ORIGIN) -> str:
    """static-ct-api's form of a tree head, written by hand."""
    log_id = hashlib.sha256(log.key.public_key.spki).digest()
    signed = key_id(origin, 5, log_id) + head.timestamp.to_bytes(8) + head.signature
    return f"{origin}\n{head.tree_size}\n{b64(head.root_hash)}\n\n\u2014 {origin} {b64(signed)}\n"


@pytest.fixture
def witnesses() -> tuple[NoteWitness, NoteWitness, NoteWitness]:
    first, second, third = (NoteWitness(f"w.example/{number}") for number in range(3))
    return first, second, third


@pytest.fixture
def watching(database, log, witnesses, make_log):
    """A monitor of one log whose entries are all of ten minutes ago; the log's merge delay is a minute."""
    for one in witnesses:
        one.log = make_log(one.name.rpartition("/")[2])
        one.url = one.log.base

    def make(required: int) -> Monitor:
        policy = WitnessPolicy(tuple((one.url, Witness.parse(one.vkey)) for one in witnesses), required)
        opened = Monitor.open(database, witnesses=policy)
        opened.watch_log(log.watched())
        return opened

    opened: list[Monitor] = []
    yield lambda required: opened.append(make(required)) or opened[-1]
    for one in opened:
        one.close()


@pytest.fixture
def grown(log, ca):
    """Three entries of ten minutes ago."""
    for number in range(3):
        log.add_precertificate(
            ca.precertificate(f"{number}.example.test"), ca, timestamp=log.now() - 10 * MINUTES + number
        )
    return log


def publish(log, *lines: str, text: str | None = None) -> str:
    note = text or checkpoint(log, log.head())
    log.files["checkpoint"] = (note + "".join(lines)).encode()
    return note


def serve(one: NoteWitness, note: str, *lines: str) -> None:
    """Put a checkpoint where the witness serves its newest; all paths end in 'checkpoint'."""
    one.log.files["checkpoint"] = (note + "".join(lines)).encode()


def witness_finding(monitor: Monitor):
    (report,) = monitor.audit_now()
    (finding,) = (found for found in report.findings if found.code.value.startswith("witness"))
    return report, finding


def now(log) -> int:
    return log.now() // 1000


def test_enough_cosignatures_in_the_checkpoint(grown, watching, witnesses):
    note = checkpoint(grown, grown.head())
    publish(grown, *(one.line(note, now(grown)) for one in witnesses[:2]), text=note)
    report, finding = witness_finding(watching(2))
    assert (finding.code, finding.outcome) == (AuditCode.WITNESSED, FindingOutcome.PASSED)
    assert report.outcome is AuditOutcome.CONSISTENT
    assert "w.example/0 3 entries" in finding.detail
    assert "w.example/2 nothing" in finding.detail
    told = finding.evidence["witnesses"]
    assert [one["tree_size"] for one in told] == [3, 3, None]
    assert "404" in told[2]["trouble"]


def test_too_few_are_an_alert_but_no_distrust(grown, watching, witnesses):
    note = checkpoint(grown, grown.head())
    publish(grown, witnesses[0].line(note, now(grown)), text=note)
    monitor = watching(2)
    report, finding = witness_finding(monitor)
    assert (finding.code, finding.outcome) == (AuditCode.WITNESSES_TOO_FEW, FindingOutcome.FAILED)
    assert report.outcome is AuditOutcome.INCONSISTENT
    assert [alert.code for alert in monitor.alerts()] == [AuditCode.WITNESSES_TOO_FEW]
    assert monitor.distrusted_logs() == frozenset()
    assert finding.evidence["owed"]["tree_size"] == 3
    assert finding.evidence["checkpoint"].startswith(note)
    assert [one["tree_size"] for one in finding.evidence["witnesses"]] == [3, None, None]
    assert monitor.evidence.document(monitor.alerts()[0].id)["standing"] == "observation"


def test_cosignatures_at_the_witness_count_too(grown, watching, witnesses):
    note = publish(grown)
    for one in witnesses[:2]:
        serve(one, note, one.line(note, now(grown)))
    report, finding = witness_finding(watching(2))
    assert finding.code is AuditCode.WITNESSED
    assert any(found.code is AuditCode.HEADS_AGREE for found in report.findings)


def test_one_witness_counts_once_and_nobody_signs_for_another(grown, watching, witnesses):
    note = checkpoint(grown, grown.head())
    first, second, _ = witnesses
    stranger = NoteWitness("w.example/1")
    publish(grown, first.line(note, now(grown)), first.line(note, now(grown) - 1), text=note)
    serve(first, note, first.line(note, now(grown)))
    serve(second, note, stranger.line(note, now(grown)), first.line(note, now(grown)))
    _, finding = witness_finding(watching(2))
    assert finding.code is AuditCode.WITNESSES_TOO_FEW
    assert "1 of 2 required" in finding.detail


@pytest.mark.parametrize("said", ["is dated", "does not verify", "signed", "status 404"])
def test_what_does_not_count(grown, watching, witnesses, said):
    """A time in the future, a damaged cosignature, a tree that the log did not sign, and nothing at all."""
    note = checkpoint(grown, grown.head())
    first, second, _ = witnesses
    publish(grown, first.line(note, now(grown)), text=note)
    unsigned = note.replace("\n3\n", "\n4\n")
    bad = {
        "is dated": (note, second.line(note, now(grown) + 4000)),
        "does not verify": (note, second.line(note, now(grown), damage=True)),
        "signed": (unsigned, second.line(unsigned, now(grown))),
    }
    if said in bad:
        serve(second, *bad[said])
    _, finding = witness_finding(watching(2))
    assert finding.code is AuditCode.WITNESSES_TOO_FEW
    told = finding.evidence["witnesses"][1]
    assert told["tree_size"] is None
    assert said in told["trouble"] or (said == "signed" and "does not verify" in told["trouble"])


def test_an_older_tree_counts_until_the_entries_after_it_are_due(grown, watching, witnesses, ca):
    note = checkpoint(grown, grown.head())
    for one in witnesses[:2]:
        serve(one, note, one.line(note, now(grown)))
    young = grown.now() - MINUTES  # the merge delay has passed, not the second one
    grown.add_precertificate(ca.precertificate("young.example.test"), ca, timestamp=young)
    publish(grown)
    monitor = watching(2)
    _, finding = witness_finding(monitor)
    assert finding.code is AuditCode.WITNESSED


def test_entries_that_nobody_cosigned_in_time_are_too_few(grown, watching, witnesses, ca):
    note = checkpoint(grown, grown.head())
    for one in witnesses[:2]:
        serve(one, note, one.line(note, now(grown)))
    due = grown.now() - 2 * MINUTES - 1000
    grown.add_precertificate(ca.precertificate("due.example.test"), ca, timestamp=due)
    publish(grown)
    _, finding = witness_finding(watching(2))
    assert finding.code is AuditCode.WITNESSES_TOO_FEW
    assert "0 of 2 required witnesses have cosigned the first 4 entries" in finding.detail
    assert "only 3 entries" in finding.detail


def test_a_young_log_is_waited_for(log, watching, ca):
    log.add_precertificate(ca.precertificate("young.example.test"), ca)
    publish(log)
    report, finding = witness_finding(watching(2))
    assert (finding.code, finding.outcome) == (AuditCode.WITNESSES_AWAITED, FindingOutcome.NOTE)
    assert report.outcome is AuditOutcome.CONSISTENT


def test_none_required_is_said_and_none_configured_is_not_asked(grown, watching, monitor):
    _, finding = witness_finding(watching(0))
    assert finding.code is AuditCode.WITNESSES_AWAITED
    assert "none is required" in finding.detail
    monitor.watch_log(grown.watched())
    (report,) = monitor.audit_now()
    assert not any(found.code.value.startswith("witness") for found in report.findings)


def test_a_log_without_a_checkpoint_is_not_witnessed(grown, watching):
    _, finding = witness_finding(watching(1))
    assert finding.code is AuditCode.WITNESSES_TOO_FEW
    assert "the log's checkpoint could not be used" in finding.detail


@pytest.mark.parametrize("size", [3, 2])
def test_another_tree_that_a_witness_was_shown_is_a_split_view(grown, watching, witnesses, size):
    leaves = [hashlib.sha256(b"\x00" + b"forged %d" % number).digest() for number in range(size)]
    forged = sign_tree_head(size, grown.now() - (3 - size) * MINUTES, root_of(leaves), grown.key)
    publish(grown)
    note = checkpoint(grown, forged)
    serve(witnesses[0], note, witnesses[0].line(note, now(grown)))
    monitor = watching(1)
    report, _ = witness_finding(monitor)
    (split,) = (found for found in report.findings if found.code is AuditCode.SPLIT_VIEW)
    assert split.outcome is FindingOutcome.FAILED
    assert "the witness w.example/0" in split.detail
    assert base64.b64decode(split.evidence["previous_tree_head"]["sha256_root_hash"]) == root_of(leaves)
    assert monitor.distrusted_logs() == {hashlib.sha256(grown.key.public_key.spki).digest()}


def test_a_witness_cannot_accuse_with_a_head_that_the_log_did_not_sign(grown, watching, witnesses, make_log):
    other = make_log("other")
    forged = sign_tree_head(3, grown.now(), bytes(32), other.key)
    note = checkpoint(grown, forged)
    publish(grown)
    serve(witnesses[0], note, witnesses[0].line(note, now(grown)))
    monitor = watching(0)
    report, _ = witness_finding(monitor)
    assert report.outcome is AuditOutcome.CONSISTENT
    assert monitor.distrusted_logs() == frozenset()


def test_slow_witnesses_are_read_side_by_side(grown, watching, witnesses, monkeypatch):
    import threading

    note = checkpoint(grown, grown.head())
    all_asked = threading.Barrier(len(witnesses), timeout=60)  # none answers before all are asked
    for one in witnesses:
        serve(one, note, one.line(note, now(grown)))
        answer = one.log.answer
        one.log.answer = lambda handler, answer=answer: all_asked.wait() < 0 or answer(handler)
    publish(grown)
    monitor = watching(3)
    _, finding = witness_finding(monitor)
    assert finding.code is AuditCode.WITNESSED
