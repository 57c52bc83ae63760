"""Entries that seem to name another place than their own (static-ct-api, SCT Extension)."""

from typing import Final

from verifier.transparency.api import RawEntry

_FIELD: Final = b"\x00\x08\x00\x00\x05"  # eight bytes of extensions: leaf_index, five bytes
_LENGTH: Final = 10


def misplaced(index: int, entry: RawEntry) -> bool:
    """Tell whether the last bytes of a leaf look like another index; whoever accuses reads the whole leaf."""
    tail = entry.leaf_input[-_LENGTH:]
    return tail.startswith(_FIELD) and int.from_bytes(tail[len(_FIELD) :]) != index
