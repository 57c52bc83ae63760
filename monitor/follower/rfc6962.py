"""A reader of RFC 6962 logs (section 4)."""

from collections.abc import Callable, Sequence
from http.client import BAD_REQUEST, NOT_FOUND
from urllib.parse import quote

from monitor.errors import BadResponse, Busy, EntryCountWrong, LeftAlone, Oversized, SourceError, TimedOut
from monitor.follower.body import recorded
from monitor.follower.meter import Gets
from monitor.follower.source import Located
from verifier.errors import MalformedInput
from verifier.transparency import api
from verifier.transparency.api import RawEntry
from verifier.transparency.merkle import hash_leaf
from verifier.transparency.strict_json import encode_base64, parse_json
from verifier.transparency.tree_head import SignedTreeHead

FIRST_BATCH = 256
LARGEST_BATCH = 2048


class Rfc6962Source:
    """Speaks to ``<url>ct/v1/``. Not shared between threads: it remembers the batch size that works."""

    def __init__(self, url: str, fetcher: Gets) -> None:
        self._base = url.rstrip("/") + "/ct/v1/"
        self._fetcher = fetcher
        self.batch = FIRST_BATCH

    def tree_head(self) -> SignedTreeHead:
        """Return the answer of get-sth (section 4.3)."""
        return self._ask(api.parse_sth_response, "get-sth", api.MAX_ANSWER_SIZE)

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return the answer of get-sth-consistency (section 4.4)."""
        path = f"get-sth-consistency?first={first}&second={second}"
        return self._ask(api.parse_consistency_response, path, api.MAX_ANSWER_SIZE)

    def entries(self, start: int, end: int) -> Sequence[RawEntry]:
        """Return the answer of get-entries (section 4.6), asking for as many as the log has borne so far."""
        asked = min(end - start, self.batch)
        try:
            path = f"get-entries?start={start}&end={start + asked - 1}"
            found = self._ask(api.parse_entries_response, path, api.MAX_ENTRIES_SIZE)
        except (Oversized, TimedOut):
            if asked == 1:
                raise
            self.batch = max(1, asked // 2)
            return self.entries(start, end)
        except LeftAlone:
            raise
        except Busy:
            self.batch = max(1, asked // 2)
            raise
        if not 0 < len(found) <= asked:
            record = {"url": self._base + path, "asked": asked, "received": len(found)}
            raise EntryCountWrong(f"{self._base}{path}: {len(found)} entries, expected 1 to {asked}", record)
        self._adapt(asked, len(found))
        return found

    def at(self, index: int, size: int) -> Located:
        """Return the answer of get-entry-and-proof (section 4.8)."""
        path = f"get-entry-and-proof?leaf_index={index}&tree_size={size}"
        leaf, proof = self._ask(_entry_and_proof, path, api.MAX_ENTRIES_SIZE)
        return Located(hash_leaf(leaf), index, proof)

    def find(self, leaf_hash: bytes, near: int, size: int) -> Located | None:
        """Return the answer of get-proof-by-hash (section 4.5); ``near`` is not needed."""
        del near
        try:
            return self.prove(leaf_hash, size)
        except SourceError as error:
            if error.record.get("status") in {BAD_REQUEST, NOT_FOUND}:
                return None
            raise

    def prove(self, leaf_hash: bytes, size: int) -> Located:
        """Return the answer of get-proof-by-hash; SourceError with the record of it where it is no proof."""
        path = _proof_path(leaf_hash, size)
        found = self._ask(api.parse_proof_response, path, api.MAX_ANSWER_SIZE)
        return Located(leaf_hash, found.leaf_index, found.audit_path)

    def proof_url(self, leaf_hash: bytes, size: int) -> str:
        """Return the address at which a leaf's proof is asked for."""
        return self._base + _proof_path(leaf_hash, size)

    def roots(self) -> tuple[bytes, ...]:
        """Return the answer of get-roots (section 4.7)."""
        return self._ask(api.parse_roots_response, "get-roots", api.MAX_ENTRIES_SIZE)

    def _ask[T](self, parse: Callable[[bytes], T], path: str, limit: int) -> T:
        body = self._fetcher.get(self._base + path, limit=limit)
        try:
            return parse(body)
        except MalformedInput as error:
            record = recorded(self._base + path, body, kind=path.partition("?")[0])
            raise BadResponse(f"{self._base}{path}: {error}", record) from error

    def _adapt(self, asked: int, got: int) -> None:
        """A log that gives fewer than asked has said its limit; one that gives all may give more."""
        if got < asked:
            self.batch = max(1, got, self.batch // 2)
        elif asked == self.batch:
            self.batch = min(LARGEST_BATCH, self.batch * 2)


def _entry_and_proof(data: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    fields = parse_json(data, "get-entry-and-proof answer", maximum=api.MAX_ENTRIES_SIZE)
    return fields.base64("leaf_input"), fields.base64s("audit_path")


def _proof_path(leaf_hash: bytes, size: int) -> str:
    return f"get-proof-by-hash?hash={quote(encode_base64(leaf_hash), safe='')}&tree_size={size}"
