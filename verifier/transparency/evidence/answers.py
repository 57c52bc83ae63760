"""Answers as they were recorded: too large, too slow, leading away, or not what the protocol calls for.

No log signs its answers, so none of these convinces a third party; what can be computed again is.
"""

import zlib
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import urljoin, urlsplit

from verifier.errors import MalformedInput
from verifier.transparency import api
from verifier.transparency.checkpoint import Checkpoint
from verifier.transparency.evidence.case import Case, Result, short
from verifier.transparency.merkle import MAX_SIZE, hash_node, inclusion_spans
from verifier.transparency.tiles import TILE_HEIGHT, Tile, parse_data_tile

GZIP: Final = 31  # zlib: a gzip header, the largest window
_MOST: Final = 2**62


def oversized(case: Case) -> Result:
    """A body longer than what was asked for could be."""
    limit, got = (
        case.material.integer("limit", maximum=_MOST),
        case.material.integer("received", maximum=_MOST),
    )
    case.require(got > limit, f"{got} bytes came or were announced where {limit} are the most")
    return Result.OBSERVED


def bomb(case: Case) -> Result:
    """A small compressed body that unpacks beyond every bound, of which the beginning is recorded."""
    limit, body = case.material.integer("limit", maximum=1 << 30), case.material.base64("body")
    unpack = zlib.decompressobj(GZIP)
    try:
        unpacked = len(unpack.decompress(body, limit + 1))
    except zlib.error as error:
        raise MalformedInput(f"body: expected gzip, {error}") from None
    cut = "" if unpacked > limit else f", with more to come; the recorder stopped beyond {limit}"
    case.require(
        unpacked > limit or not unpack.eof, f"{len(body)} recorded bytes unpack to {unpacked} and more{cut}"
    )
    return Result.OBSERVED


def too_slow(case: Case) -> Result:
    """An answer that was not whole within the time allowed."""
    seconds, allowed = (case.material.integer(name, maximum=_MOST) for name in ("milliseconds", "allowed"))
    received = case.material.integer("received", maximum=_MOST)
    case.require(seconds >= allowed, f"{received} bytes came in {seconds} ms; {allowed} ms were allowed")
    return Result.OBSERVED


def dripped(case: Case) -> Result:
    """An answer of which a few bytes came, and never all."""
    case.require(case.material.integer("received", maximum=_MOST), "some bytes came")
    return too_slow(case)


def redirect_endless(case: Case) -> Result:
    """Redirects that lead to no answer."""
    hops, limit = case.material.texts("hops"), case.material.integer("limit", maximum=_MOST)
    case.require(len(hops) > limit, f"{len(hops)} redirects were followed or offered, {limit} are allowed")
    return Result.OBSERVED


def redirect_elsewhere(case: Case) -> Result:
    """A redirect to another place than the log's own address."""
    here, target = case.material.text("url"), case.material.texts("hops")[-1]
    case.require(_home(urljoin(here, target)) != _home(here), f"{here} redirects to {target}")
    return Result.OBSERVED


def malformed(case: Case) -> Result:
    """An answer that is not what the protocol calls for."""
    kind, body = case.material.text("kind"), case.material.base64("body")
    if case.material.text("truncated", optional=True):
        case.require(kind in _PARSERS, f"a recorded answer to {kind}, too long to be kept whole")
        return Result.OBSERVED
    case.require(kind in _PARSERS, f"a recorded answer to {kind} of {len(body)} bytes")
    case.require(*_refused(_PARSERS[kind], body))
    return Result.OBSERVED


def entry_count(case: Case) -> Result:
    """No entries, or more than were asked for."""
    asked, got = (case.material.integer(name, maximum=MAX_SIZE) for name in ("asked", "received"))
    case.require(not 0 < got <= asked, f"{got} entries came where 1 to {asked} were asked for")
    return Result.OBSERVED


def short_tile(case: Case) -> Result:
    """A tile of hashes with another length than its width calls for."""
    tile, body = Tile.parse_path(case.material.text("path")), case.material.base64("body")
    case.require(*_refused(tile.parse_hashes, body))
    return Result.OBSERVED


def wrong_tile(case: Case) -> Result:
    """A tile of hashes that does not lead to the signed root; the right hashes beside it do."""
    head, tile = case.head(), Tile.parse_path(case.material.text("path"))
    served, right = case.material.base64("body"), case.material.base64("hashes")
    level, path = (tile.level or 0) * TILE_HEIGHT, case.material.base64s("audit_path")
    offset = next(
        at for at in range(tile.width) if served[at * 32 : at * 32 + 32] != right[at * 32 : at * 32 + 32]
    )
    index = (tile.index << TILE_HEIGHT) + offset
    node, size = right[offset * 32 : offset * 32 + 32], head.tree_size
    case.require(
        _climb(node, level, index, size, path) == head.root_hash,
        f"node {index} of level {level} is {short(node)}: so it leads to the signed root",
    )
    case.require(
        served[offset * 32 : offset * 32 + 32] != node,
        f"{tile.path} was served with {short(served[offset * 32 : offset * 32 + 32])} in that place",
    )
    return Result.OBSERVED


def wrong_data_tile(case: Case) -> Result:
    """A tile of entries that cannot be taken apart into as many entries as it must hold."""
    tile, body = Tile.parse_path(case.material.text("path")), case.material.base64("body")
    if case.material.text("truncated", optional=True):
        return Result.OBSERVED
    case.require(*_refused(lambda data: parse_data_tile(data, tile.width), body))
    return Result.OBSERVED


def issuer_missing(case: Case) -> Result:
    """A certificate named by an entry that the log does not serve."""
    status = case.material.integer("status", maximum=_MOST)
    case.require(status != 200, f"{case.material.text('url')} answered with status {status}")  # noqa: PLR2004
    return Result.OBSERVED


def issuer_wrong(case: Case) -> Result:
    """Another certificate than the one asked for by its fingerprint."""
    wanted, body = case.material.base64("fingerprint"), case.material.base64("body")
    got = sha256(body).digest()
    case.require(got != wanted, f"asked for {short(wanted)}, served {short(got)}")
    return Result.OBSERVED


def _refused(parse: Callable[[bytes], object], body: bytes) -> tuple[bool, str]:
    try:
        parse(body)
    except MalformedInput as error:
        return True, f"the recorded answer is refused: {error}"
    return False, "the recorded answer is refused"


def _climb(node: bytes, level: int, index: int, size: int, path: tuple[bytes, ...]) -> bytes:
    """The root that a complete subtree ``level`` up leads to; its path is a leaf's, less the first levels."""
    spans = inclusion_spans(index << level, size)[level:] if index << level < size else []
    if len(spans) != len(path):
        return b""
    for span, sibling in zip(spans, path, strict=True):
        node = hash_node(sibling, node) if span.start < index << level else hash_node(node, sibling)
    return node


def _home(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


_PARSERS: Final[Mapping[str, Callable[[bytes], object]]] = {
    "get-sth": api.parse_sth_response,
    "get-sth-consistency": api.parse_consistency_response,
    "get-entries": api.parse_entries_response,
    "get-proof-by-hash": api.parse_proof_response,
    "get-roots": api.parse_roots_response,
    "checkpoint": Checkpoint.parse,
}
