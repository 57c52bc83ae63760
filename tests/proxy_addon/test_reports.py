"""Broken promises reported, only where the policy says so; and the crowd that a question hides in."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from monitor.reports import Report
from proxy_addon.connect import check
from proxy_addon.connect.engine import Engine
from proxy_addon.connect.inclusion import State
from proxy_addon.connect.reports import report_of, send, with_head
from proxy_addon.store import Inclusion, ProxyStore
from tests.proxy_addon.test_service import wait_for
from verifier.errors import PolicyError
from verifier.policy import parse_policy

PAST = timedelta(minutes=5)


@pytest.fixture
def engine(data, unlogged):
    opened = Engine.open(data.path)
    yield opened
    opened.close()


@pytest.fixture
def unlogged(data, pki, site):
    """A site whose promises were broken five minutes ago."""
    leaf = pki.sm2.issue(
        "unlogged.mingjing.test", logs=pki.logs, merge=False, sct_time=datetime.now(UTC) - PAST
    )
    data.hosts(unlogged=site(leaf).address)


def test_a_report_holds_what_the_monitor_needs(engine):
    evidence = engine.with_revocation(engine.dial("unlogged.mingjing.test", 443))
    verdict = engine.judge(evidence)
    assert verdict.trusted
    for relied in verdict.relied_scts:
        proof = engine.prove(relied)
        assert proof.state is State.NOT_INCLUDED
        report = Report.parse(with_head(report_of(relied, evidence), proof.head).encode())
        assert report.sct.log_id == relied.log_id
        assert report.chain == evidence.chain
        assert report.head.tree_size == proof.tree_size


def test_what_is_missing_is_asked_for_again(engine, pki, monkeypatch):
    """One wrong answer refuses nobody: the entry is there when it is asked for again."""
    evidence = engine.dial("unlogged.mingjing.test", 443)
    relied = engine.judge(engine.with_revocation(evidence)).relied_scts[0]
    log = next(one for one in pki.logs if one.log.log_id == relied.log_id)
    honest, calls = log.inclusion, []

    def later(prefix):
        calls.append(prefix)
        if len(calls) > 1 and relied.leaf_hash not in log.leaves:
            log.leaves.append(relied.leaf_hash)
        return honest(prefix)

    monkeypatch.setattr(log, "inclusion", later)
    assert engine.prove(relied).state is State.INCLUDED
    log.leaves.remove(relied.leaf_hash)
    assert len(calls) == 2


def test_the_crowd_that_a_question_hides_in_is_shown(data, pki, site):
    """With a thousand entries a question names one hexadecimal digit and is about some sixty entries."""
    before = [list(log.leaves) for log in pki.logs]
    for log in pki.logs:
        log.leaves.extend(bytes([number % 256, number // 256]) * 16 for number in range(1100))
    leaf = pki.sm2.issue("good.mingjing.test", logs=pki.logs, sct_time=datetime.now(UTC) - PAST)
    data.hosts(good=site(leaf).address)
    engine = Engine.open(data.path)
    try:
        evidence = engine.with_revocation(engine.dial("good.mingjing.test", 443))
        (first, *_) = engine.judge(evidence).relied_scts
        engine.prove(first)  # the size is known from here on
        proof = engine.prove(first)
        assert proof.state is State.INCLUDED
        assert proof.crowd >= 64
        assert f"asked about {proof.crowd} entries at once" in proof.detail
    finally:
        engine.close()
        for log, leaves in zip(pki.logs, before, strict=True):
            log.leaves[:] = leaves
    asked = [question for question in data.service.asked if question.startswith("/inclusion/")]
    assert all(len(question.partition("prefix=")[2]) <= 1 for question in asked)


def test_check_says_how_large_the_crowd_was(data, pki, site):
    leaf = pki.sm2.issue("good.mingjing.test", logs=pki.logs, sct_time=datetime.now(UTC) - PAST)
    data.hosts(good=site(leaf).address)
    found = check("good.mingjing.test", data.path).to_dict()["inclusion"]
    assert [proof["crowd"] for proof in found] == [len(log.leaves) for log in pki.logs]  # trees that small


@pytest.mark.needs("curl")
@pytest.mark.parametrize("allowed", [True, False])
def test_the_proxy_reports_where_the_policy_says_so(data, pki, site, start_proxy, allowed):
    one = site(pki.sm2.issue("unlogged.mingjing.test", logs=pki.logs, merge=False))
    data.hosts(unlogged=one.address)
    policy = data.path / "policy.toml"
    policy.write_text(
        policy.read_text().replace("[default]\n", f"[default]\nreport = {str(allowed).lower()}\n")
    )
    reports, answer = [], data.service.answer

    def taking(path, body):
        if path == "/sct-reports":
            reports.append(body)
            return (503, b"") if len(reports) == 1 else (202, b"{}")  # it is sent until it is taken
        return answer(path, body)

    data.service.answer = taking
    proxy = start_proxy()
    url = "https://unlogged.mingjing.test/"
    assert proxy.curl(url).verdicts == ["trusted; sm2 pq"]
    wait_for(lambda: proxy.curl(url).verdicts == ["refused; sct-not-included"])
    if allowed:
        wait_for(lambda: len(reports) >= 3)
        found = {Report.parse(body).sct.log_id for body in reports}
        assert found == {log.log.log_id for log in pki.logs}
        assert all(Report.parse(body).head is not None for body in reports)
        seen = len(reports)
    else:
        seen = 0
    status = "http://verifier.mingjing/status.json"
    broken = Inclusion.NOT_INCLUDED.value
    wait_for(lambda: json.loads(proxy.curl(status).body)["state"]["promises"][broken] == 2)
    proxy.stop()
    assert len(reports) == seen
    store = ProxyStore(next(data.path.rglob("proxy.db")))
    assert store.to_report() == []
    store.close()


def test_a_service_that_is_silent_is_asked_again(data, engine):
    data.service.silent = True
    assert not send(engine.http, engine.settings.public_url, "{}")


def test_an_older_database_gains_the_table(tmp_path):
    first = ProxyStore(tmp_path / "proxy.db")
    first._database.execute("drop table reports")
    first._database.execute("pragma user_version = 1")
    first.close()
    again = ProxyStore(tmp_path / "proxy.db")
    again.keep_report(b"k", "{}")
    assert again.report(b"k") == "{}"
    again.drop_report(b"k")
    assert again.report(b"k") is None
    again.close()


def test_report_is_a_key_of_the_policy():
    policy = parse_policy('[default]\nreport = true\n[[site]]\nhost = "a.example"\nreport = false\n')
    assert policy.rules_for("other.example").report
    assert not policy.rules_for("a.example").report
    assert not parse_policy("[default]\n").rules_for("a.example").report
    with pytest.raises(PolicyError, match="true or false"):
        parse_policy("[default]\nreport = 1\n")
