"""A reader of RFC 6962 logs (section 4)."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from monitor.errors import BadResponse, Busy, Oversized, TimedOut
from monitor.follower.fetch import Fetcher
from monitor.follower.source import RawEntry
from verifier.errors import MalformedInput
from verifier.transparency.tree_head import SignedTreeHead

ENTRIES_BODY = 48 * 1024 * 1024
FIRST_BATCH = 256
LARGEST_BATCH = 2048
HASH = 32
MAX_PROOF = 64


class Rfc6962Source:
    """Speaks to ``<url>ct/v1/``. Not shared between threads: it remembers the batch size that works."""

    def __init__(self, url: str, fetcher: Fetcher) -> None:
        self._base = url.rstrip("/") + "/ct/v1/"
        self._fetcher = fetcher
        self.batch = FIRST_BATCH

    def tree_head(self) -> SignedTreeHead:
        """Return the answer of get-sth (section 4.3)."""
        answer = self._fetcher.get_json(self._base + "get-sth")
        try:
            return SignedTreeHead(
                tree_size=_integer(answer, "tree_size"),
                timestamp=_integer(answer, "timestamp"),
                root_hash=_hash(answer.get("sha256_root_hash"), "sha256_root_hash"),
                signature=_bytes(answer.get("tree_head_signature"), "tree_head_signature"),
            )
        except MalformedInput as error:
            raise BadResponse(f"get-sth: {error}") from error

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return the answer of get-sth-consistency (section 4.4)."""
        answer = self._fetcher.get_json(f"{self._base}get-sth-consistency?first={first}&second={second}")
        nodes = answer.get("consistency")
        if not isinstance(nodes, list) or len(nodes) > MAX_PROOF * 2:
            raise BadResponse("get-sth-consistency: expected a list 'consistency' of hashes")
        return tuple(_hash(node, "consistency") for node in nodes)

    def entries(self, start: int, end: int) -> Sequence[RawEntry]:
        """Return the answer of get-entries (section 4.6), asking for as many as the log has borne so far."""
        asked = min(end - start, self.batch)
        try:
            answer = self._fetcher.get_json(
                f"{self._base}get-entries?start={start}&end={start + asked - 1}", limit=ENTRIES_BODY
            )
        except (Oversized, TimedOut):
            if asked == 1:
                raise
            self.batch = max(1, asked // 2)
            return self.entries(start, end)
        except Busy:
            self.batch = max(1, asked // 2)
            raise
        found = _entries(answer, asked)
        self._adapt(asked, len(found))
        return found

    def _adapt(self, asked: int, got: int) -> None:
        """A log that gives fewer than asked has said its limit; one that gives all may give more."""
        if got < asked:
            self.batch = max(got, self.batch // 2)
        elif asked == self.batch:
            self.batch = min(LARGEST_BATCH, self.batch * 2)


def _entries(answer: dict[str, Any], asked: int) -> list[RawEntry]:
    entries = answer.get("entries")
    if not isinstance(entries, list) or not entries:
        raise BadResponse("get-entries: expected a list 'entries' with at least one entry")
    if len(entries) > asked:
        raise BadResponse(f"get-entries: {len(entries)} entries for the {asked} asked for")
    return [_entry(entry) for entry in entries]


def _entry(entry: Any) -> RawEntry:
    if not isinstance(entry, dict):
        raise BadResponse("get-entries: expected objects in 'entries'")
    return RawEntry(
        _bytes(entry.get("leaf_input"), "leaf_input"), _bytes(entry.get("extra_data"), "extra_data")
    )


def _integer(answer: dict[str, Any], field: str) -> int:
    value = answer.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadResponse(f"'{field}': expected a number, got {str(value)[:40]!r}")
    return value


def _bytes(value: Any, field: str) -> bytes:
    if not isinstance(value, str):
        raise BadResponse(f"'{field}': expected base64 text")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadResponse(f"'{field}': not base64: {error}") from error


def _hash(value: Any, field: str) -> bytes:
    digest = _bytes(value, field)
    if len(digest) != HASH:
        raise BadResponse(f"'{field}': {len(digest)} bytes, expected {HASH}")
    return digest
