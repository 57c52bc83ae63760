"""HTTP GET for logs that may be slow, broken or hostile: every answer is bounded in time, bytes and place."""

import contextlib
import http.client
import io
import ipaddress
import re
import socket
import time
import zlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError
from urllib3.exceptions import TimeoutError as Urllib3Timeout

from monitor.errors import (
    Busy,
    Dripped,
    RedirectEndless,
    RedirectPrivate,
    RedirectRefused,
    RedirectScheme,
    SourceError,
    TimedOut,
)
from monitor.follower.body import read_body
from monitor.follower.quiet import Quiet

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
MAX_REDIRECTS = 3
SMALL_BODY = 1024 * 1024
DRIP = 1024
"""Bytes a second below which an answer drips; the slowest links of today are ten times faster."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
SLICE_SECONDS = 0.5
_limits: ContextVar["_Limits"] = ContextVar("limits")


@dataclass(frozen=True, slots=True)
class _Limits:
    """Until when (monotonic) the answer must be whole, and what ends the waiting at once."""

    deadline: float
    stop: Event
    received: list[int] = field(default_factory=lambda: [0])

    def slice(self) -> float:
        """Return how long to wait for the next bytes; raises TimeoutError when there is no time left."""
        left = self.deadline - time.monotonic()
        if left <= 0 or self.stop.is_set():
            raise TimeoutError("the answer took too long")
        return min(left, SLICE_SECONDS)


class _DeadlineStream(io.RawIOBase):
    """A socket's stream that stops at a moment, however the bytes drip (headers included)."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reference = connection.makefile("rb", buffering=0)  # keeps the socket open while this is

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        while True:
            self._connection.settimeout(_limits.get().slice())
            with contextlib.suppress(TimeoutError):
                count = self._connection.recv_into(buffer)
                _limits.get().received[0] += count
                return count

    def close(self) -> None:
        self._reference.close()
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_DeadlineStream(sock))


class _Connection(HTTPConnection):
    response_class = _DeadlineResponse


class _SecureConnection(HTTPSConnection):
    response_class = _DeadlineResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class Fetcher:
    """Fetches URLs. ``local`` maps address prefixes that the world sees to bases on this machine.

    ``ca``, a file of certificates in PEM, is believed for https in place of the usual roots.
    Thread-safe. Raises the SourceError that says what kind of unavailability it met, and nothing else.
    """

    def __init__(
        self,
        local: Mapping[str, str] | None = None,
        *,
        answer_seconds: float = ANSWER_SECONDS,
        proxy: str | None = None,
        ca: Path | None = None,
    ) -> None:
        self.local = dict(local or {})
        self._answer_seconds = answer_seconds
        self.stop = Event()
        """Set, it ends whatever is being waited for, as a time-out."""
        self._quiet = Quiet()
        self._pools = _pool_manager(proxy, ca)
        self._pools.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def get(self, url: str, *, limit: int = SMALL_BODY) -> bytes:
        """Return the body of ``url``, at most ``limit`` bytes; any status but 200 is no answer."""
        place = self._place(url)
        self._quiet.check(place)
        limits = _Limits(time.monotonic() + self._answer_seconds, self.stop)
        token = _limits.set(limits)
        try:
            return self._follow(place, limit)
        except Busy as error:
            self._quiet.heed(place, error)
            raise
        except NewConnectionError as error:  # urllib3 counts a refused connection among the time-outs
            raise _failure(url, error) from error
        except (Urllib3Timeout, TimeoutError) as error:
            raise self._timed_out(url, limits.received[0]) from error
        except (HTTPError, OSError, ValueError, zlib.error) as error:
            raise _failure(url, error) from error
        finally:
            _limits.reset(token)

    def _timed_out(self, url: str, received: int) -> TimedOut:
        record = {
            "url": url,
            "received": received,
            "milliseconds": int(self._answer_seconds * 1000),
            "allowed": int(self._answer_seconds * 1000),
        }
        kind = Dripped if 0 < received < DRIP * self._answer_seconds and not self.stop.is_set() else TimedOut
        return kind(
            f"{url}: no whole answer within {self._answer_seconds:g} s, {received} bytes came", record
        )

    def _place(self, url: str) -> str:
        for prefix, base in self.local.items():
            if url.startswith(prefix):
                return base + url[len(prefix) :]
        return url

    def _follow(self, url: str, limit: int) -> bytes:
        begun, hops = url, list[str]()
        for _ in range(MAX_REDIRECTS + 1):
            with self._open(url) as response:
                if response.status not in _REDIRECTS:
                    return read_body(url, response, limit)
                hops.append(response.headers.get("Location", "")[:1000])
            target = urljoin(url, hops[-1])
            if _home(target) != _home(begun):
                record = {"url": url, "hops": [target], "limit": MAX_REDIRECTS}
                raise _refusal(url, target)(f"{url} redirects to another place, {target[:200]}", record)
            url = target
        record = {"url": begun, "hops": hops, "limit": MAX_REDIRECTS}
        raise RedirectEndless(f"{begun}: more than {MAX_REDIRECTS} redirects", record)

    @contextlib.contextmanager
    def _open(self, url: str) -> Iterator[urllib3.BaseHTTPResponse]:
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=self._answer_seconds)
        response = self._pools.request("GET", url, preload_content=False, redirect=False, timeout=timeout)
        try:
            yield response
        except BaseException:
            response.close()  # what is left of the body must not be read by the next request
            raise
        else:
            response.release_conn() if response.closed else response.close()


def _home(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _refusal(url: str, target: str) -> type[RedirectRefused]:
    """Which kind of redirect it is: to another protocol, into a private network, or just elsewhere."""
    if _home(target)[0] != _home(url)[0]:
        return RedirectScheme
    try:
        address = ipaddress.ip_address(urlsplit(target).hostname or "")
    except ValueError:
        return RedirectPrivate if urlsplit(target).hostname == "localhost" else RedirectRefused
    return RedirectRefused if address.is_global else RedirectPrivate


def _pool_manager(proxy: str | None, ca: Path | None) -> urllib3.PoolManager:
    options: dict[str, Any] = {
        "headers": {"User-Agent": "mingjing-monitor", "Accept-Encoding": "identity"},
        "retries": False,
        "ca_certs": None if ca is None else str(ca),
    }
    if proxy is not None:
        return urllib3.ProxyManager(proxy, num_pools=8, maxsize=2, **options)
    return urllib3.PoolManager(num_pools=32, maxsize=4, **options)


_LIBRARY_WORDS = re.compile(r"^\w*Connection\w*\([^)]*\): |\[Errno -?\d+\] ")  # urllib3's own


def _failure(url: str, error: Exception) -> SourceError:
    if isinstance(error, MaxRetryError) and error.reason is not None:
        error = error.reason
    text = str(error.args[-1] if error.args else error)
    reason = _LIBRARY_WORDS.sub("", text)
    return SourceError(f"could not read {url}: {reason}")
