"""The state from which a tree's root follows and its growth goes on, without its leaves."""

from collections.abc import Iterable, Sequence
from itertools import batched

from verifier.errors import MalformedInput
from verifier.transparency import wire
from verifier.transparency.merkle.hashing import EMPTY_ROOT, MAX_SIZE, SUBTREE, hash_node, parents_of


class CompactRange:
    """The roots of the complete subtrees that a tree of ``size`` leaves consists of, largest first.

    There are as many as ``size`` has one bits, at most 63, so that any tree is held in 2 KB. It is the one
    mutable value of this package: a follower appends, and keeps ``encode()`` beside its position.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if not 0 <= size <= MAX_SIZE:
            raise MalformedInput(f"compact range.size: expected 0 to {MAX_SIZE}, got {size}")
        if len(peaks) != size.bit_count():
            raise MalformedInput(f"compact range: expected {size.bit_count()} hashes, got {len(peaks)}")
        self._size = size
        self._peaks = [wire.fixed(peak, wire.HASH_SIZE, "compact range.hash") for peak in peaks]

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The roots of the complete subtrees, largest first."""
        return tuple(self._peaks)

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf."""
        self._push(wire.fixed(leaf_hash, wire.HASH_SIZE, "leaf hash"), 1)

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add leaves in order; none is added where one has not 32 bytes."""
        size, peaks = self._size, self._peaks
        for some in batched(leaf_hashes, SUBTREE):
            size, peaks = _grown(size, peaks, some)
        self._size, self._peaks = size, peaks

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = hash_node(peak, root)
        return root

    def copy(self) -> "CompactRange":
        """A second range that grows on its own."""
        return CompactRange(self._size, self._peaks)

    def encode(self) -> bytes:
        """The size in 8 bytes, then the hashes; ``parse`` reads it."""
        return self._size.to_bytes(8) + b"".join(self._peaks)

    @classmethod
    def parse(cls, data: bytes) -> "CompactRange":
        """The range that ``encode`` wrote; ``MalformedInput`` for anything else."""
        reader = wire.Reader(data, "compact range")
        size = reader.uint(8, "size")
        peaks = [reader.fixed(wire.HASH_SIZE, "hash") for _ in range(size.bit_count())]
        reader.finish()
        return cls(size, peaks)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CompactRange):
            return NotImplemented
        return (self._size, self._peaks) == (other._size, other._peaks)

    __hash__ = None  # type: ignore[assignment]  # mutable: object's own hash must not apply

    def __repr__(self) -> str:
        return f"CompactRange(size={self._size}, root={self.root().hex()})"

    def _push(self, peak: bytes, width: int) -> None:
        """Add a complete subtree of ``width`` leaves and join it with those of its own size before it."""
        _check_room(self._size, width)
        joined = width
        while self._size & joined:
            peak = hash_node(self._peaks.pop(), peak)
            joined <<= 1
        self._peaks.append(peak)
        self._size += width


def _grown(size: int, waiting: Sequence[bytes], row: Sequence[bytes]) -> tuple[int, list[bytes]]:
    """The size and the peaks of a tree after the leaves ``row``, added level by level: on each, the new nodes
    are joined with the peak that waits there, if one does, and the odd last one waits in its turn.
    """
    for leaf_hash in row:
        if len(leaf_hash) != wire.HASH_SIZE:
            raise MalformedInput(f"leaf hash: expected {wire.HASH_SIZE} bytes, got {len(leaf_hash)}")
    _check_room(size, len(row))
    peaks = dict(zip(_levels(size), waiting, strict=True))
    end, position, level = size + len(row), size, 0
    while row:
        if position & 1:
            row = [peaks.pop(level), *row]
        if len(row) & 1:
            peaks[level] = row[-1]
        row = parents_of(row)
        position, level = position >> 1, level + 1
    return end, [peaks[level] for level in _levels(end)]


def _check_room(size: int, width: int) -> None:
    if size + width > MAX_SIZE:
        raise MalformedInput(f"compact range.size: expected at most {MAX_SIZE} leaves")


def _levels(size: int) -> list[int]:
    """The levels of the complete subtrees that a tree of ``size`` leaves consists of, largest first."""
    return [level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1]
