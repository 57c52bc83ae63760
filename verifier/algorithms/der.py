"""Strict DER (X.690) for the few structures that keys, signatures and SM2 ciphertexts are made of.

Reading is total and strict: definite minimal lengths, minimal integers, whole bytes, nothing left over.
Anything else raises ``MalformedInput`` naming the field. Certificates are not read here.
"""

from typing import Final

from verifier.errors import MalformedInput

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
SEQUENCE: Final = 0x30

_LONG_FORM = 0x80
_ONE_BYTE, _TWO_BYTES = 0x81, 0x82  # of length that follow
_MAX_LENGTH_BYTES = 4  # 4 GiB: more than any caller passes


def context(number: int) -> int:
    """The tag byte of a constructed context-specific element, ``[number]``."""
    return 0xA0 | number


def encode(tag: int, *contents: bytes) -> bytes:
    """One element: ``tag``, minimal length, the contents joined."""
    body = b"".join(contents)
    if len(body) < _LONG_FORM:
        return bytes((tag, len(body))) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8)
    return bytes((tag, _LONG_FORM | len(length))) + length + body


def encode_integer(value: int) -> bytes:
    """A non-negative INTEGER in its minimal form."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def encode_oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from its dotted form."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return encode(OBJECT_IDENTIFIER, *(_base128(arc) for arc in (first * 40 + second, *rest)))


def _base128(arc: int) -> bytes:
    groups = [arc & 0x7F]
    while arc := arc >> 7:
        groups.append(0x80 | (arc & 0x7F))
    return bytes(reversed(groups))


def locate(data: bytes, at: int, end: int, tag: int, field: str) -> tuple[int, int]:
    """Where the contents of the element at ``at`` begin and end; it must have this tag and end by ``end``.

    ``Reader`` in one step for the usual lengths, for what is read by the million.
    """
    if at + 4 <= end and data[at] == tag:
        length = data[at + 1]
        if length < _LONG_FORM:
            start, minimal = at + 2, True
        elif length == _ONE_BYTE:
            start, length = at + 3, data[at + 2]
            minimal = length >= _LONG_FORM
        else:
            minimal = length == _TWO_BYTES and data[at + 2] != 0
            start, length = at + 4, data[at + 2] << 8 | data[at + 3]
        if minimal and start + length <= end:
            return start, start + length
    return _locate_any(data[at:end], at, tag, field)


def _locate_any(data: bytes, at: int, tag: int, field: str) -> tuple[int, int]:
    """As ``locate``; raises MalformedInput in ``Reader``'s words."""
    whole, _, name = field.rpartition(".")
    reader = Reader(data, whole)
    start = reader._step(tag, name)  # noqa: SLF001 -- of this module
    return at + start, at + reader._position  # noqa: SLF001


class Reader:
    """Reads elements one after the other; ``field`` names the whole in error messages."""

    __slots__ = ("_data", "_end", "_field", "_position")

    def __init__(self, data: bytes, field: str) -> None:
        self._data = data
        self._field = field
        self._position = 0
        self._end = len(data)

    @property
    def at_end(self) -> bool:
        return self._position == self._end

    def next_is(self, tag: int) -> bool:
        """Whether another element follows and has this tag."""
        return self._position < self._end and self._data[self._position] == tag

    def finish(self) -> None:
        """Refuse what is left over."""
        if not self.at_end:
            left = self._end - self._position
            raise MalformedInput(f"{self._field}: expected nothing more, {left} bytes are left over")

    def read(self, tag: int, name: str) -> bytes:
        """The contents of the next element, which must have this tag."""
        return self._data[self._step(tag, name) : self._position]

    def whole(self, tag: int, name: str) -> bytes:
        """The next element, which must have this tag, with tag and length as they stand."""
        begin = self._position
        self._step(tag, name)
        return self._data[begin : self._position]

    def _step(self, tag: int, name: str) -> int:
        """Step over the next element; where its contents start. They end at the new position."""
        data, begin = self._data, self._position
        if begin >= self._end or data[begin] != tag:
            raise self._error(name, f"expected tag {tag:#04x}")
        if begin + 1 < self._end and (length := data[begin + 1]) < _LONG_FORM:
            start = begin + 2
        else:
            length = self._length(name)
            start = self._position
        self._position = start + length
        if self._position > self._end:
            raise self._error(name, f"expected {length} bytes, the input ends before")
        return start

    def enter(self, tag: int, name: str) -> "Reader":
        """A reader over the next element, which must have this tag."""
        return Reader(self.read(tag, name), f"{self._field}.{name}")

    def integer(self, name: str) -> int:
        """The next element, a non-negative INTEGER."""
        body = self.read(INTEGER, name)
        if not body or body[0] & 0x80:
            raise self._error(name, "expected a non-negative INTEGER")
        if len(body) > 1 and body[0] == 0 and not body[1] & 0x80:
            raise self._error(name, "expected the minimal form of an INTEGER")
        return int.from_bytes(body)

    def bit_string(self, name: str) -> bytes:
        """The next element, a BIT STRING of whole bytes."""
        body = self.read(BIT_STRING, name)
        if not body or body[0] != 0:
            raise self._error(name, "expected a BIT STRING of whole bytes")
        return body[1:]

    def _length(self, name: str) -> int:
        """Step over tag and length; the length in bytes."""
        first = self._byte(self._position + 1, name)
        self._position += 2
        if first < _LONG_FORM:
            return first
        count = first & 0x7F
        if not 0 < count <= _MAX_LENGTH_BYTES:
            raise self._error(name, "expected a definite length of at most four bytes")
        value = 0
        for _ in range(count):
            value = value << 8 | self._byte(self._position, name)
            self._position += 1
        if value < _LONG_FORM or value >> 8 * (count - 1) == 0:
            raise self._error(name, "expected the minimal form of a length")
        return value

    def _byte(self, position: int, name: str) -> int:
        if position >= self._end:
            raise self._error(name, "expected a length, the input ends before")
        return self._data[position]

    def _error(self, name: str, expected: str) -> MalformedInput:
        return MalformedInput(f"{self._field}.{name}: {expected}")
