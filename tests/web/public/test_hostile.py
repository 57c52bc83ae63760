"""Names that attack whoever shows them: markup, controls, and characters that turn the line around."""

import re
from xml.etree import ElementTree as ET

import pytest

UNSEEN = "\u202e\u200b\x07\x00"


@pytest.fixture
def shown(client, world):
    """Every page that shows the hostile names."""
    fingerprint = world.hostile.fingerprint.hex()
    paths = [f"/certificate/{fingerprint}", "/search?q=hostile.test&match=subdomain", "/issuers", "/"]
    return {path: client.get(path).text for path in paths}


def test_the_names_are_there_to_be_seen(shown, world):
    certificate, search, issuers, _ = shown.values()
    assert "&lt;img src=x onerror=alert(1)&gt;.hostile.test" in certificate
    assert "&lt;script" in certificate
    assert "gnp.exe‹U+200B›‹U+0007›" in certificate
    assert "&lt;img src=x onerror=alert(1)&gt;.hostile.test" in search
    assert "Careless‹U+202E›AC" in search
    assert "Careless‹U+202E›AC &lt;/title&gt;&lt;script&gt;" in issuers


def without_ours(text):
    """Return a page without the scripts of the site itself."""
    return re.sub(r'<script src="/static/[a-z]+\.js\?v=[0-9a-f]{12}" defer></script>', "", text)


def test_none_of_it_reaches_a_page_as_it_is(shown):
    for text in shown.values():
        assert "<img" not in text
        assert "<script" not in without_ours(text)
        assert not set(UNSEEN) & set(text)


def test_json_carries_the_names_as_they_are_and_is_not_sniffed(client, world):
    response = client.get(f"/certificate/{world.hostile.fingerprint.hex()}?output=json")
    assert response.json["common_name"].startswith("<script>")
    assert response.content_type == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_feed_stays_xml(client):
    feed = ET.fromstring(client.get("/search?q=hostile.test&match=subdomain&output=atom").data)  # noqa: S314  ours
    assert "onerror" in "".join(feed.itertext())


def test_a_spreadsheet_runs_no_formula(client, monkeypatch):
    from monitor.values.comma_separated import _cell

    for value in ("=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx"):
        assert _cell(value) == f"'{value}"
        assert _cell([value, "b"]) == f"'{value} b"
    assert _cell("good.example") == "good.example"
    assert "<img" in client.get("/search?q=hostile.test&match=subdomain&output=csv").text


@pytest.mark.parametrize(
    "path",
    ["/search?q=%3Cscript%3Ealert(1)%3C/script%3E", "/search?q=%22%3E%3Cimg%20src=x%3E&match=contains",
     "/search?q=a%00b%E2%80%AE", "/search?q=a&match=%3Cb%3E", "/%3Cscript%3E", "/audit?before=%3Cb%3E",
     "/log/%3Cscript%3E/", "/certificate/%3Cscript%3E", "/search?q=%ff%fe", "/logs?output=%3Cb%3E"],
)  # fmt: skip
def test_what_is_asked_comes_back_as_text(client, path):
    response = client.get(path)
    assert response.status_code in {200, 400, 404}
    assert "<img" not in response.text
    assert "<b>" not in response.text or response.content_type == "application/json"
    assert "<script" not in without_ours(response.text)
    assert not set(UNSEEN) & set(response.text)
