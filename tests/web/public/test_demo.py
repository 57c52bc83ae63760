"""The demo page: every site, the verdict it must get, and what is said when it does not."""

import threading
from datetime import UTC, datetime

import pytest

from mingjing.services.site import demo_sites
from proxy_addon.connect.check import CheckResult
from proxy_addon.errors import SettingsError
from verifier.judge.evidence import Evidence, Handshake
from verifier.judge.verdict import Code, Finding, NoteCode, Outcome, Verdict, unreachable
from web.public import create_app
from web.public import demo as demo_page

SITES = demo_sites()
NOW = datetime(2026, 11, 24, tzinfo=UTC)
EXPECTED = {site.host: site.expected[-1] for site in SITES}


def verdict(host, header):
    state, _, rest = header.partition("; ")
    passed = Finding(
        "path", "Path", Outcome.PASSED, "The chain ends in a pinned CA.", reference="RFC 5280 section 6"
    )
    note = Finding("operator", "Operator", Outcome.NOTE, "Same operator.", NoteCode.SAME_OPERATOR)
    if state == "trusted":
        return Verdict(
            trusted=True, host=host, judged_at=NOW, findings=(passed, note), algorithms=tuple(rest.split())
        )
    failed = Finding("check", "Check", Outcome.FAILED, f"This failed: <b>{rest}</b>.", Code(rest))
    return Verdict(trusted=False, host=host, judged_at=NOW, findings=(passed, failed))


def result(target, header):
    host = target.split("//")[-1].strip("/")
    evidence = Evidence(host=host, port=443, handshake=Handshake.ESTABLISHED)
    return CheckResult(target, host, 443, verdict(host, header), evidence)


class Checker:
    """Stands in for the check: gives each host the verdict it is told to give."""

    def __init__(self, **changes):
        self.headers = EXPECTED | {
            name.replace("_", "-") + ".mingjing.test": header for name, header in changes.items()
        }
        self.targets, self.threads = [], set()
        self.barrier = threading.Barrier(len(SITES), timeout=60)

    def __call__(self, target, _data):
        self.targets.append(target)
        self.barrier.wait()  # passes only when all run side by side
        host = target.split("//")[-1].strip("/")
        header = self.headers[host]
        if header == "crash":
            raise SettingsError("policy.toml cannot be read")
        if header == "unreachable":
            return CheckResult(target, host, 443, unreachable(host, NOW, "connection refused"), None)
        return result(target, header)


@pytest.fixture
def page(world):
    def make(**changes):
        app = create_app(world.settings(demo_sites=SITES))
        checker = Checker(**changes)
        demo_page.register(app, SITES, checker)
        return app.test_client(), checker

    return make


def test_only_a_demo_has_the_page(client, page):
    assert client.get("/demo").status_code == 404
    assert "/demo" not in client.get("/").text
    demo, _ = page()
    assert demo.get("/demo").status_code == 200
    assert "/demo" in demo.get("/").text


def test_it_lists_every_site_before_anything_is_checked(page):
    demo, checker = page()
    text = demo.get("/demo").text
    assert all(site.host in text and site.expected[0] in text for site in SITES)
    assert not checker.targets
    assert 'name="run" value="1"' in text


def test_it_shows_every_verdict_as_expected(page, world):
    demo, checker = page()
    text = demo.get("/demo?run=1").text
    assert f"All {len(SITES)} verdicts are as expected" in text
    assert all(header in text for header in EXPECTED.values())
    assert "http://plain.mingjing.test/" in checker.targets
    assert "good.mingjing.test" in checker.targets
    assert f"mingjing check --data {world.data} good.mingjing.test" in text
    assert "curl -i --proxy http://127.0.0.1:8441" in text
    assert "RFC 5280 section 6" in text
    assert "<b>" not in text


def test_programs_always_get_verdicts(page):
    demo, _ = page()
    facts = demo.get("/demo", headers={"Accept": "application/json"}).json
    assert facts["as_expected"] is True
    assert {site["host"]: site["verdict"] for site in facts["sites"]} == EXPECTED
    assert all(site["check"]["findings"] for site in facts["sites"])


def test_a_verdict_that_surprises_is_never_hidden(page):
    demo, _ = page(rogue="trusted; sm2", revoked="unreachable", expired="crash")
    text = demo.get("/demo?run=1").text
    assert "3 verdicts are not as expected" in text
    facts = demo.get("/demo?output=json").json
    assert facts["as_expected"] is False
    found = {site["host"].split(".")[0]: site for site in facts["sites"]}
    assert found["rogue"]["as_expected"] is False
    assert found["revoked"]["verdict"] == found["expired"]["verdict"] == "unreachable"
    assert "policy.toml cannot be read" in found["expired"]["sentence"]


def test_the_unlogged_site_may_be_trusted_at_first(page):
    demo, _ = page(unlogged="trusted; sm2")
    assert demo.get("/demo?output=json").json["as_expected"] is True


def test_many_visitors_cost_one_run(page):
    demo, checker = page()
    for _ in range(3):
        demo.get("/demo?run=1")
    assert len(checker.targets) == len(SITES)
