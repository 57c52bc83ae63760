"""Values as words, and names that try to be unseen."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.public.text import ago, iso, plural, sentence, shorten, span, unicode_name, visible

NOW = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("good.example", "good.example"),
        ("明镜.example", "明镜.example"),
        ("מראה.example", "מראה.example"),
        ("a\u202egnp.exe", "a‹U+202E›gnp.exe"),
        ("zero\u200bwidth", "zero‹U+200B›width"),
        ("bell\x07 null\x00", "bell‹U+0007› null‹U+0000›"),
        ("line\nbreak", "line‹U+000A›break"),
        ("filler\u3164", "filler‹U+3164›"),
        ("\ud800", "‹U+D800›"),
    ],
)
def test_what_cannot_be_seen_is_named(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_shown_text_is_printable_and_fits_into_xml(text: str) -> None:
    shown = visible(text)
    assert shown == "" or shown.isprintable() or " " in shown or any(c.isspace() for c in shown)
    assert not any(ord(c) < 0x20 or 0xD800 <= ord(c) < 0xE000 or 0x202A <= ord(c) <= 0x202E for c in shown)


@given(st.text(max_size=200), st.integers(5, 100))
def test_shortened_text_keeps_its_ends(text: str, keep: int) -> None:
    short = shorten(text, keep)
    assert len(short) <= max(keep, 1)
    assert short == text or (short[0] == text[0] and short[-1] == text[-1] and "…" in short)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (1, "1 second ago"),
        (59, "59 seconds ago"),
        (60, "1 minute ago"),
        (7300, "2 hours ago"),
        (-7300, "in 2 hours"),
        (86400 * 3, "3 days ago"),
        (86400 * 365, "11 months ago"),
        (86400 * 800, "2 years ago"),
    ],
)
def test_times_are_told_from_now(seconds: int, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


def test_times_for_programs_are_rfc_3339_in_utc() -> None:
    assert iso(NOW) == "2026-11-24T06:30:00Z"
    assert iso(NOW + timedelta(milliseconds=5)) == "2026-11-24T06:30:00.005Z"


def test_small_words() -> None:
    assert plural(1, "entry", "entries") == "1 entry"
    assert plural(1204, "entry", "entries") == "1,204 entries"
    assert span(timedelta(days=90)) == "90 days"
    assert sentence("could not be read: why") == "Could not be read: why."
    assert unicode_name("xn--fiq228c.example") == "中文.example"
    assert (
        unicode_name("plain.example")
        == unicode_name("xn--\udc80.example")
        == unicode_name("xn--a-ecp.ru\xff")
        == ""
    )
