"""The little HTTP that the log service needs, as values: a submission must cost little but signatures."""

import gzip
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

MAX_BODY: Final = 1 << 20
"""Bytes of a submission: ten certificates of the largest size that is read, in base64."""

MAX_QUERY: Final = 1024
_COMPRESS_FROM: Final = 1024
_NUMBER: Final = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_LARGEST: Final = 2**64 - 1

_REASONS: Final = {
    200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 409: "Conflict", 411: "Length Required", 413: "Content Too Large",
    414: "URI Too Long", 422: "Unprocessable Content", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


class HttpError(Exception):
    """A request that is answered with an error: status, one sentence, and extra headers."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True, slots=True)
class Request:
    """A request that has come whole. Header names in lower case; ``address`` is the peer's, "" if unknown."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    address: str = ""
    keep_alive: bool = True
    version: str = "1.1"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer before it is sent."""

    body: bytes
    content_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def json_response(value: object, cache: str = "no-store") -> Response:
    """An answer in JSON."""
    return Response(json.dumps(value).encode(), "application/json", headers={"Cache-Control": cache})


def error_response(error: HttpError) -> Response:
    """RFC 6962 section 4: an error has a message that people can read; it is JSON like every answer."""
    body = json.dumps({"error_message": str(error)}, ensure_ascii=False).encode()
    return Response(body, "application/json", error.status, {"Cache-Control": "no-store", **error.headers})


def query(request: Request) -> Mapping[str, str]:
    """Return the query's parameters; raises HttpError when one is given twice or the query is too long."""
    if (length := len(request.query)) > MAX_QUERY:
        raise HttpError(414, f"the query has {length} characters, at most {MAX_QUERY} are taken")
    pairs = parse_qsl(request.query, keep_blank_values=True)
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise HttpError(400, "a parameter is given more than once")
    return parameters


def number(parameters: Mapping[str, str], name: str) -> int:
    """Return a parameter that is a number, at most 2^64-1; raises HttpError when it is missing or none."""
    value = text(parameters, name)
    if not _NUMBER.fullmatch(value):
        raise HttpError(400, f"the parameter {name} is not a number: {value[:40]!r}")
    return min(int(value), _LARGEST)  # MAX_QUERY bounds the digits


def text(parameters: Mapping[str, str], name: str) -> str:
    """Return a parameter's value; raises HttpError when it is missing."""
    if name not in parameters:
        raise HttpError(400, f"the parameter {name} is missing")
    return parameters[name]


def encode(response: Response, request: Request | None, *, close: bool) -> bytes:
    """Return an answer's bytes, compressed where the client takes it; without its body for HEAD.

    ``request`` is None for one that could not be read; ``close`` says that the connection ends with it.
    """
    body = response.body
    headers = {
        "Content-Type": response.content_type,
        "X-Content-Type-Options": "nosniff",
        **response.headers,
    }
    if len(body) >= _COMPRESS_FROM and response.status == 200 and request:  # noqa: PLR2004 - HTTP's own number
        headers["Vary"] = "Accept-Encoding"
        if accepts_gzip(request.headers.get("accept-encoding", "")):
            body = gzip.compress(body, compresslevel=5, mtime=0)
            headers["Content-Encoding"] = "gzip"
    headers["Content-Length"] = str(len(body))
    headers["Connection"] = "close" if close else "keep-alive"
    headers["Date"] = _date(int(time.time()))
    headers["Server"] = "mingjing"
    lines = [f"HTTP/1.1 {response.status} {_REASONS[response.status]}", *map(": ".join, headers.items())]
    head = "\r\n".join((*lines, "", "")).encode("latin-1")
    return head if request and request.method == "HEAD" else head + body


@lru_cache(maxsize=2)
def _date(now: int) -> str:
    return formatdate(now, usegmt=True)


def accepts_gzip(header: str) -> bool:
    """Tell whether an Accept-Encoding header takes gzip (RFC 9110 section 12.5.3), ``q=0`` meaning no."""
    for part in header.split(","):
        coding, _, quality = part.partition(";")
        if coding.strip().lower() in {"gzip", "*"}:
            return not re.fullmatch(r"\s*q=0(\.0*)?\s*", quality)
    return False
