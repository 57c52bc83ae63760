"""The TLS presentation language (RFC 8446 section 3), as far as RFC 6962's structures need it.

Integers are big-endian; a vector carries its length in as many bytes as its largest length needs. Reading is
strict: a length out of its bounds, an end that comes early and bytes left over are ``MalformedInput``.
"""

from verifier.errors import MalformedInput

UINT8_MAX = 2**8 - 1
UINT16_MAX = 2**16 - 1
UINT24_MAX = 2**24 - 1
HASH_SIZE = 32  # bytes of SHA-256
_LENGTH_SIZES = {UINT8_MAX: 1, UINT16_MAX: 2, UINT24_MAX: 3}  # bytes of the length before a vector


class Reader:
    """Reads one structure field by field; ``what`` names the structure in error messages."""

    __slots__ = ("_data", "_position", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._position = 0
        self._what = what

    @property
    def at_end(self) -> bool:
        return self._position == len(self._data)

    @property
    def position(self) -> int:
        """How many bytes have been read."""
        return self._position

    def fixed(self, size: int, field: str) -> bytes:
        """The next ``size`` bytes."""
        end = self._position + size
        if end > len(self._data):
            left = len(self._data) - self._position
            raise MalformedInput(f"{self._what}.{field}: expected {size} bytes, {left} are left")
        value = self._data[self._position : end]
        self._position = end
        return value

    def uint(self, size: int, field: str) -> int:
        """The next ``size`` bytes as an unsigned integer."""
        return int.from_bytes(self.fixed(size, field))

    def vector(self, maximum: int, field: str, *, minimum: int = 0) -> bytes:
        """A vector ``opaque field<minimum..maximum>``."""
        data, size = self._data, _LENGTH_SIZES.get(maximum) or _length_size(maximum)
        start = self._position + size
        length = int.from_bytes(data[self._position : start])
        end = start + length
        if end <= len(data) and minimum <= length <= maximum:  # the usual case, by the million
            self._position = end
            return data[start:end]
        length = self.uint(size, field)
        if not minimum <= length <= maximum:
            raise MalformedInput(f"{self._what}.{field}: expected {minimum} to {maximum} bytes, got {length}")
        return self.fixed(length, field)

    def vectors(self, maximum: int, field: str, *, item_maximum: int, minimum: int = 0) -> tuple[bytes, ...]:
        """A vector of vectors ``opaque X<1..item_maximum>; X field<minimum..maximum>``."""
        inner = Reader(self.vector(maximum, field, minimum=minimum), f"{self._what}.{field}")
        items: list[bytes] = []
        while not inner.at_end:
            items.append(inner.vector(item_maximum, str(len(items)), minimum=1))
        return tuple(items)

    def finish(self) -> None:
        """Refuse bytes that no field accounts for."""
        if not self.at_end:
            left = len(self._data) - self._position
            raise MalformedInput(f"{self._what}: expected nothing more, {left} bytes are left over")


def uint(value: int, size: int, field: str) -> bytes:
    """``value`` in ``size`` bytes; ``MalformedInput`` where it does not fit."""
    if not 0 <= value < 1 << 8 * size:
        raise MalformedInput(f"{field}: expected an unsigned integer of {size} bytes, got {value}")
    return value.to_bytes(size)


def vector(value: bytes, maximum: int, field: str, *, minimum: int = 0) -> bytes:
    """``value`` behind its length; ``MalformedInput`` where its length is out of bounds."""
    if not minimum <= len(value) <= maximum:
        raise MalformedInput(f"{field}: expected {minimum} to {maximum} bytes, got {len(value)}")
    return len(value).to_bytes(_length_size(maximum)) + value


def fixed(value: bytes, size: int, field: str) -> bytes:
    """``value`` itself; ``MalformedInput`` where it has not the size it must have."""
    if len(value) != size:
        raise MalformedInput(f"{field}: expected {size} bytes, got {len(value)}")
    return value


def _length_size(maximum: int) -> int:
    return (maximum.bit_length() + 7) // 8
