"""A promised entry that is nowhere in a large tree: what is kept of it shows it, an export proves it."""

import base64
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from monitor.auditor import absence
from monitor.auditor.heads import head_json
from monitor.evidence import files
from tests.monitor.conftest import b64
from verifier.transparency.evidence import Evidence, Result, examine
from verifier.transparency.merkle import inclusion_proof
from verifier.transparency.sct import sct_extensions


@pytest.fixture(autouse=True)
def large(monkeypatch):
    """Trees of more than two entries are too large to be kept with an alert."""
    monkeypatch.setattr(absence, "LEAVES_IN_EVIDENCE", 2)


@pytest.fixture
def watched(monitor, log, make_log, ca):
    """A log of five entries, and another that holds certificates with its SCTs."""
    for number in range(5):
        log.add_precertificate(ca.precertificate(f"{number}.example.test"), ca, log.now() - 7_200_000)
    log.holder = make_log("holder")
    for one in (log, log.holder):
        monitor.watch_log(one.watched())
    monitor.audit_now()
    return log


@pytest.fixture
def broken(monitor, watched, ca):
    """Audits after the log has promised an entry and not merged it; returns the evidence."""

    def audit():
        builder = ca.builder("missing.example.test")
        sct = watched.promise(ca.poisoned(builder), ca, watched.now() - 3_600_000)
        watched.holder.add_certificate(ca.issue_with_scts(builder, [sct]), ca)
        monitor.audit_now(["holder"])
        monitor.audit_now(["made"])
        (alert,) = monitor.alerts()
        assert alert.code == "sct-not-merged"
        return monitor.evidence.evidence(alert.id)

    return audit


def alone(evidence, **changes):
    """Examine the file from its bytes, with other material where that is given."""
    changed = {**evidence.material, **changes}
    material = {name: value for name, value in changed.items() if value is not None}
    file = Evidence(evidence.code, evidence.log, evidence.recorded_at, "", "", material).encode()
    return examine(Evidence.parse(file), datetime.now(UTC))


def test_the_log_itself_is_asked_and_its_answer_kept(broken):
    evidence = broken()
    assert evidence.standing == "observation"
    assert "leaf_hashes" not in evidence.material
    assert evidence.material["by_hash"]["status"] == 404
    steps = [step.text for step in alone(evidence).steps]
    assert any("get-proof-by-hash?hash=" in text and "tree_size=5" in text for text in steps)
    assert "and answered with status 404" in steps
    assert steps[-1].startswith("to see for yourself, ask the log to prove leaf ")


def test_an_export_holds_the_whole_tree_and_proves_it(monitor, broken):
    evidence = broken()
    whole = monitor.evidence.completed(evidence)
    assert whole.standing == "proof"
    assert len(base64.b64decode(whole.material["leaf_hashes"])) == 5 * 32
    assert alone(whole).result is Result.PROVEN
    leaves = base64.b64decode(whole.material["leaf_hashes"])
    for wrong in (leaves[32:], leaves[:-32] + bytes(32), leaves + bytes(32), b""):
        cut = alone(whole, leaf_hashes=b64(wrong))
        assert cut.result is Result.NOT_SHOWN


def test_a_tree_beyond_every_file_stays_an_observation(monitor, broken, monkeypatch):
    evidence = broken()
    monkeypatch.setattr(files, "MOST_LEAVES", 4)
    assert monitor.evidence.completed(evidence) == evidence
    assert evidence.standing == "observation"


@pytest.mark.parametrize("change", ["another leaf", "another tree", "no answer", "unreadable"])
def test_a_recorded_answer_must_be_about_this_leaf_and_tree(broken, change):
    evidence = broken()
    asked = evidence.material["by_hash"]
    other = b64(bytes(32)).replace("=", "%3D")
    changed = {
        "another leaf": {**asked, "url": f"{asked['url'].partition('?')[0]}?hash={other}&tree_size=5"},
        "another tree": {**asked, "url": asked["url"].replace("tree_size=5", "tree_size=4")},
        "no answer": None,
        "unreadable": {"url": asked["url"]},
    }[change]
    result = alone(evidence, by_hash=changed).result
    assert result is (Result.OBSERVED if change == "no answer" else Result.NOT_SHOWN)


def test_the_logs_proof_refutes_the_accusation(monitor, broken, watched, ca):
    """Somebody accuses the log of a promise that it kept, and records its answer truly."""
    evidence, builder = broken(), ca.builder("kept.example.test")
    moment = watched.now() - 3_600_000
    sct = watched.promise(ca.poisoned(builder), ca, moment)
    watched.add_precertificate(ca.poisoned(builder), ca, moment)
    leaves = watched.hashes()
    asked = {
        "url": f"http://log.example/ct/v1/get-proof-by-hash?hash={quote(b64(leaves[5]))}&tree_size=6",
        "status": 200,
        "leaf_index": 5,
        "audit_path": [b64(node) for node in inclusion_proof(leaves, 5)],
    }
    material = {
        "tree_head": head_json(watched.head()),
        "sct": b64(sct.encode()),
        "certificate": b64(ca.issue_with_scts(builder, [sct])),
    }
    found = alone(evidence, **material, by_hash=asked)
    assert found.result is Result.NOT_SHOWN
    assert found.steps[-1].text.startswith("and answered with a path")
    other = {**asked, "audit_path": asked["audit_path"][:-1]}
    assert alone(evidence, **material, by_hash=other).result is Result.OBSERVED


def test_an_answer_that_proves_nothing_is_kept_too(broken, watched, reply_json):
    watched.hooks["get-proof-by-hash"] = lambda handler, _query: reply_json(
        handler, {"leaf_index": 1, "audit_path": [b64(bytes(32))]}
    )
    evidence = broken()
    assert evidence.material["by_hash"]["status"] == 200
    assert alone(evidence).result is Result.OBSERVED


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_log_that_does_not_answer_has_denied_nothing(broken, watched, reply, status):
    watched.hooks["get-proof-by-hash"] = lambda handler, _query: reply(handler, b"", status)
    evidence = broken()
    assert "by_hash" not in evidence.material
    assert alone(evidence).result is Result.OBSERVED


# an entry that was merged late, by its own date


def merged_late(monitor, watched, ca, extensions=b""):
    der = ca.precertificate("late.example.test")
    watched.add_precertificate(der, ca, watched.now() - 600_000, extensions)
    (report,) = monitor.audit_now(["made"])
    assert "entry-merged-late" in {finding.code.value for finding in report.findings}
    (alert,) = [alert for alert in monitor.alerts() if alert.code == "entry-merged-late"]
    return monitor.evidence.evidence(alert.id)


def test_an_entry_merged_late_is_proven_by_its_absence_before(monitor, watched, ca):
    evidence = merged_late(monitor, watched, ca)
    assert evidence.standing == "observation"
    whole = monitor.evidence.completed(evidence)
    assert whole.standing == "proof"
    assert alone(whole).result is Result.PROVEN


def test_an_entry_that_names_its_place_needs_no_more(monitor, watched, ca):
    evidence = merged_late(monitor, watched, ca, sct_extensions(5))
    assert evidence.standing == "proof"
    assert alone(evidence, by_hash=None).result is Result.PROVEN


def test_an_entry_that_names_another_place_does(monitor, watched, ca):
    assert merged_late(monitor, watched, ca, sct_extensions(3)).standing == "observation"


def test_a_second_copy_is_not_late(monitor, watched):
    """The first one kept the promise."""
    watched.entries.append(watched.entries[1])
    (report,) = monitor.audit_now(["made"])
    codes = {finding.code.value for finding in report.findings}
    assert "entry-repeated" in codes
    assert "entry-merged-late" not in codes
    assert monitor.alerts() == ()
