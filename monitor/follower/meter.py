"""Counts what a log answers and how quickly, by endpoint, while it is read."""

import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from monitor.errors import Busy, LeftAlone, SourceError

_TOO_MANY = 429
_ENDPOINT = re.compile(r"/(ct/v1/)?(?P<name>get-[a-z-]+|checkpoint|tile/data|tile|issuer)(?:[/?]|$)")


class Gets(Protocol):
    """What a source of a log needs: a bounded GET."""

    def get(self, url: str, *, limit: int = ...) -> bytes:
        """Return the body of ``url``, at most ``limit`` bytes; raises SourceError."""


@dataclass(slots=True)
class Count:
    """Answers of one endpoint: how many came and did not, and the sum of their times in milliseconds."""

    ok: int = 0
    failed: int = 0
    milliseconds: int = 0


@dataclass(slots=True)
class Meter:
    """Passes questions on and counts the answers. A 429 is the log's limit and counts as neither.

    So does a question that was not asked, because the log wants to be left alone.
    """

    fetcher: Gets
    counts: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))

    def get(self, url: str, *, limit: int = 1 << 20) -> bytes:
        """As the fetcher's."""
        began, count = time.monotonic(), self.counts[endpoint_of(url)]
        try:
            body = self.fetcher.get(url, limit=limit)
        except LeftAlone:
            raise
        except SourceError as error:
            if not (isinstance(error, Busy) and error.record.get("status") == _TOO_MANY):
                count.failed += 1
            raise
        count.ok += 1
        count.milliseconds += int((time.monotonic() - began) * 1000)
        return body


def endpoint_of(url: str) -> str:
    """Return the endpoint that a URL belongs to: ``get-entries``, ``checkpoint``, ``tile/data``."""
    found = _ENDPOINT.search(urlsplit(url).path)
    return found["name"] if found else "other"
