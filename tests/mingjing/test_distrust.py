"""A log found guilty is distrusted in the trust bundle at once, and trusted again only by a person."""

import hashlib
from datetime import UTC, datetime

import pytest

from mingjing import data
from mingjing.__main__ import main
from mingjing.rooms import key_store, monitor, own_log_list
from mingjing.services.scheduler import Keeper
from monitor.values import AuditCode, AuditFinding, AuditOutcome, AuditReport, FindingOutcome
from verifier.bundle import parse_trust_bundle


@pytest.fixture
def directory(tmp_path):
    folder = tmp_path / "data"
    assert main(["init", "--data", str(folder), "--org", "Org", "--domain", "corp.example"]) == 0
    return folder


def distrusted(folder):
    fingerprint = hashlib.sha256(key_store(folder, "publisher").open("bundle").public_key.spki).digest()
    bundle = (folder / "trust-bundle.json").read_bytes()
    return parse_trust_bundle(bundle, fingerprint, datetime.now(UTC)).distrusted_logs


def test_the_bundle_follows_the_auditor(directory, capsys):
    settings, now = data.load(directory), datetime.now(UTC)
    keeper = Keeper(directory, settings)
    keeper.after_round()
    assert distrusted(directory) == frozenset()
    opened = monitor(directory, settings, read_only=False)
    opened.watch(own_log_list(directory))
    row = opened.auditing._logs.get("sm2")
    finding = AuditFinding(
        AuditCode.TREE_FORKED, FindingOutcome.FAILED, "Two roots.", "RFC 6962", {"tree_head": {}}
    )
    opened.auditing._audits.keep(row.id, AuditReport("sm2", now, now, AuditOutcome.INCONSISTENT, (finding,)))
    opened.close()
    keeper.after_round()
    assert distrusted(directory) == {row.log.log_id}
    assert main(["audit", "--data", str(directory), "--trust-again", "sm2", "--note", "looked into"]) == 0
    keeper.after_round()
    assert distrusted(directory) == frozenset()
