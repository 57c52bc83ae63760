"""mingjing audit: evidence verified from its bytes alone, alerts listed, noted and exported."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from mingjing import config, data
from mingjing.__main__ import main
from monitor import Monitor
from monitor.auditor.heads import head_json
from monitor.observations.values import Following
from monitor.store import Batch, EntryRow, Logs, MalformedRow
from monitor.values import (
    AuditCode,
    AuditFinding,
    AuditOutcome,
    AuditReport,
    FindingOutcome,
    WatchedLog,
)
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.transparency.evidence import AccusedLog, Evidence
from verifier.transparency.tree_head import sign_tree_head

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MS = 1_790_000_000_000


@pytest.fixture
def key():
    return PrivateKey.generate(KeyAlgorithm.SM2)


@pytest.fixture
def material(key):
    heads = [sign_tree_head(5, MS + n, bytes([n]) * 32, key) for n in (1, 2)]
    return {"tree_head": head_json(heads[1]), "previous_tree_head": head_json(heads[0])}


@pytest.fixture
def evidence(key, material):
    log = AccusedLog("made", key.public_key, "Somebody")
    return Evidence("tree-forked", log, NOW, "Two roots.", "RFC 6962", material)


@pytest.fixture
def directory(tmp_path, key, material):
    """A data directory in which an alert about a forked tree is open."""
    settings = config.Config("Org", "corp.example", "Org", "https://pki.corp.example")
    folder = tmp_path / "data"
    data.prepare(folder)
    config.write(folder, settings)
    data.mark(folder)
    monitor = Monitor.open(folder / "monitor.db")
    monitor.watch_log(
        WatchedLog(
            *("made", key.public_key.key_id, key.public_key, "", "X", timedelta(seconds=60)),
            url="http://127.0.0.1:9/",
        )
    )
    finding = AuditFinding(AuditCode.TREE_FORKED, FindingOutcome.FAILED, "Two roots.", "RFC 6962", material)
    row = monitor.auditing._logs.get("made").id
    monitor.auditing._audits.keep(row, AuditReport("made", NOW, NOW, AuditOutcome.INCONSISTENT, (finding,)))
    monitor.close()
    return folder


def test_evidence_is_proven_with_no_data_directory(tmp_path, monkeypatch, capsys, evidence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evidence.json").write_bytes(evidence.encode())
    assert main(["audit", "--evidence", "evidence.json"]) == 0
    printed = capsys.readouterr().out
    assert "✔ the two heads of one size have different roots" in printed
    assert "PROVEN by signatures: made signed two histories of its tree." in printed
    assert sorted(tmp_path.iterdir()) == [tmp_path / "evidence.json"]


def test_evidence_that_was_changed_is_not_proven(tmp_path, capsys, evidence):
    changed = json.loads(evidence.encode())
    changed["material"]["tree_head"]["tree_size"] = 6
    file = tmp_path / "evidence.json"
    file.write_text(json.dumps(changed))
    assert main(["audit", "--json", "--evidence", str(file)]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert found["result"] == "not-shown"
    assert found["steps"][-1]["holds"] is False


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"format": "mingjing-evidence/9"}'])
def test_what_is_no_evidence_file_is_a_wrong_call(tmp_path, capsys, content):
    file = tmp_path / "other.json"
    file.write_bytes(content)
    assert main(["audit", "--evidence", str(file)]) == 2
    assert "is no evidence file" in capsys.readouterr().err
    assert main(["audit", "--evidence", str(tmp_path / "missing")]) == 2


def test_alerts_are_listed_noted_and_the_log_trusted_again(directory, capsys):
    called = ["audit", "--data", str(directory)]
    assert main([*called, "--alerts", "--json"]) == 1
    (alert,) = json.loads(capsys.readouterr().out)
    assert (alert["log"], alert["code"], alert["distrusting"]) == ("made", "tree-forked", True)
    assert main([*called, "--acknowledge", "99"]) == 2
    assert main([*called, "--acknowledge", str(alert["id"]), "--note", "ticket 4711"]) == 0
    assert main([*called, "--alerts"]) == 0
    monitor = Monitor.open(directory / "monitor.db", read_only=True)
    assert [note.text for note in monitor.evidence.notes(alert["id"])] == ["ticket 4711"]
    assert monitor.distrusted_logs()
    assert main([*called, "--trust-again", "nobody"]) == 2
    assert main([*called, "--trust-again", "made", "--note", "looked into"]) == 0
    assert monitor.distrusted_logs() == frozenset()
    assert monitor.alerts()  # kept
    monitor.close()


def test_an_open_alert_is_exported_as_a_file_that_verifies(directory, tmp_path, capsys):
    (directory / "log-list.json").write_text('{"operators": []}')
    called = ["audit", "--data", str(directory), "--export", str(tmp_path / "out")]
    main(called)  # the log itself cannot be reached: nobody serves it
    (file,) = (tmp_path / "out").iterdir()
    assert file.name == "mingjing-made-tree-forked-1.json"
    assert json.loads(file.read_text())["standing"] == "proof"
    assert main(["audit", "--evidence", str(file)]) == 0


def test_progress_says_how_far_and_how_available(directory, capsys):
    assert main(["audit", "--data", str(directory), "--progress"]) == 0
    printed = capsys.readouterr().out
    assert "log made: not read yet" in printed
    assert "its SCTs, checked in 0 of 0 certificates: 0 kept, 0 not kept, 0 not due yet" in printed
    assert main(["audit", "--data", str(directory), "--progress", "--json"]) == 0
    (log,) = json.loads(capsys.readouterr().out)
    assert (log["log"], log["scts"]["certificates"]) == ("made", 0)


@pytest.mark.parametrize(
    ("left", "words"),
    [(44.6, "45 s"), (720, "12 min"), (11_100, "3 h 5 min"), (187_200, "2 d 4 h"), (3599.7, "1 h 0 min")],
)
def test_progress_of_a_log_that_is_being_read(directory, capsys, left, words):
    """Position, target, backlog, rate, time left and what could not be read, as a person and as JSON."""
    monitor = Monitor.open(directory / "monitor.db")
    row = Logs(monitor.observations._db).get("made").id
    monitor.observations.tell_following(row, Following(3_000, 5_000, 65.4, left, NOW))
    malformed = MalformedRow("certificate: expected something else", b"leaf", b"", ())
    Logs(monitor.observations._db).append(
        row, Batch(0, (EntryRow(bytes(32), None, None, malformed),), ()), NOW
    )
    monitor.close()
    assert main(["audit", "--data", str(directory), "--progress"]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    read = "3,000 of 5,000 entries read, backlog 2,000, 65/s"
    assert line.startswith(f"log made: {read}, {words} left (at 2026-")
    assert line.endswith(", 1 malformed")
    assert main(["audit", "--data", str(directory), "--progress", "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert shown["malformed"] == 1
    assert (shown["following"]["backlog"], shown["following"]["seconds_left"]) == (2_000, left)


@pytest.mark.parametrize("action", ["--alerts", "--progress"])
def test_a_log_that_nobody_follows_is_a_wrong_call(directory, capsys, action):
    assert main(["audit", "--data", str(directory), action, "nosuch"]) == 2
    assert "no log named 'nosuch' is followed; there are: made." in capsys.readouterr().err
    assert main(["audit", "--data", str(directory), action, "made"]) == (1 if action == "--alerts" else 0)


def test_all_that_is_kept_of_an_alert_is_exported(directory, tmp_path, capsys):
    (directory / "log-list.json").write_text('{"operators": []}')
    monitor = Monitor.open(directory / "monitor.db")
    (alert,), row = monitor.alerts(), monitor.auditing._logs.get("made").id
    heads = {"tree_head": alert.evidence["tree_head"], "previous_tree_head": alert.evidence["tree_head"]}
    later = NOW + timedelta(minutes=1)
    finding = AuditFinding(AuditCode.TREE_FORKED, FindingOutcome.FAILED, "The same twice.", "RFC 6962", heads)
    monitor.auditing._audits.keep(
        row, AuditReport("made", later, later, AuditOutcome.INCONSISTENT, (finding,))
    )
    monitor.close()
    main(["audit", "--data", str(directory), "--export", str(tmp_path / "out")])
    files = {path.name: json.loads(path.read_text())["standing"] for path in (tmp_path / "out").iterdir()}
    assert files == {
        "mingjing-made-tree-forked-1.json": "proof", "mingjing-made-tree-forked-1-newest.json": "incomplete",
    }  # fmt: skip
    assert ": proof of " in capsys.readouterr().err


def test_vantages_are_addresses_of_proxies(directory, capsys):
    settings = (directory / config.FILE_NAME).read_text()
    assert "vantages = []" in settings
    elsewhere = settings.replace("vantages = []", 'vantages = ["http://proxy.example:3128"]')
    (directory / config.FILE_NAME).write_text(elsewhere)
    assert data.load(directory).vantages == ("http://proxy.example:3128",)
    (directory / config.FILE_NAME).write_text(settings.replace("vantages = []", 'vantages = ["proxy"]'))
    assert main(["audit", "--data", str(directory), "--alerts"]) == 2
    assert "vantages must look like" in capsys.readouterr().err
