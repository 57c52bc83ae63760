"""Drawings: well-formed, complete, and harmless whatever the names in them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.transparency.merkle import hash_leaf, inclusion_proof, root_of
from web.public.drawing import (
    Chain,
    ChainLink,
    Issuer,
    Point,
    draw_chains,
    draw_growth,
    draw_hierarchy,
    draw_lifetime,
    draw_mark,
    draw_proof,
    draw_state,
    draw_timeline,
)
from web.public.models.proof import walk
from web.public.state import State, worst

SVG = "{http://www.w3.org/2000/svg}"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
HOSTILE = "</text></svg><script>alert(1)</script>\x00\x07\u202e\"'&"


def read(svg: str) -> ET.Element:
    """Parse as strict XML; there must be nothing in it that runs, loads or styles."""
    root = ET.fromstring(svg)  # noqa: S314  made by the code under test
    assert root.tag == f"{SVG}svg"
    for element in root.iter():
        assert element.tag in {
            f"{SVG}{tag}" for tag in ("svg", "g", "a", "title", "text", "rect", "path", "line", "circle")
        }
        assert not [name for name in element.attrib if name == "style" or name.startswith("on")]
        assert element.get("href", "/").startswith(("/", "#"))
    return root


def boxes(root: ET.Element, class_: str) -> list[ET.Element]:
    return [element for element in root.iter() if class_ in element.get("class", "").split()]


def drawn_proof(size: int, index: int) -> tuple[ET.Element, int]:
    leaves = [hash_leaf(bytes([number])) for number in range(size)]
    proof = inclusion_proof(leaves, index)
    path = walk(index, size, leaves[index], proof, root_of(leaves))
    assert path.agrees
    return read(draw_proof(path)), len(proof)


@pytest.mark.parametrize("state", list(State))
def test_each_state_has_a_shape_of_its_own(state: State) -> None:
    assert "M5.1 1h5.8" in draw_state(State.REFUSED)  # the octagon
    assert boxes(read(draw_state(State.TRUSTED)), "sign")
    assert boxes(read(draw_state(State.UNKNOWN)), "dashes")
    others = {draw_state(other) for other in State} - {draw_state(state)}
    assert len(others) == 2
    assert read(draw_state(state)).get("aria-hidden") == "true"


def test_the_whole_is_as_bad_as_its_worst_part() -> None:
    assert worst((State.TRUSTED, State.UNKNOWN, State.REFUSED)) is State.REFUSED
    assert worst((State.TRUSTED, State.UNKNOWN)) is State.UNKNOWN
    assert worst((State.TRUSTED,)) is State.TRUSTED
    assert worst(()) is State.UNKNOWN


@pytest.mark.parametrize(("size", "index"), [(1, 0), (2, 1), (7, 6), (8, 0), (15, 9), (200, 131)])
def test_a_proof_shows_every_node_once(size: int, index: int) -> None:
    root, steps = drawn_proof(size, index)
    assert len(boxes(root, "given")) == 2 * steps  # a box and its line each
    assert len(boxes(root, "computed")) == max(steps - 1, 0)
    assert len(boxes(root, "root")) == 1
    assert not boxes(root, "wrong")


def test_a_proof_that_fails_is_drawn_as_one() -> None:
    leaves = [hash_leaf(bytes([number])) for number in range(5)]
    path = walk(2, 5, leaves[2], inclusion_proof(leaves, 2), bytes(32))
    assert boxes(read(draw_proof(path)), "wrong")
    assert "differs from the signed one" in draw_proof(path)


def test_the_hierarchy_links_every_ca() -> None:
    tree = Issuer(
        "Root",
        "root",
        "#root",
        "sm2",
        (Issuer("A", "a", "#a", children=(Issuer("C", "c", "#c"),)), Issuer("B", "b", "#b")),
    )
    root = read(draw_hierarchy(tree))
    assert [link.get("href") for link in root.iter(f"{SVG}a")] == ["#root", "#a", "#c", "#b"]
    assert len(boxes(root, "edge")) == 3


def test_two_chains_are_joined_at_their_leaves() -> None:
    links = (
        ChainLink("leaf.example", "until then", "/certificate/1"),
        ChainLink("Issuing", "ca"),
        ChainLink("Root", "root"),
    )
    pair = read(draw_chains((Chain("SM2", links, "sm2", current=True), Chain("ECDSA", links[:2], "ecc"))))
    assert len(boxes(pair, "node")) == 5
    assert len(boxes(pair, "current")) == len(boxes(pair, "pair")) == 1
    assert not boxes(read(draw_chains((Chain("SM2", links),))), "pair")


def test_a_long_name_takes_two_lines_and_loses_nothing_at_the_ends() -> None:
    link = ChainLink("Some Organisation SSL SM2 Issuing CA", "issuing CA")
    lines = boxes(read(draw_chains((Chain("SM2", (link,)),))), "name")
    assert " ".join(line.text or "" for line in lines) == "Some Organisation SSL SM2 Issuing CA"


def test_the_timeline_shows_heads_with_their_states() -> None:
    points = tuple(
        Point(NOW + timedelta(minutes=number), 10 * number, State.UNKNOWN if number == 4 else State.TRUSTED)
        for number in range(5)
    )
    root = read(draw_timeline(points, NOW + timedelta(minutes=5)))
    assert len(boxes(root, "dot")) == 5
    assert len(boxes(root, "is-not-yet-known")) == 1
    assert "40 entries" in draw_timeline(points, NOW)
    assert boxes(read(draw_growth(points, NOW)), "line")


def test_a_long_timeline_stays_readable_and_keeps_its_last_head() -> None:
    points = tuple(Point(NOW + timedelta(seconds=number), number, State.TRUSTED) for number in range(500))
    root = read(draw_timeline(points, NOW))
    assert 30 < len(boxes(root, "dot")) <= 62
    assert "499 entries" in (boxes(root, "dot")[-1].findtext(f"{SVG}title") or "")


@pytest.mark.parametrize(("days", "class_"), [(-1, "early"), (5, "lifetime"), (11, "late")])
def test_a_lifetime_says_whether_it_is_over(days: int, class_: str) -> None:
    root = read(draw_lifetime(NOW, NOW + timedelta(days=10), NOW + timedelta(days=days)))
    assert class_ in (root.get("class") or "")
    assert bool(boxes(root, "now")) is (class_ == "lifetime")


PICTURES: dict[str, Callable[[str], str]] = {
    "hierarchy": lambda name: draw_hierarchy(
        Issuer(name, name, "/" + "x", "sm2", (Issuer(name, name, "#y"),))
    ),
    "chains": lambda name: draw_chains((Chain(name, (ChainLink(name, name, "/x"),)),)),
}


@pytest.mark.parametrize("picture", PICTURES)
@given(name=st.text() | st.just(HOSTILE))
def test_no_name_can_break_a_drawing(picture: str, name: str) -> None:
    root = read(PICTURES[picture](name))
    assert not any(tag in PICTURES[picture](name) for tag in ("<script", "</svg><"))
    assert all(not set(text) & set("\x00\u202e") for text in root.itertext())


def test_the_mark_is_well_formed() -> None:
    assert read(draw_mark()).get("aria-hidden") == "true"
