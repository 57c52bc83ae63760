"""A reader of RFC 6962 logs (section 4)."""

from collections.abc import Callable, Sequence

from monitor.errors import BadResponse, Busy, Oversized, TimedOut
from monitor.follower.fetch import Fetcher
from verifier.errors import MalformedInput
from verifier.transparency import api
from verifier.transparency.api import RawEntry
from verifier.transparency.tree_head import SignedTreeHead

FIRST_BATCH = 256
LARGEST_BATCH = 2048


class Rfc6962Source:
    """Speaks to ``<url>ct/v1/``. Not shared between threads: it remembers the batch size that works."""

    def __init__(self, url: str, fetcher: Fetcher) -> None:
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
        except Busy:
            self.batch = max(1, asked // 2)
            raise
        self._adapt(asked, len(found))
        return found

    def _ask[T](self, parse: Callable[[bytes], T], path: str, limit: int) -> T:
        body = self._fetcher.get(self._base + path, limit=limit)
        try:
            return parse(body)
        except MalformedInput as error:
            raise BadResponse(f"{self._base}{path}: {error}") from error

    def _adapt(self, asked: int, got: int) -> None:
        """A log that gives fewer than asked has said its limit; one that gives all may give more."""
        if got < asked:
            self.batch = max(1, got, self.batch // 2)
        elif asked == self.batch:
            self.batch = min(LARGEST_BATCH, self.batch * 2)
