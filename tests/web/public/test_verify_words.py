"""What the checker says of what it refuses: every reason in both languages, and shown with its step."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import web.public
from web.public.checker import SCRIPTS

from .checking import check, encoded, flip, proof_of

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.xdist_group("public-site-browser")]
STATIC = Path(web.public.__file__).parent / "static"
SOURCES = "\n".join((STATIC / name).read_text("utf-8") for name in SCRIPTS if "crypto" not in name)
HAN = re.compile(r"[\u4e00-\u9fff]")


def test_both_languages_have_every_word(saved: Page):
    shape = """Object.values(Mingjing.words).map((words) =>
        [words, words.reasons, words.things].map((part) => Object.keys(part).sort()))"""
    english, chinese = saved.evaluate(shape)
    assert english == chinese


def test_every_reason_that_can_be_thrown_has_its_words_and_no_other(saved: Page):
    thrown = set(re.findall(r'new Wrong\("([a-z0-9-]+)"', SOURCES))
    assert len(thrown) > 25
    known = saved.evaluate("Object.keys(Mingjing.words.en.reasons)")
    assert set(known) == thrown | {"unreadable"}
    assert SOURCES.count("new Wrong(") == len(re.findall(r'new Wrong\("[a-z0-9-]+"', SOURCES))


def test_every_step_has_its_words(saved: Page):
    said = set(re.findall(r'(?:passed|failed|noted)\("([a-z-]+)"', SOURCES))
    steps = re.search(r"const run of \[([a-z, ]+)\]", SOURCES)
    assert steps is not None
    said |= {f"{step}-unreadable" for step in steps[1].split(", ")}
    known = set(saved.evaluate("Object.keys(Mingjing.words.en)"))
    assert said - known == set()


BROKEN = {
    "no-json": lambda _: "{",
    "no-format": lambda p: p | {"format": "x"},
    "base64-broken": lambda p: p | {"leaf_input": "*"},
    "base64-expected": lambda p: p | {"leaf_input": 5},
    "base64-form": lambda p: p | {"leaf_input": p["leaf_input"] + "\n"},
    "version": lambda p: p | {"leaf_input": flip(p["leaf_input"], 0)},
    "entry-type": lambda p: p | {"leaf_input": flip(p["leaf_input"], 10)},
    "ends-early": lambda p: p | {"leaf_input": "AAAA"},
    "whole-number": lambda p: p | {"leaf_index": -1},
    "der-tag": lambda p: p | {"certificate": "AAAA"},
    "der-length": lambda p: p | {"certificate": "MIAAAA=="},
    "path-nodes": lambda p: p | {"audit_path": None},
    "node-size": lambda p: p | {"audit_path": ["AAAA"]},
    "short": lambda p: p | {"audit_path": []},
    "long": lambda p: p | {"audit_path": [*p["audit_path"], p["audit_path"][0]]},
    "no-object": lambda p: p | {"tree_head": 1},
    "signature-kind": lambda p: p | {"tree_head": p["tree_head"] | {"tree_head_signature": "BAEAAA=="}},
    "der-number": lambda p: p
    | {"tree_head": p["tree_head"] | {"tree_head_signature": encoded(b"\4\3\0\x08\x30\6\2\1\x80\2\1\1")}},
    "signature-order": lambda p: p
    | {"tree_head": p["tree_head"] | {"tree_head_signature": encoded(b"\4\3\0\x08\x30\6\2\1\0\2\1\1")}},
}  # fmt: skip


@pytest.mark.parametrize("reason", BROKEN)
def test_a_reason_is_told_in_chinese_as_in_english(saved: Page, client, world, reason):
    result = check(saved, BROKEN[reason](proof_of(client, world, "p256")))
    last = result["steps"][-1]
    assert (last["state"], last["facts"]["reason"]["code"]) == ("refused", reason)
    say = "([reason]) => Object.values(Mingjing.words).map((words) => Mingjing.phrase(words, reason))"
    english, chinese = saved.evaluate(say, [last["facts"]["reason"]])
    assert HAN.search(chinese)
    assert not HAN.search(english)
    assert "undefined" not in english + chinese
    words = re.findall(r"[A-Za-z]{3,}", chinese)
    assert set(words) <= {"JSON", "base", "DER", "RFC", "mingjing", "proof", "get", "sth", "ECDSA", "SHA",
                          "leaf", "input", "index", "audit", "path"}  # fmt: skip


def test_the_page_shows_the_reason_in_the_language_that_was_chosen(saved: Page, client, world):
    saved.reload()
    broken = BROKEN["version"](proof_of(client, world, "sm2"))
    saved.get_by_label("Or paste its text").fill(json.dumps(broken))
    saved.get_by_role("button", name="Check", exact=True).click()
    refused = saved.locator("#result li[data-state=refused]")
    expect(refused).to_contain_text("The entry cannot be read: the entry: not of RFC 6962's version 1.")
    saved.get_by_role("button", name="简体中文").click()
    expect(refused).to_contain_text("无法读取条目：条目：不是 RFC 6962 的第 1 版。")


def test_a_file_larger_than_any_proof_is_said_to_be_so(saved: Page):
    saved.reload()
    huge = {"name": "huge.json", "mimeType": "application/json", "buffer": b" " * (2**21 + 1)}
    saved.locator("#proof-file").set_input_files(huge)
    expect(saved.locator("#result li")).to_contain_text("larger than any proof")
