"""Extensions of an SCT (static-ct-api, "SCT Extension"), of which there is one: where the entry is."""

from typing import Final

from verifier.errors import MalformedInput
from verifier.transparency import wire

MAX_LEAF_INDEX: Final = 2**40 - 1

_LEAF_INDEX = 0
_LEAF_INDEX_SIZE = 5  # a uint40


def sct_extensions(leaf_index: int) -> bytes:
    """The extensions field of an SCT whose entry is at ``leaf_index``: 8 bytes."""
    index = wire.uint(leaf_index, _LEAF_INDEX_SIZE, "leaf_index")
    return wire.uint(_LEAF_INDEX, 1, "type") + wire.vector(index, wire.UINT16_MAX, "leaf_index")


def leaf_index(extensions: bytes) -> int | None:
    """The index in an extensions field; None where it is absent.

    RFC 6962 leaves the field opaque, so a log of that kind may put anything in it. ``MalformedInput`` for a
    field that is no list of extensions, repeats a type, or has an index of another size: whether that matters
    is for the caller to say.
    """
    reader = wire.Reader(extensions, "CtExtensions")
    found: dict[int, bytes] = {}
    while not reader.at_end:
        kind = reader.uint(1, "extension_type")
        if kind in found:
            raise MalformedInput(f"CtExtensions: expected each type once, type {kind} is there twice")
        found[kind] = reader.vector(wire.UINT16_MAX, "extension_data")
    if (value := found.get(_LEAF_INDEX)) is None:
        return None
    return int.from_bytes(wire.fixed(value, _LEAF_INDEX_SIZE, "CtExtensions.leaf_index"))


def named_index(extensions: bytes) -> int | None:
    """Where the log says that the entry is; None where it does not say, or not as static-ct-api has it."""
    try:
        return leaf_index(extensions)
    except MalformedInput:
        return None
