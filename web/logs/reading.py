"""Bytes of one connection in, whole requests out; no I/O. The grammar is llhttp's, the limits are ours."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

import httptools

from web.logs.http import MAX_BODY, HttpError, Request

MAX_HEAD: Final = 64 * 1024
"""Bytes of a request before its body."""

MAX_PIPELINED: Final = 64
"""Requests that may be sent on a connection before the first of them is answered."""


class RequestReader:
    """Collects the requests of one connection in ``requests``, in their order.

    ``charge`` is told the bytes of each part of a body before it is kept, and may raise HttpError.
    """

    def __init__(self, address: str, charge: Callable[[int], None]) -> None:
        self.requests: deque[Request] = deque()
        self.expects_continue = False
        """The client waits for ``100 Continue`` before it sends the body (RFC 9110 section 10.1.1)."""
        self._address = address
        self._charge = charge
        self._parser = httptools.HttpRequestParser(self)
        self._refusal: HttpError | None = None
        self._begun = self._in_head = self._ended = False
        self._fields_size = self._fed_in_head = 0  # of the head: what is parsed, and what was fed for it

    @property
    def under_way(self) -> bool:
        """Whether a request has begun and not come to its end."""
        return self._begun

    def feed(self, data: bytes) -> None:
        """Take what has come; raises HttpError for what is no request or too much, and then takes no more."""
        if self._ended:
            return
        if self._in_head:
            self._fed_in_head += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._ended = True  # no other protocol is offered: the answer is HTTP, and the last
            self.requests.append(replace(self.requests.pop(), keep_alive=False))
        except httptools.HttpParserError as error:
            if self._is_over():
                return  # data after a request that said it was the last
            self._ended = True
            raise self._refusal or HttpError(400, f"this is not an HTTP request: {error}") from None
        if self._in_head and self._fed_in_head > MAX_HEAD:
            self._ended = True
            raise _head_too_large()

    def _is_over(self) -> bool:
        return self._ended

    # What the parser tells

    def on_message_begin(self) -> None:
        self._begun = self._in_head = True
        self._fields_size = self._fed_in_head = 0
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        text, key = value.decode("latin-1"), name.decode("latin-1").lower()
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def _count(self, size: int) -> None:
        self._fields_size += size
        if self._fields_size > MAX_HEAD:
            self._refuse(_head_too_large())

    def on_headers_complete(self) -> None:
        self._in_head = False
        headers = self._headers
        if "host" not in headers and self._parser.get_http_version() == "1.1":
            self._refuse(HttpError(400, "the request has no Host"))  # RFC 9112 section 3.2
        if "transfer-encoding" in headers:
            self._refuse(HttpError(411, "the request has no Content-Length"))
        if (length := int(headers.get("content-length", "0"))) > MAX_BODY:
            self._refuse(HttpError(413, f"the request has {length} bytes, at most {MAX_BODY} are taken"))
        if "content-length" not in headers and self._parser.get_method() == b"POST":
            self._refuse(HttpError(411, "the request has no Content-Length"))
        self.expects_continue = length > 0 and headers.get("expect", "").lower() == "100-continue"

    def on_body(self, body: bytes) -> None:
        self.expects_continue = False
        try:
            self._charge(len(body))
        except HttpError as error:
            self._refuse(error)
        self._body.append(body)

    def on_message_complete(self) -> None:
        self._begun = False
        if len(self.requests) == MAX_PIPELINED:
            self._refuse(HttpError(400, f"at most {MAX_PIPELINED} requests are taken before their answers"))
        keep_alive = self._parser.should_keep_alive()
        path, _, query = _origin_form(self._url).partition("?")
        self.requests.append(
            Request(
                self._parser.get_method().decode("latin-1"),
                unquote(path, "latin-1") if "%" in path else path,
                query,
                self._headers,
                b"".join(self._body),
                self._address,
                keep_alive,
                self._parser.get_http_version(),
            )
        )
        self._ended = not keep_alive

    def _refuse(self, error: HttpError) -> None:
        self._refusal = error
        raise error


def _head_too_large() -> HttpError:
    return HttpError(431, f"the request's head is too large, at most {MAX_HEAD} bytes are taken")


def _origin_form(url: bytes) -> str:
    """Return path and query of a request's target, which may be a whole URL (RFC 9112 section 3.2.2)."""
    text = url.decode("latin-1")
    if text.startswith("/"):
        return text
    _, scheme, rest = text.partition("://")
    return "/" + rest.partition("/")[2] if scheme else text
