"""Small HTTP fetches: revocation answers, the trust bundle, inclusion proofs. Bounded in size and time."""

import time
from dataclasses import dataclass
from typing import Protocol

import certifi
import urllib3
from urllib3.util import Retry, Timeout

from proxy_addon.errors import FetchError
from proxy_addon.settings import Settings

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
TOTAL_SECONDS = 10.0
CHUNK = 64 * 1024
MAX_BYTES = 16 * 1024 * 1024  # the largest public CRLs are about 10 MiB
REDIRECTS = 2
OK = 200


class Fetch(Protocol):
    """How the rooms here ask for a URL, so that tests can answer instead."""

    def __call__(
        self, url: str, *, body: bytes | None = None, content_type: str = "", limit: int = MAX_BYTES
    ) -> bytes:
        """Return the body of a 200 answer; raises FetchError with the reason."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    body: bytes


class Http:
    """A pool of connections that no proxy settings of the environment ever redirect.

    Addresses below our public URL go to the service on this machine when there is one.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool = urllib3.PoolManager(
            num_pools=16,
            maxsize=4,
            timeout=Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            retries=Retry(total=REDIRECTS, connect=0, read=0, redirect=REDIRECTS),
            ca_certs=certifi.where(),
            headers={"User-Agent": "mingjing"},
        )

    def __call__(
        self, url: str, *, body: bytes | None = None, content_type: str = "", limit: int = MAX_BYTES
    ) -> bytes:
        answer = self.ask(url, body=body, content_type=content_type, limit=limit)
        if answer.status != OK:
            raise FetchError(f"could not fetch {url}: the server answered with status {answer.status}")
        return answer.body

    def ask(
        self, url: str, *, body: bytes | None = None, content_type: str = "", limit: int = MAX_BYTES
    ) -> Answer:
        """Return the answer whatever its status; raises FetchError when there is none or it is too large."""
        if not url.startswith(("http://", "https://")):
            raise FetchError(f"could not fetch {url}: only http and https addresses are fetched")
        try:
            response = self._pool.request(
                "GET" if body is None else "POST",
                self._settings.local(url),
                body=body,
                headers={"User-Agent": "mingjing"} | ({"Content-Type": content_type} if content_type else {}),
                preload_content=False,
            )
            content = _read(response, limit, time.monotonic() + TOTAL_SECONDS)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise FetchError(f"could not fetch {url}: {_reason(error)}") from None
        return Answer(response.status, content)

    def close(self) -> None:
        """Close every connection of the pool."""
        self._pool.clear()


def _read(response: urllib3.BaseHTTPResponse, limit: int, deadline: float) -> bytes:
    """Read a body of at most ``limit`` bytes before ``deadline``, whatever the pace of the server."""
    content = bytearray()
    for piece in response.stream(CHUNK, decode_content=True):
        content += piece
        if len(content) > limit or time.monotonic() > deadline:
            response.close()
            raise ValueError(
                f"the answer is larger than {limit} bytes"
                if len(content) > limit
                else f"the answer took more than {TOTAL_SECONDS:.0f} seconds"
            )
    response.release_conn()
    return bytes(content)


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", None) or error
    if isinstance(cause, urllib3.exceptions.NameResolutionError):
        return "its name does not resolve"
    if isinstance(cause, urllib3.exceptions.NewConnectionError):
        return "nothing answers at that address"
    if isinstance(cause, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    return str(cause)
