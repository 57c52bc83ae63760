"""/watch: who may see it, what it shows, its feed; in both languages."""

import html
import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from web.public import create_app

from .conftest import DOMAIN
from .test_language import CHINESE, english_left

ATOM = "{http://www.w3.org/2005/Atom}"
LOCAL = "http://127.0.0.1:8440"
ADDRESSES = ("/watch", "/watch/1", "/watch.atom")


def watched(world, folder, text):
    """Make the site over a monitor that watches what ``text`` says; certificates of the pair are our own."""
    watch(world, folder, text)
    return create_app(world.settings(data=folder))


def watch(world, folder, text):
    """Bring a monitor that watches what ``text`` says to ``folder``."""
    (folder / "watchlist.toml").write_text(text)
    ours = world.pair.sm2.certificate.serial
    with world.copied(folder) as monitor:
        runner = monitor.watching.runner(
            folder / "watchlist.toml", is_ours=lambda serial, _tbs: serial == ours
        )
        while runner.look(datetime.now(UTC)):
            pass


@pytest.fixture(scope="module")
def private(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("private")
    return watched(world, folder, f'names = [".{DOMAIN}", "plain.hostile.test"]\n')


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_visitor_of_this_machine_sees_it(private, path):
    response = private.test_client().get(path, base_url="http://127.0.0.1:8440")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize(
    ("address", "headers", "host"),
    [
        ("192.0.2.7", {}, "127.0.0.1:8440"),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, "localhost"),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, "localhost"),
        ("127.0.0.1", {"Via": "1.1 proxy"}, "localhost"),
        ("127.0.0.1", {}, "rebound.example"),
        ("127.0.0.1", {}, "127.0.0.1.rebound.example"),
    ],
)
def test_to_everybody_else_it_does_not_exist(private, path, address, headers, host):
    client = private.test_client()
    base = {"base_url": f"http://{host}", "environ_base": {"REMOTE_ADDR": address}, "headers": headers}
    response = client.get(path, **base)
    assert response.status_code == 404
    assert "There is no page at this address" in response.text
    assert 'href="/watch"' not in client.get("/", **base).text


def test_a_public_watchlist_is_for_everybody(world, tmp_path):
    app = watched(world, tmp_path, f'public = true\nnames = [".{DOMAIN}"]\n')
    response = app.test_client().get("/watch", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert response.status_code == 200


def test_it_tells_what_waits_for_a_person_and_how_to_settle_it(private):
    client = private.test_client()
    facts = client.get("/watch?output=json").json
    assert facts["state"] == "refused"
    assert facts["open"] > 0
    assert {"working", "working_since", "watches", "channels", "notices"} <= set(facts)
    page = client.get("/watch").text
    assert "mingjing watch acknowledge" in page
    assert "have its issuer revoke it" in page
    assert 'href="/watch"' in client.get("/").text
    assert client.get("/watch/999").status_code == 404


def test_what_waits_for_a_person_comes_first_and_once(troubled):
    client = troubled.test_client()
    page = client.get("/watch", base_url=LOCAL).text
    waiting, others = page.split('id="notices"')
    numbers = [int(number) for number in re.findall(r'id="notice-(\d+)"', page)]
    assert sorted(numbers) == sorted(set(numbers))
    notices = {
        notice["notice"]: notice
        for notice in client.get("/watch?output=json", base_url=LOCAL).json["notices"]
    }
    first = [int(number) for number in re.findall(r'id="notice-(\d+)"', waiting)]
    assert first
    assert all(notices[number]["open"] for number in first)
    assert waiting.count("mingjing watch acknowledge") == 2 * len(first)  # to be read, and to be copied
    assert not any(notices[int(number)]["open"] for number in re.findall(r'id="notice-(\d+)"', others))
    assert "ordered by the shop, ticket 4711" in others
    only = client.get("/watch?open=1", base_url=LOCAL).text
    assert [int(number) for number in re.findall(r'id="notice-(\d+)"', only)] == first


def test_it_tells_who_was_told_and_what_a_person_can_do(troubled):
    page = troubled.test_client().get("/watch", base_url=LOCAL).text
    assert re.search(r"mail was told|mail waits to be told", page)
    assert "pager waits to be told" in page
    for command in ("test", 'acknowledge ID --note "…"', "authorise ID", "retry ID"):
        assert html.escape(f"mingjing watch {command}", quote=True).replace("&quot;", "&#34;") in page


def test_older_notices_are_one_link_away(private, monkeypatch):
    monkeypatch.setattr("web.public.views.watch._NOTICES", 3)
    client, seen, before = private.test_client(), [], None
    while True:
        told = client.get("/watch", query_string={"output": "json", "before": before}, base_url=LOCAL).json
        seen += [notice["notice"] for notice in told["notices"]]
        before = told["before"]
        if before is None:
            break
    assert len(seen) > 6
    assert seen == sorted(set(seen), reverse=True)
    assert f"before={seen[2]}" in client.get("/watch", base_url=LOCAL).text


def test_each_notice_keeps_its_id_in_the_feed(private):
    client = private.test_client()
    feed = ET.fromstring(client.get("/watch.atom").data)  # noqa: S314  made by the code under test
    ids = [entry.findtext(f"{ATOM}id") for entry in feed.findall(f"{ATOM}entry")]
    assert ids
    assert ids == [notice["id"] for notice in client.get("/watch?output=json").json["notices"]][: len(ids)]


def test_it_is_chinese_too(private):
    for path in ("/watch", "/watch?open=1", "/watch/1"):
        assert english_left(private.test_client().get(path, headers=CHINESE).text) == [], path


def test_without_a_watchlist_it_says_so(world, tmp_path):
    client = create_app(world.settings(data=tmp_path)).test_client()
    assert "Nothing is watched yet" in client.get("/watch").text
    assert 'href="/watch"' not in client.get("/").text
