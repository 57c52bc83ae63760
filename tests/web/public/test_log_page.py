"""A log's page: its heads over time, who saw them, what stands between them, who cosigned, and who it is."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from web.public import create_app
from web.public.drawing.lanes import HeadLane, HeadMark, draw_lanes
from web.public.language import Text
from web.public.state import State

from .cosigned import head_of, keep_witnesses, show_heads

SVG = "{http://www.w3.org/2000/svg}"
ADDRESS = "/log/sm2/"


@pytest.fixture(scope="module")
def watched(world, tmp_path_factory):
    """The site over a monitor that knows of others' heads and of witnesses."""
    data = tmp_path_factory.mktemp("cosigned")
    shutil.copytree(world.data / "ca", data / "ca")
    with world.copied(data) as monitor:
        show_heads(world, monitor)
        keep_witnesses(world, monitor)
    return create_app(world.settings(data=data)).test_client()


def facts(client):
    return client.get(f"{ADDRESS}?output=json").json


def lanes(page):
    """The picture's lanes: by name, how many marks and links of each state."""
    found = re.search(r'<svg [^>]*class="drawing lanes".*?</svg>\s*<ul', page, re.DOTALL)
    picture = ET.fromstring(found[0].removesuffix("<ul").strip())  # noqa: S314  ours
    return picture, [text.text for text in picture.iter(f"{SVG}text") if text.get("class") == "caption name"]


def test_every_pair_of_own_heads_was_proven(watched):
    found = facts(watched)
    sizes = [(pair["first_tree_size"], pair["second_tree_size"]) for pair in found["consistency"]]
    kept = [head["tree_size"] for head in found["heads"]]
    assert sizes == list(zip(kept[1:], kept[:-1], strict=True))
    assert {(pair["state"], pair["how"]) for pair in found["consistency"]} == {("trusted", "rebuilt")}


def test_heads_of_others_are_told_with_what_is_known_of_them(watched):
    seen = {(one["observer"], one["compared"]): one["state"] for one in facts(watched)["seen_by_others"]}
    assert seen == {
        ("witness witness.example/w1", "agrees"): "trusted",
        ("a client's proxy", "agrees"): "trusted",
        ("another vantage, lisbon.example", "open"): "not-yet-known",
        ("a client's proxy", "forged"): "not-yet-known",
    }
    page = watched.get(ADDRESS).text
    assert "secret" not in page
    assert "The log did not sign it, so it says nothing about the log." in page


def test_each_observer_has_a_lane(watched):
    picture, names = lanes(watched.get(ADDRESS).text)
    assert names == [
        "this auditor", "a client's proxy", "another vantage, lisbon.example", "witness witness.example/w1",
    ]  # fmt: skip
    links = [line.get("class") for line in picture.iter(f"{SVG}line") if "link" in line.get("class")]
    assert set(links) == {"link is-trusted"}
    assert "this auditor, 6 tree heads" in picture.get("aria-label")


def test_each_witness_is_listed_with_its_last_cosignature(watched, world):
    size = len(world.logs.logs["sm2"].entries)
    found = facts(watched)["witnessing"]
    assert (found["state"], found["required"]) == ("trusted", 1)
    assert [(one["name"], one["tree_size"], one["state"]) for one in found["witnesses"]] == [
        ("witness.example/w1", size, "trusted"),
        ("other.example/w2", size - 9, "not-yet-known"),
        ("third.example/w", None, "not-yet-known"),
    ]
    assert found["witnesses"][0]["cosigned_at"].endswith("Z")
    page = watched.get(ADDRESS).text
    assert "status 404, expected 200" in page
    assert "1 of 3 witnesses cosigned the whole tree that is due; the audit asks for 1." in page


def test_without_witnesses_it_says_so(client):
    assert facts(client)["witnessing"]["sentence"] == "No witness is configured for this log."
    assert "No witness is configured for this log." in client.get(ADDRESS).text


def test_who_the_log_is(watched, world):
    found = facts(watched)
    log = world.logs.logs["sm2"]
    assert found["accepted_roots"] == len(log.accepted) > 0
    assert found["shard"] is None
    assert found["maximum_merge_delay"] == 60
    assert found["log_id"] == log.key.public_key.key_id.hex()
    assert {one["endpoint"] for one in found["availability"]} >= {"get-sth", "get-entries", "get-roots"}
    page = watched.get(ADDRESS).text
    for word in (
        "Accepted roots",
        "certificates of any expiry date",
        "at most 1 minute",
        "get-sth-consistency",
    ):
        assert word in page


def test_a_conflict_is_a_pair_that_failed_and_leads_to_its_evidence(world, tmp_path):
    log, size = world.logs.logs["sm2"], len(world.logs.logs["sm2"].entries)
    with world.copied(tmp_path) as monitor:
        row = monitor.auditing._logs.get("sm2").id
        other = head_of(log, size - 2, 3, bytes(range(32)))
        monitor.observations.add_head(row, other, "the witness witness.example/w1", datetime.now(UTC))
        monitor.audit_now(["sm2"])
    client = create_app(world.settings(data=tmp_path)).test_client()
    pair = facts(client)["consistency"][0]
    assert (pair["state"], pair["how"], pair["observer"]) == (
        "refused",
        "split-view",
        "witness witness.example/w1",
    )
    assert {pair["first_tree_size"], pair["second_tree_size"]} == {size - 2, size}
    page = client.get(ADDRESS).text
    picture, names = lanes(page)
    assert names == ["this auditor", "witness witness.example/w1", "failed: split-view"]
    assert any(line.get("class") == "link is-refused" for line in picture.iter(f"{SVG}line"))
    assert f'href="/evidence/{pair["alert"]}.json"' in page
    assert client.get(f"/evidence/{pair['alert']}.json").json["standing"] == "proof"


def test_many_heads_stay_apart_and_none_that_failed_is_left_out():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    states = [State.REFUSED if number == 777 else State.TRUSTED for number in range(2000)]
    words = Text("one", "一")
    marks = tuple(HeadMark(start + timedelta(seconds=at), state, words) for at, state in enumerate(states))
    links = (State.TRUSTED,) * 1500 + (State.UNKNOWN,) + (State.TRUSTED,) * 498
    drawn = draw_lanes([HeadLane(words, words, marks, links)], start, marks[-1].time)
    picture = ET.fromstring(drawn)  # noqa: S314  ours
    shown = [part for part in picture.iter(f"{SVG}svg") if "symbol" in (part.get("class") or "")]
    assert len(shown) < 40
    assert sum("is-refused" in part.get("class") for part in shown) == 1
    classes = [line.get("class") for line in picture.iter(f"{SVG}line")]
    assert classes.count("link is-not-yet-known") == 1
