"""English and Chinese: every sentence in both, chosen as asked, and nothing left untranslated on a page."""

import re
from html.parser import HTMLParser
from string import Formatter

import pytest

from monitor.values import AuditCode
from tests.web.public.messages import in_code, in_templates
from verifier.transparency.evidence import claim_of
from web.public import create_app
from web.public.language import Text, join, quoted, say
from web.public.language.catalogue import (
    CATALOGUE,
    MEANINGS,
    NOUNS,
    SHAPES,
    facts,
    guidance,
    pages,
    transparency,
    watching,
    words,
)
from web.public.models.guidance import SENTENCES, meaning_of, title_of

from .pages import PROBLEMS, addresses, troubled_addresses

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}
HAN = re.compile(r"[\u4e00-\u9fff]")
SILENT = frozenset({"code", "pre", "bdi", "script", "style"})
SPOKEN = frozenset({"aria-label", "placeholder", "title", "data-label"})
DATA = re.compile(
    r"Ming Test(?: Logs| (?:SSL )?(?:SM2|ECC) (?:Root|Issuing) CA)?|-----BEGIN CERTIFICATE-----"
    r"|The (?:sm2|p256) log of mingjing\.test|SHA-256|DER|PEM|JSON|CSV|SM2|ECC|ECDSA|UTC"
    r"|Atom|TLS|CRL|OCSP|RFC|DNS|IP|CA|Mingjing|mingjing|English|JavaScript|Careless\S*|policy\.toml, issuers"
    r"|\S*mingjing\.test|static-ct-api|log-list\.json|trust-bundle|https?://\S+"
    r"|exact, subdomain, contains|consistent, pending, unavailable, inconsistent|[a-z0-9.]+\.example\S*"
    r"|<img src=x(?: \S*hostile\.test)?|tree-forked|nobody is there"
    r"|The chain ends in a pinned CA\.|Same operator\.|This failed: \S+"  # what the tests' own checker says
)
ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ ,:;'’-]+[A-Za-z]{2,})+")


def blanks(message):
    return sorted(name for _, name, _, _ in Formatter().parse(message) if name)


@pytest.mark.parametrize("place", [in_templates, in_code])
def test_every_message_has_its_chinese(place):
    messages = list(place())
    assert len(messages) > 100
    assert [found for found in messages if found[1] not in CATALOGUE] == []


@pytest.mark.parametrize("table", [CATALOGUE, SHAPES])
def test_a_translation_has_the_blanks_of_its_message(table):
    for english, chinese in table.items():
        assert blanks(english) == blanks(chinese), english
        assert HAN.search(chinese) or len(english) < 40, english
        assert re.findall(r"</?[a-z]+|href", english) == re.findall(r"</?[a-z]+|href", chinese), english
    assert all(HAN.search(chinese) for chinese in (*MEANINGS.values(), *NOUNS.values()))


def test_what_is_said_of_findings_has_its_chinese():
    assert [sentence for sentence in SENTENCES if sentence not in CATALOGUE] == []
    advised = [code for code in AuditCode if meaning_of(code)]
    assert {code for code in AuditCode if claim_of(code.value)} <= set(advised)
    for code in AuditCode:
        assert HAN.search(title_of(code).chinese), code


def test_no_message_stands_in_the_catalogue_that_nobody_says():
    said = {message for place in (in_templates, in_code) for _, message in place()} | set(SENTENCES)
    pages = {
        message for message in CATALOGUE if " " in message and message[0].isupper() and message[-1] == "."
    }
    assert pages - said == set()


def test_no_message_has_two_translations():
    tables = (facts, guidance, pages, transparency, watching, words)
    assert sum(len(table.MESSAGES) for table in tables) == len(CATALOGUE)


class Words(HTMLParser):
    """Collects what a reader reads or hears, except what is data: code, names, hashes, pictures' shapes."""

    def __init__(self):
        super().__init__()
        self.open, self.words = [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag not in {"meta", "link", "input", "br", "img"}:
            quiet = tag in SILENT or given.get("lang") == "en"
            self.open.append((tag, quiet or (bool(self.open) and self.open[-1][1])))
        if not (self.open and self.open[-1][1] and tag != "svg"):
            self.words += [given[name] for name in SPOKEN if given.get(name) and tag not in {"code", "time"}]

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if data.strip() and not (self.open and self.open[-1][1]):
            self.words.append(data.strip())


def english_left(text):
    reader = Words()
    reader.feed(text)
    return [words for words in reader.words if ENGLISH.search(DATA.sub("", words))]


def told(client, paths, headers=None):
    """Yield each path with the text of its page; what is not a page says nothing to a reader."""
    for path in paths:
        response = client.get(path, headers=headers, base_url="http://127.0.0.1:8440")
        if response.mimetype == "text/html":
            yield path, response.text
        response.close()


def everywhere(world, whole, troubled):
    """Yield a client of each site with all addresses of pages there."""
    client = whole.test_client()
    yield client, [*addresses(world, client), *PROBLEMS]
    upset = troubled.test_client()
    yield upset, troubled_addresses(world, upset)


def test_no_page_has_english_left_in_chinese(world, whole, troubled):
    for client, paths in everywhere(world, whole, troubled):
        for path, text in told(client, paths, CHINESE):
            assert '<html lang="zh-CN"' in text, path
            assert english_left(text) == [], path


def test_no_page_has_chinese_in_english(world, whole, troubled):
    data = re.compile("明镜|简体中文|中文.mingjing.test")
    for client, paths in everywhere(world, whole, troubled):
        for path, text in told(client, paths):
            assert not HAN.search(data.sub("", text)), path


def test_what_goes_wrong_on_our_side_is_told_in_chinese_too(world, tmp_path, monkeypatch):
    (tmp_path / "monitor.db").write_bytes(b"no database " * 500)
    broken = create_app(world.settings(data=tmp_path)).test_client()
    healthy = create_app(world.settings()).test_client()
    answers = {
        503: broken.get("/", headers=CHINESE),
        413: healthy.post("/inspect", data=b"x" * 2**20, headers=CHINESE),
        405: healthy.post("/logs", headers=CHINESE),
        502: healthy.get("/ocsp/none/AAAA", headers=CHINESE),
    }
    monkeypatch.setattr("web.public.views.logs.page", lambda *_, **__: 1 / 0)
    answers[500] = healthy.get("/logs", headers=CHINESE)
    for status, response in answers.items():
        assert (response.status_code, response.mimetype) == (status, "text/html")
        assert HAN.search(response.text.partition("<h1>")[2].partition("</h1>")[0])
        assert english_left(response.text) == [], status


def test_json_is_the_same_in_both_languages(client, world):
    for path in (
        "/logs",
        "/log/sm2/",
        "/audit/1",
        "/certificate/" + world.pair.sm2.certificate.fingerprint.hex(),
    ):
        english = client.get(path, query_string={"output": "json"})
        chinese = client.get(path, query_string={"output": "json"}, headers=CHINESE)
        assert english.json["sentence"] == chinese.json["sentence"]
        assert not HAN.search(chinese.json["sentence"])


# the choice


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("", "en"),
        ("de", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("zh-Hans-CN", "zh-CN"),
        ("zh", "zh-CN"),
        ("en,zh;q=0.5", "en"),
        ("en-GB;q=0.4,zh-SG;q=0.5", "zh-CN"),
    ],
)
def test_the_browser_says_which_language_it_prefers(app, accepted, tag):
    page = app.test_client().get("/logs", headers={"Accept-Language": accepted})
    assert f'<html lang="{tag}">' in page.text
    assert page.headers["Content-Language"] == tag
    assert {"Accept", "Accept-Language", "Cookie"} <= set(page.vary)


def test_a_choice_is_shared_by_its_address_and_remembered(app):
    client = app.test_client()
    chosen = client.get("/logs?lang=zh")
    assert '<html lang="zh-CN">' in chosen.text
    cookie = chosen.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    again = client.get("/audit", headers={"Accept-Language": "en"})
    assert '<html lang="zh-CN">' in again.text
    assert "Set-Cookie" not in again.headers
    assert '<html lang="en">' in client.get("/audit?lang=en").text
    assert '<html lang="en">' in client.get("/audit", headers=CHINESE).text


def test_each_page_names_its_other_language(client):
    page = client.get("/search?q=mingjing.test&match=subdomain").text
    alternates = dict(re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)"', page))
    assert set(alternates) == {"en", "zh-CN", "x-default"}
    assert alternates["zh-CN"].replace("&amp;", "&") == "/search?q=mingjing.test&match=subdomain&lang=zh"


def test_a_strange_language_is_not_an_error(app):
    assert '<html lang="en">' in app.test_client().get("/?lang=xx%00").text


# sentences


def test_a_text_is_english_to_programs_and_knows_its_chinese():
    said = say("Its time is over: it was valid until {day}.", day=Text("1 May 2026", "2026年5月1日"))
    assert said == "Its time is over: it was valid until 1 May 2026."
    assert said.chinese == "有效期已过：有效至 2026年5月1日。"
    assert join(", ", ["sm2", say("root")]).chinese == "sm2、根 CA"


def test_other_rooms_sentences_are_known_by_their_shape():
    assert quoted("The tree went from 5 to 9 entries.").chinese == "树从 5 个条目变为 9 个。"
    nested = quoted("The log could not be read: https://x/: status 500, expected 200.")
    assert nested.chinese == "无法读取日志：https://x/：状态码 500，应为 200。"
    unknown = quoted("Something new happened.", "有新情况。")
    assert (unknown, unknown.chinese) == (
        "Something new happened.",
        "有新情况。原文：Something new happened.",
    )


def test_what_a_name_says_is_never_taken_for_a_message():
    hostile = "{__class__} {day}"
    assert say("Its time is over: it was valid until {day}.", day=hostile).chinese.endswith(f"{hostile}。")
    assert (
        hostile
        in quoted(
            f"{hostile} is not encrypted: anybody on the way could read and change what is sent."
        ).chinese
    )
