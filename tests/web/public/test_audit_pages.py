"""Audits: each finding with an address of its own, what it means and what to do; the strip; the feeds."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import feedparser
import pytest

from monitor.values import (
    DISTRUSTING,
    MISCONDUCT,
    AuditCode,
    AuditFinding,
    AuditOutcome,
    AuditReport,
    FindingOutcome,
)
from verifier.transparency.evidence import claim_of
from web.public import create_app
from web.public.models.audits import audit_shown
from web.public.models.guidance import advice_on, meaning_of

from .conftest import PUBLIC_URL
from .cosigned import make_accused
from .pages import named

ATOM = "{http://www.w3.org/2005/Atom}"
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
CHINESE = {"Accept-Language": "zh-CN"}


@pytest.fixture(scope="module")
def site(world, tmp_path_factory):
    return make_accused(world, tmp_path_factory.mktemp("accused")).test_client()


@pytest.fixture(scope="module")
def failed(site, world):
    """The address of the finding that failed."""
    names = named(world, site)
    return f"/audit/{names['failed']}/{names['finding']}"


def test_a_failed_finding_says_what_it_means_and_what_to_do(site, failed):
    facts = site.get(f"{failed}?output=json").json
    assert (facts["code"], facts["state"], facts["log"]) == ("tree-forked", "refused", "sm2")
    assert facts["meaning"] == meaning_of(AuditCode.TREE_FORKED)
    page = site.get(failed).text
    assert "One of them hides what the other shows." in page
    assert "Save the evidence, send it to the log&#39;s operator" in page
    assert "A proof: what the log signed contradicts itself" in page
    chinese = site.get(failed, headers=CHINESE).text
    assert "其中一棵隐藏了另一棵所展示的内容。" in chinese
    assert "请保存证据" in chinese


def test_its_evidence_is_one_click_away_and_verifies(site, failed):
    facts = site.get(f"{failed}?output=json").json
    assert f'href="{facts["evidence_file"]}"' in site.get(failed).text
    assert site.get(facts["evidence_file"]).json["standing"] == "proof"
    audit = failed.rpartition("/")[0]
    assert f'href="{facts["evidence_file"]}"' in site.get(audit).text


def test_an_audit_lists_what_failed_first_and_each_finding_has_an_address(site, failed):
    audit = failed.rpartition("/")[0]
    findings = site.get(f"{audit}?output=json").json["findings"]
    page = site.get(audit).text
    shown = re.findall(r'id="finding-(\d+)"', page)
    assert sorted(map(int, shown)) == list(range(len(findings)))
    assert findings[int(shown[0])]["outcome"] == "failed"
    for number, finding in enumerate(findings):
        assert finding["address"] == f"{audit}/{number}"
        assert f'href="{audit}/{number}"' in page
        assert site.get(f"{finding['address']}?output=json").json["code"] == finding["code"]


def test_what_passed_needs_no_advice(client):
    findings = client.get("/audit/1?output=json").json["findings"]
    passed = [finding for finding in findings if finding["outcome"] == "passed"]
    assert passed
    assert {finding["advice"] for finding in passed} == {None}
    assert {finding["evidence_file"] for finding in passed} == {None}


def test_every_code_that_may_be_an_alert_has_advice():
    proven = {code for code in AuditCode if claim_of(code.value)}
    assert {code for code in proven if not (meaning_of(code) and advice_on(code))} == set()
    assert {code for code in DISTRUSTING | MISCONDUCT if not advice_on(code)} == set()
    assert advice_on(AuditCode.HEAD_OLDER) is None
    assert advice_on(AuditCode.SPLIT_VIEW)


def test_an_audit_by_the_logs_own_operator_says_so(site, failed):
    assert site.get("/audit?output=json").json["of_itself"] == ["sm2", "p256"]
    assert "An audit of oneself convinces nobody else" in site.get("/audit").text
    assert "An audit by the log's own operator" in site.get(failed.rpartition("/")[0]).text
    assert "the log's own operator" in site.get(failed).text


def test_the_strip_shows_the_last_audits_of_each_log(site, client):
    page = site.get("/audit").text
    assert page.count('class="drawing strip"') == 2
    assert page.count('<g class="bar is-refused">') == 1
    assert page.count('<g class="bar is-trusted">') == 10
    assert "sm2, the last 6 audits: 5 trusted, 1 refused, 0 without a result." in page
    assert client.get("/log/p256/").text.count('class="drawing strip"') == 1


def test_the_history_narrows_to_what_was_refused(site):
    everything = site.get("/audit?output=json").json["audits"]
    refused = site.get("/audit?outcome=inconsistent&output=json").json["audits"]
    assert refused == [audit for audit in everything if audit["outcome"] == "inconsistent"]
    assert len(refused) == 1
    assert site.get("/audit?outcome=pending&output=json").json["audits"] == []
    assert "No audit ended like this." in site.get("/audit?outcome=pending").text
    assert site.get("/audit?outcome=good&output=json").status_code == 400


def test_an_alert_says_what_to_do_and_how_to_close_it(site):
    (alert,) = site.get("/audit?output=json").json["alerts"]
    page = site.get("/audit").text
    assert alert["advice"].startswith("The log's promises no longer count")
    assert f"mingjing audit --acknowledge {alert['id']} --note" in page


# feeds


def feed(client, path, **headers):
    response = client.get(path, headers=headers)
    assert response.status_code == 200
    assert response.content_type == "application/atom+xml; charset=utf-8"
    parsed = feedparser.parse(response.data)
    assert not parsed.bozo, parsed.get("bozo_exception")
    assert parsed.version == "atom10"
    return ET.fromstring(response.data), parsed  # noqa: S314  ours


def keeps_to_rfc_4287(root):
    """Sections 4.1.1 and 4.1.2: what a feed and an entry must have, once, and in which form."""
    assert root.tag == f"{ATOM}feed"
    authors = root.findall(f"{ATOM}author/{ATOM}name")
    assert authors
    assert all(author.text for author in authors)
    ids = [one.text for one in root.iter(f"{ATOM}id")]
    assert len(ids) == len(set(ids))
    assert all(one.startswith(f"{PUBLIC_URL}/") for one in ids)
    for element in (root, *root.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            (one,) = element.findall(f"{ATOM}{name}")
            assert one.text
        assert RFC_3339.fullmatch(element.find(f"{ATOM}updated").text)
        assert [link for link in element.findall(f"{ATOM}link") if link.get("rel") == "alternate"]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize(
    "path", ["/audit.atom", "/alerts.atom", "/audit.atom?log=sm2", "/alerts.atom?log=sm2"]
)
def test_the_feeds_are_valid(site, path, language):
    root, parsed = feed(site, path, **{"Accept-Language": language})
    keeps_to_rfc_4287(root)
    assert parsed.entries
    assert parsed.feed.links[0].href == f"{PUBLIC_URL}{path}"


def test_an_empty_feed_is_valid_too(world, tmp_path, client):
    empty = create_app(world.settings(data=tmp_path)).test_client()
    for path in ("/audit.atom", "/alerts.atom"):
        keeps_to_rfc_4287(feed(empty, path)[0])
    assert feed(client, "/alerts.atom")[1].entries == []


def test_failed_findings_come_first(site, failed):
    _, parsed = feed(site, "/audit.atom")
    first = parsed.entries[0]
    assert first.title == "sm2: refused. Two trees of one size"
    assert first.tags[0].term == "refused"
    assert {entry.tags[0].term for entry in parsed.entries[1:]} == {"trusted"}
    assert len({entry.id for entry in parsed.entries}) == len(parsed.entries) == 11
    findings = re.findall(r"<li>(\w+)", first.content[0].value)
    assert findings[0] == "refused"
    audit, _, position = failed.rpartition("/")
    assert f"{PUBLIC_URL}{audit}/evidence/{position}.json" in first.content[0].value


def test_an_alert_is_one_entry_with_its_evidence(site):
    _, parsed = feed(site, "/alerts.atom")
    (entry,) = parsed.entries
    assert entry.title == "sm2: Two trees of one size"
    assert entry.summary.startswith("Two signed tree heads of size")
    assert [tag.term for tag in entry.tags] == ["tree-forked", "open"]
    evidence = next(link.href for link in entry.links if link.rel == "related")
    assert site.get(evidence.removeprefix(PUBLIC_URL)).json["standing"] == "proof"


def test_the_pages_name_their_feeds(site):
    for path, feeds in {
        "/": ["/alerts.atom"],
        "/audit": ["/audit.atom", "/alerts.atom"],
        "/audit?log=sm2": ["/audit.atom?log=sm2", "/alerts.atom?log=sm2"],
        "/log/sm2/": ["/audit.atom?log=sm2", "/alerts.atom?log=sm2"],
    }.items():
        head = site.get(path).text.partition("</head>")[0]
        found = re.findall(r'<link rel="alternate" type="application/atom\+xml" [^>]*href="([^"]+)"', head)
        assert found == feeds
        assert all(site.get(one).status_code == 200 for one in found)


def test_a_feed_of_a_log_that_is_not_followed_says_so(site):
    response = site.get("/audit.atom?log=nowhere")
    assert response.status_code == 404
    assert response.json["field"] == "log"


def test_a_reader_that_has_it_already_is_told_so(site):
    first = site.get("/audit.atom")
    again = site.get("/audit.atom", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    chinese = site.get("/audit.atom", headers={"If-None-Match": first.headers["ETag"], **CHINESE})
    assert chinese.status_code == 200


def test_what_is_told_in_short_is_what_kept_it_from_being_trusted():
    now = datetime.now(UTC)
    note = AuditFinding(AuditCode.SAME_OPERATOR, FindingOutcome.NOTE, "The same operator.", "")
    missing = AuditFinding(AuditCode.RESPONSE_TIMEOUT, FindingOutcome.UNAVAILABLE, "It did not answer.", "")
    wrong = AuditFinding(AuditCode.TREE_SHRUNK, FindingOutcome.FAILED, "It shrank.", "")
    for findings, outcome, said in (
        ((note,), AuditOutcome.CONSISTENT, "0 checks passed."),
        ((note, missing), AuditOutcome.UNAVAILABLE, "No answer in time"),
        ((note, missing, wrong), AuditOutcome.INCONSISTENT, "The tree shrank"),
        ((), AuditOutcome.PENDING, "The audit is not complete."),
    ):
        shown = audit_shown(AuditReport("sm2", now, now, outcome, findings, id=1))
        assert shown.short == said
        assert [one.code for one in shown.urgent_first] == [one.code for one in reversed(findings)]


def test_what_a_log_wrote_cannot_break_a_feed_or_a_page(world, tmp_path):
    hostile = "https://log.example/\x07</title><script>alert(1)</script>\u202e&amp;: status 200"
    finding = AuditFinding(
        AuditCode.ORIGIN_WRONG, FindingOutcome.FAILED, hostile, "RFC 6962", {"url": hostile}
    )
    now = datetime.now(UTC)
    report = AuditReport("sm2", now, now, AuditOutcome.INCONSISTENT, (finding,), 1, 0)
    with world.copied(tmp_path) as monitor:
        kept = monitor._audits.keep(monitor.auditing._logs.get("sm2").id, report)
    client = create_app(world.settings(data=tmp_path)).test_client()
    for path in ("/audit.atom", "/alerts.atom"):
        root, _ = feed(client, path)
        keeps_to_rfc_4287(root)
        assert "‹U+0007›</title><script>" in "".join(root.itertext())
    for path in ("/audit", f"/audit/{kept.id}", f"/audit/{kept.id}/0", "/log/sm2/"):
        page = client.get(path).text
        assert "<script>alert" not in page
        assert "\u202e" not in page
