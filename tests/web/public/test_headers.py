"""What every response carries, and what no page may contain."""

import re
from html.parser import HTMLParser

import pytest

EVERYTHING = [
    "/",
    "/search",
    "/search?q=mingjing.test&match=subdomain",
    "/logs",
    "/log/sm2/",
    "/audit",
    "/audit/1",
    "/issuers",
    "/nothing",
    "/search?q=a&match=near",
    "/static/site.css",
    "/static/none.css",
    "/ca/ssl-sm2.crt",
    "/healthz",
    "/metrics",
    "/log/sm2/ct/v1/get-sth",
    "/ocsp/ssl-sm2/AAAA",
]

STATELESS = {"/search", "/issuers", "/nothing"}


@pytest.mark.parametrize("path", EVERYTHING)
def test_every_response_forbids_what_is_not_ours(client, path):
    headers = client.get(path, buffered=True).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["style-src"] == policy["script-src"] == policy["form-action"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


class Reader(HTMLParser):
    """Collects what a page would load or run, and its structure."""

    def __init__(self):
        super().__init__()
        self.loads, self.inline, self.ids, self.labels, self.inputs = [], [], [], [], []
        self.headings, self.open = [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.loads += [given[name] for name in ("src", "srcset", "poster", "data") if name in given]
        if tag == "link":
            self.loads.append(given["href"])
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "label":
            self.labels.append(given.get("for"))
        if tag in {"h1", "h2", "h3"}:
            self.headings.append(int(tag[1]))
        if tag == "input" and given.get("type") not in {"hidden", "radio", "checkbox"}:
            self.inputs.append(given["id"])


def read(client, path):
    reader = Reader()
    reader.feed(client.get(path).text)
    return reader


@pytest.mark.parametrize("path", EVERYTHING[:10])
def test_no_page_loads_from_elsewhere_or_runs_anything_inline(client, path):
    page = read(client, path)
    assert page.inline == []
    assert page.loads
    assert all(address.startswith("/") and not address.startswith("//") for address in page.loads)


@pytest.mark.parametrize("path", EVERYTHING[:10])
def test_every_page_is_built_for_everyone(client, path):
    page = read(client, path)
    assert len(page.ids) == len(set(page.ids))
    assert set(page.inputs) <= set(page.labels)
    assert page.headings.count(1) == 1
    assert page.headings[0] == 1
    assert all(below - above <= 1 for above, below in zip(page.headings, page.headings[1:], strict=False))
    text = client.get(path).text
    assert 'class="skip" href="#main"' in text
    assert '<main id="main"' in text
    states = re.findall(
        r'<span class="state (?:bare )?is-([a-z-]+)"><svg.*?</svg><span class="(?:unseen)?">([a-z ]+)</span>',
        text,
    )
    assert all(state.replace("-", " ") == word for state, word in states)
    assert states or path in STATELESS


def test_static_files_may_be_kept_for_ever_under_their_own_address(client):
    address = re.search(r'href="(/static/site\.css\?v=[0-9a-f]+)"', client.get("/").text)[1]
    response = client.get(address, buffered=True)
    assert "immutable" in response.headers["Cache-Control"]
    tag = response.headers["ETag"]
    assert client.get(address, buffered=True, headers={"If-None-Match": tag}).status_code == 304
    assert "immutable" not in client.get("/static/site.css", buffered=True).headers["Cache-Control"]
    assert "immutable" not in client.get("/static/none.css?v=1").headers.get("Cache-Control", "")


def test_pages_are_asked_for_again_each_time(client):
    assert client.get("/").headers["Cache-Control"] == "no-cache"


def test_the_three_states_have_colours_in_light_and_dark(client):
    style = client.get("/static/site.css", buffered=True).text
    for name in ("trusted", "refused", "unknown", "accent", "page", "ink"):
        assert len(re.findall(rf"--{name}: #", style)) == 2
    assert "url(" not in style
    assert "@import" not in style
