"""Base64 in its one canonical form, against the plain definition: what encodes to the very same text."""

from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.errors import MalformedInput
from verifier.transparency.strict_json import decode_base64, parse_json

ALPHABET = "AQgwBCDEZaz09+/=\n -_é"


def by_definition(text):
    """The bytes whose encoding is exactly ``text``, or None."""
    try:
        data = b64decode(text)
    except ValueError:
        return None
    return data if b64encode(data).decode() == text else None


def check(text):
    expected = by_definition(text)
    if expected is None:
        with pytest.raises(MalformedInput, match="expected base64"):
            decode_base64(text)
        with pytest.raises(MalformedInput, match=r"answer\.field: expected base64"):
            parse_json(b'{"field": ' + json_text(text) + b"}", "answer", maximum=10_000).base64("field")
    else:
        assert decode_base64(text) == expected


def json_text(text):
    return b'"' + text.replace("\n", "\\n").encode() + b'"'


@given(st.text(ALPHABET, max_size=12))
def test_any_text(text):
    check(text)


@given(st.binary(max_size=60), st.integers(0, 80), st.sampled_from(ALPHABET))
def test_one_character_changed(data, at, letter):
    text = b64encode(data).decode()
    check(text)
    at = min(at, max(0, len(text) - 1))
    check(text[:at] + letter + text[at + 1 :])


@pytest.mark.parametrize(
    "text", ["AB==", "AAB=", "AA=", "AA", "AAAA=", "AAAA==", "====", "=", "AA==AA==", "AA==\n"]
)
def test_what_is_not_canonical(text):
    assert by_definition(text) is None
    check(text)


@pytest.mark.parametrize(
    ("value", "said"), [("null", "expected a string"), ("7", "expected a string"), ("[]", "str")]
)
def test_other_types_are_named(value, said):
    with pytest.raises(MalformedInput, match=rf"answer\.field: .*{said}"):
        parse_json(f'{{"field": {value}}}'.encode(), "answer", maximum=100).base64("field")


def test_a_missing_field_is_named():
    with pytest.raises(MalformedInput, match=r"answer\.field: expected this field, it is missing"):
        parse_json(b"{}", "answer", maximum=100).base64("field")
