"""Any DER as a tree of lines, for what nobody here knows how to read: bounded, and total.

Each element stands on a line of its own, two blanks deeper than what holds it. What is no strict DER
(X.690 section 10) gives no tree; its bytes are then all that can be shown.
"""

from collections.abc import Iterator
from typing import Final

from asn1crypto import core

MOST: Final = 120
"""Lines; the rest is counted."""
_DEEPEST: Final = 12
_SHOWN: Final = 48
"""Bytes of a value, or characters of a text."""
_HIGH_TAG, _LONG = 0x1F, 0x80
_CONSTRUCTED = 0x20
_CLASSES: Final = ("UNIVERSAL", "APPLICATION", "", "PRIVATE")
_NAMES: Final = {
    1: "BOOLEAN", 2: "INTEGER", 3: "BIT STRING", 4: "OCTET STRING", 5: "NULL", 6: "OBJECT IDENTIFIER",
    10: "ENUMERATED", 12: "UTF8String", 13: "RELATIVE-OID", 16: "SEQUENCE", 17: "SET", 18: "NumericString",
    19: "PrintableString", 20: "T61String", 22: "IA5String", 23: "UTCTime", 24: "GeneralizedTime",
    26: "VisibleString", 28: "UniversalString", 30: "BMPString",
}  # fmt: skip
_TEXTS: Final = {
    12: "utf-8", 18: "ascii", 19: "ascii", 20: "latin-1", 22: "ascii", 23: "ascii", 24: "ascii", 26: "ascii",
    28: "utf-32-be", 30: "utf-16-be",
}  # fmt: skip
_BOOLEAN, _INTEGER, _BIT_STRING, _OCTET_STRING, _OID, _ENUMERATED = 1, 2, 3, 4, 6, 10


class NotDer(ValueError):
    """The bytes are not DER."""


def der_tree(value: bytes) -> tuple[str, ...]:
    """Return the lines of one element and of all that it holds; nothing where the bytes are not DER."""
    try:
        found = list(_lines(value, 0))
    except NotDer:
        return ()
    if len(found) > MOST:
        return (*found[:MOST], f"… {len(found) - MOST:,}")
    return tuple(found)


def _lines(data: bytes, depth: int) -> Iterator[str]:
    at = 0
    while at < len(data):
        first, number, start, end = _element(data, at)
        yield from _one(first, number, data[start:end], depth)
        at = end


def _one(first: int, number: int, body: bytes, depth: int) -> Iterator[str]:
    blanks, kind = "  " * depth, first >> 6
    name = _NAMES.get(number, f"UNIVERSAL {number}") if not kind else f"{_CLASSES[kind]} {number}".strip()
    name = f"[{name}]" if kind else name
    if not first & _CONSTRUCTED:
        yield from _primitive(number if not kind else -1, name, body, depth)
    elif depth >= _DEEPEST:
        yield f"{blanks}{name} …"
    else:
        yield f"{blanks}{name}"
        yield from _lines(body, depth + 1)


def _primitive(number: int, name: str, body: bytes, depth: int) -> Iterator[str]:
    held = _held(number, body) if depth < _DEEPEST else b""
    blanks = "  " * depth
    if held:
        yield f"{blanks}{name}"
        yield from _lines(held, depth + 1)
    else:
        yield f"{blanks}{name} {_value(number, body)}".rstrip()


def _held(number: int, body: bytes) -> bytes:
    """Return the DER that a string of bytes holds, where it holds some and nothing else."""
    inside = body[1:] if number == _BIT_STRING and body[:1] == b"\0" else body
    if number not in {_OCTET_STRING, _BIT_STRING} or not inside or not inside[0] & _CONSTRUCTED:
        return b""
    try:
        list(_lines(inside, _DEEPEST - 2))
    except NotDer:
        return b""
    return inside


def _value(number: int, body: bytes) -> str:
    if number in _TEXTS:
        text = body.decode(_TEXTS[number], "replace")
        return f"“{text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}”"
    if number == _BOOLEAN:
        return {b"\0": "FALSE", b"\xff": "TRUE"}.get(body, body.hex())
    if number in {_INTEGER, _ENUMERATED} and 0 < len(body) <= 8:  # noqa: PLR2004  a number that people read
        return str(int.from_bytes(body, signed=True))
    if number == _OID:
        return _oid(body)
    return f"{body[:_SHOWN].hex()}{f'… ({len(body):,} bytes)' if len(body) > _SHOWN else ''}"


def _oid(body: bytes) -> str:
    if not 0 < len(body) <= _SHOWN:
        return body[:_SHOWN].hex()
    return str(core.ObjectIdentifier(contents=body).dotted)


def _element(data: bytes, at: int) -> tuple[int, int, int, int]:
    """Return the first byte, the tag's number, and where the contents start and end. Raises NotDer."""
    first, number, at = _tag(data, at)
    length = _byte(data, at)
    at += 1
    if length >= _LONG:
        count = length & ~_LONG
        length = int.from_bytes(data[at : at + count])
        if not 0 < count <= 3 or length < _LONG or length >> 8 * (count - 1) == 0:  # noqa: PLR2004  64 KiB fit
            raise NotDer
        at += count
    if at + length > len(data):
        raise NotDer
    return first, number, at, at + length


def _tag(data: bytes, at: int) -> tuple[int, int, int]:
    first = _byte(data, at)
    number, at = first & _HIGH_TAG, at + 1
    if number < _HIGH_TAG:
        return first, number, at
    number = 0
    for _ in range(4):
        byte = _byte(data, at)
        number, at = number << 7 | byte & 0x7F, at + 1
        if byte < _LONG:
            return first, number, at
    raise NotDer


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise NotDer
    return data[at]
