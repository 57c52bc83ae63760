"""A service behind the site, reached over HTTP: the logs, and the authority over verified https.

Only what the two protocols need is passed on: a few request headers, a few response headers, a body
of bounded size within a bounded time. Redirects are not followed and not passed on.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import urllib3
from urllib3.exceptions import HTTPError

from web.public.errors import ServiceDown
from web.public.language import say

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 3.0, 20.0, 120.0
READY_SECONDS = 1.0  # a service that hangs is not ready
MAX_ANSWER = 64 * 2**20  # get-entries with the largest chains stays well below this
_RETRIES = urllib3.Retry(
    1, connect=0, redirect=0, status=0
)  # a kept connection may have gone; never a POST twice
_PIECE = 64 * 2**10
_REDIRECTS = range(300, 400)
_NOT_MODIFIED = 304
_RETURNED = (
    "Content-Type", "Content-Length", "Content-Encoding", "Cache-Control", "ETag", "Last-Modified", "Expires",
    "Retry-After", "Allow", "Vary",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered; ``body`` is read as it is sent on."""

    status: int
    headers: Mapping[str, str]
    body: Iterator[bytes]


class Upstream:
    """One service at ``base`` (without a trailing slash); an https one must chain to ``roots``.

    ``name`` is what a visitor is told when it does not answer.
    """

    def __init__(
        self, name: str, base: str, roots: Path | None = None, *, max_answer: int = MAX_ANSWER
    ) -> None:
        self.name, self._base, self._roots, self._max_answer = name, base.rstrip("/"), roots, max_answer
        self._pool: urllib3.PoolManager | None = None

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        patience: float = READ_SECONDS,
    ) -> Answer:
        """Ask the service; ``path`` starts with a slash and carries the query. Raises ServiceDown."""
        try:
            response = self._connections().request(
                method, self._base + path, headers=dict(headers), body=body, redirect=False, retries=_RETRIES,
                preload_content=False, decode_content=False,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=patience),
            )  # fmt: skip
        except (HTTPError, OSError) as error:
            raise self._down() from error
        if response.status in _REDIRECTS and response.status != _NOT_MODIFIED:
            response.close()
            raise ServiceDown(
                say("{service} answered with a redirect, which is not passed on.", service=self.name)
            )
        if (response.length_remaining or 0) > self._max_answer:
            response.close()
            raise ServiceDown(say("{service} answered with more than is passed on.", service=self.name))
        kept = {key: response.headers[key] for key in _RETURNED if key in response.headers}
        return Answer(response.status, kept, self._pieces(cast("urllib3.HTTPResponse", response)))

    def answers(self, path: str) -> bool:
        """Tell whether the service answers ``path`` with success; used for readiness only."""
        with suppress(ServiceDown):
            answer = self.send("GET", path, {}, patience=READY_SECONDS)
            for _piece in answer.body:
                pass
            return answer.status < 300  # noqa: PLR2004  success
        return False

    def _down(self) -> ServiceDown:
        return ServiceDown(
            say("{service} does not answer at the moment.", service=self.name),
            way_out=say("Try again shortly."),
        )

    def _connections(self) -> urllib3.PoolManager:
        if self._pool is None:
            verified: dict[str, str] = {}
            if self._base.startswith("https:"):
                verified = {"cert_reqs": "CERT_REQUIRED", "ca_certs": str(self._roots)}
            self._pool = urllib3.PoolManager(maxsize=16, block=False, **verified)  # type: ignore[arg-type]  # urllib3 takes these as Any
        return self._pool

    def _pieces(self, response: urllib3.HTTPResponse) -> Iterator[bytes]:
        """Yield the body; ends with an exception, and so a broken connection, at the limits."""
        deadline, total = time.monotonic() + WHOLE_SECONDS, 0
        try:
            while piece := response.read1(_PIECE, decode_content=False):
                total += len(piece)
                if total > self._max_answer or time.monotonic() > deadline:
                    too_much = "{service} answered with more, or for longer, than is passed on."
                    raise ServiceDown(say(too_much, service=self.name))
                yield piece
            response.release_conn()
        finally:
            response.close()  # where something was left unread, the connection cannot be used again
