"""JSON read strictly: every field has its one type, base64 its one form; a wrong one is named by its path."""

import json
import re
from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Literal, overload

from verifier.errors import MalformedInput

# RFC 3339, as log lists write it; datetime alone would take other forms of ISO 8601 too
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class JsonObject:
    """An object of a JSON text, whose fields are taken by name and type; ``path`` names it in messages.

    A field that is not taken is not looked at: log lists and log APIs gain fields, and an older reader must
    go on reading them.
    """

    __slots__ = ("_fields", "path")

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise MalformedInput(f"{path}: expected an object")
        self._fields: Mapping[str, object] = value
        self.path = path

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def names(self) -> list[str]:
        """The names of the fields that are there."""
        return list(self._fields)

    @overload
    def text(self, name: str, *, optional: Literal[False] = False) -> str: ...
    @overload
    def text(self, name: str, *, optional: bool) -> str | None: ...
    def text(self, name: str, *, optional: bool = False) -> str | None:
        """A string."""
        value = self._value(name, optional=optional)
        return None if value is None and optional else self._text(value, name)

    def integer(self, name: str, *, maximum: int) -> int:
        """An integer from 0 to ``maximum``."""
        value = self._value(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= maximum:
            raise self.error(name, f"expected an integer from 0 to {maximum}")
        return value

    def base64(self, name: str) -> bytes:
        """Bytes in standard base64 with padding."""
        value = self._fields.get(name)
        try:
            return decode_base64(value if isinstance(value, str) else "=")
        except MalformedInput:
            return self._base64(self._text(self._value(name), name), name)  # says what is wrong

    @overload
    def time(self, name: str, *, optional: Literal[False] = False) -> datetime: ...
    @overload
    def time(self, name: str, *, optional: bool) -> datetime | None: ...
    def time(self, name: str, *, optional: bool = False) -> datetime | None:
        """A moment in the form of RFC 3339, as an aware datetime in UTC."""
        if (text := self.text(name, optional=optional)) is None:
            return None
        try:
            if _TIME.fullmatch(text):
                return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # a thirteenth month, or a time before year 1 once in UTC
        raise self.error(name, "expected a time like 2026-01-31T12:00:00Z")

    def member(self, name: str) -> "JsonObject":
        """An object."""
        return JsonObject(self._value(name), f"{self.path}.{name}")

    def objects(self, name: str, *, optional: bool = False) -> Iterator["JsonObject"]:
        """An array of objects; none where it is absent and optional."""
        for position, value in enumerate(self._array(name, optional=optional)):
            yield JsonObject(value, f"{self.path}.{name}[{position}]")

    def texts(self, name: str, *, optional: bool = False) -> tuple[str, ...]:
        """An array of strings."""
        return self._items(name, self._text, optional=optional)

    def base64s(self, name: str) -> tuple[bytes, ...]:
        """An array of bytes in base64."""
        return self._items(name, lambda value, item: self._base64(self._text(value, item), item))

    def error(self, name: str, expected: str) -> MalformedInput:
        """The error for a field that is not as expected."""
        return MalformedInput(f"{self.path}.{name}: {expected}")

    def _items[T](
        self, name: str, read: Callable[[object, str], T], *, optional: bool = False
    ) -> tuple[T, ...]:
        values = enumerate(self._array(name, optional=optional))
        return tuple(read(value, f"{name}[{position}]") for position, value in values)

    def _array(self, name: str, *, optional: bool) -> list[object]:
        value = self._value(name, optional=optional)
        if value is None and optional:
            return []
        if not isinstance(value, list):
            raise self.error(name, "expected an array")
        return value

    def _value(self, name: str, *, optional: bool = False) -> object:
        if name not in self._fields and not optional:
            raise self.error(name, "expected this field, it is missing")
        return self._fields.get(name)

    def _text(self, value: object, name: str) -> str:
        if not isinstance(value, str):
            raise self.error(name, "expected a string")
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise self.error(name, "expected a string of whole characters")
        return value

    def _base64(self, text: str, name: str) -> bytes:
        try:
            return decode_base64(text)
        except MalformedInput as error:
            raise self.error(name, str(error)) from None


def parse_json(data: bytes, what: str, *, maximum: int) -> JsonObject:
    """The object that a JSON text is; ``MalformedInput`` for anything else, or beyond ``maximum`` bytes."""
    if len(data) > maximum:
        raise MalformedInput(f"{what}: expected at most {maximum} bytes, got {len(data)}")
    try:
        value: object = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except MalformedInput as error:
        raise MalformedInput(f"{what}: {error}") from None
    except ValueError as error:
        raise MalformedInput(f"{what}: expected JSON in UTF-8: {error}") from None
    except RecursionError:
        raise MalformedInput(f"{what}: expected fewer values within values") from None
    return JsonObject(value, what)


def decode_base64(text: str) -> bytes:
    """Standard base64 in its canonical form, padded, with nothing around it; ``MalformedInput``."""
    try:
        data = a2b_base64(text, strict_mode=True)
    except (Base64Error, ValueError):
        raise MalformedInput("expected base64") from None
    if text[-1:] == "=" and b2a_base64(data[-(len(data) % 3) :], newline=False) != text[-4:].encode():
        raise MalformedInput("expected base64 in its one canonical form")  # bits that count for nothing
    return data


def encode_base64(data: bytes) -> str:
    """Standard base64, padded."""
    return b64encode(data).decode()


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedInput("expected each name once in an object")
    return fields


def _no_constant(name: str) -> object:
    raise MalformedInput(f"expected JSON, which has no {name}")
