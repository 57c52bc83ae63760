"""Object identifiers in dots: the one thing the strict DER reader leaves to its callers."""

from functools import lru_cache

from verifier.algorithms import der as asn1
from verifier.errors import MalformedInput

_CONTINUES = 0x80
_REMEMBERED = 512  # certificates use some dozens


@lru_cache(_REMEMBERED)
def dotted(oid: bytes) -> str:
    """An encoded OBJECT IDENTIFIER in dots. Raises MalformedInput for arcs not minimal or cut short."""
    body = asn1.Reader(oid, "OID").read(asn1.OBJECT_IDENTIFIER, "OBJECT IDENTIFIER")
    arcs, value, fresh = list[int](), 0, True
    for byte in body:
        if fresh and byte == _CONTINUES:
            raise MalformedInput("OID: expected arcs in their minimal form")
        value, fresh = value << 7 | byte & 0x7F, not byte & _CONTINUES
        if fresh:
            arcs.append(value)
            value = 0
    if not arcs or not fresh:
        raise MalformedInput("OID: expected at least one whole arc")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - first * 40, *arcs[1:])))
