"""Counts what a log answers and how quickly, by endpoint, while it is read."""

import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

from monitor.errors import Busy, LeftAlone, SourceError

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
    """Passes questions on and counts the answers.

    Counted as neither: a 429, which is the log's limit; a question that was not asked, because the log wants
    to be left alone; and what an honest log does not have, a leaf that is not in its tree (RFC 6962 section
    4.5) or a partial tile that a full one has replaced (static-ct-api).
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
            if not (_its_limit(error) or _may_lack(url, error)):
                count.failed += 1
            raise
        count.ok += 1
        count.milliseconds += int((time.monotonic() - began) * 1000)
        return body


def _its_limit(error: SourceError) -> bool:
    return isinstance(error, Busy) and error.record.get("status") == HTTPStatus.TOO_MANY_REQUESTS


def _may_lack(url: str, error: SourceError) -> bool:
    """Whether the answer says that something is not there which need not be."""
    asked = endpoint_of(url) == "get-proof-by-hash" or ".p/" in urlsplit(url).path
    return asked and error.record.get("status") in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}


def endpoint_of(url: str) -> str:
    """Return the endpoint that a URL belongs to: ``get-entries``, ``checkpoint``, ``tile/data``."""
    found = _ENDPOINT.search(urlsplit(url).path)
    return found["name"] if found else "other"
