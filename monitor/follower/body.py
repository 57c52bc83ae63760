"""The body of an answer, read within its bounds; what exceeds them is kept as evidence."""

import base64
import http.client
import time
import zlib
from email.utils import parsedate_to_datetime
from typing import Any

import urllib3

from monitor.errors import Bomb, Busy, Oversized, SourceError

CHUNK = 64 * 1024
GZIP = 31  # zlib: a gzip header, the largest window
RECORDED = 64 * 1024
"""Bytes of an answer that are kept as evidence."""
_BUSY = frozenset({http.client.TOO_MANY_REQUESTS, http.client.SERVICE_UNAVAILABLE})


def recorded(url: str, body: bytes, **more: Any) -> dict[str, Any]:
    """An answer as evidence keeps it: its beginning, and whether that is all."""
    kept = {"url": url, "body": base64.b64encode(body[:RECORDED]).decode(), **more}
    return {**kept, "truncated": f"{len(body)} bytes"} if len(body) > RECORDED else kept


def read_body(url: str, response: urllib3.BaseHTTPResponse, limit: int) -> bytes:
    """Return the body of a 200 answer, at most ``limit`` bytes; raises the SourceError that fits."""
    if response.status in _BUSY:
        after = _retry_after(response.headers.get("Retry-After"))
        record = {"url": url, "status": response.status}
        raise Busy(f"{url}: the log is busy ({response.status})", after, record)
    if response.status != http.client.OK:
        record = {"url": url, "status": response.status}
        raise SourceError(f"{url}: status {response.status}, expected 200", record)
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and int(announced) > limit:
        record = {"url": url, "limit": limit, "received": int(announced)}
        raise Oversized(f"{url}: {announced} bytes announced, at most {limit} expected", record)
    return _unpacked(url, response, limit) if _packed(response) else _plain(url, response, limit)


def _plain(url: str, response: urllib3.BaseHTTPResponse, limit: int) -> bytes:
    body = bytearray()
    while chunk := response.read1(CHUNK, decode_content=False):
        body += chunk
        if len(body) > limit:
            record = {"url": url, "limit": limit, "received": len(body)}
            raise Oversized(f"{url}: more than the {limit} bytes expected", record)
    return bytes(body)


def _packed(response: urllib3.BaseHTTPResponse) -> bool:
    """Stored tiles may be gzip whatever was asked for."""
    return response.headers.get("Content-Encoding") == "gzip"


def _unpacked(url: str, response: urllib3.BaseHTTPResponse, limit: int) -> bytes:
    """Unpack within the same bound, and no more bytes at a time than are still allowed."""
    unpack, body, packed = zlib.decompressobj(GZIP), bytearray(), bytearray()
    while chunk := response.read1(CHUNK, decode_content=False):
        packed += chunk[: RECORDED - len(packed)]
        body += unpack.decompress(chunk, limit + 1 - len(body))
        if len(body) > limit:
            record = {**recorded(url, bytes(packed)), "limit": limit}
            raise Bomb(f"{url}: unpacks to more than the {limit} bytes expected", record)
    if not unpack.eof:
        raise ValueError("the gzip body is cut short")
    return bytes(body)


def _retry_after(value: str | None) -> float | None:
    """Read Retry-After (RFC 9110 section 10.2.3): seconds or a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
