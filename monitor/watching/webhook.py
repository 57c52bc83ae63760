"""A signed POST (see ``signing``); docs/watching.md says how a receiver checks it."""

import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event, Lock, Timer
from typing import Any, Final
from urllib.parse import urlsplit

from monitor.watching.channel import NotDelivered
from monitor.watching.signing import read_secret, signed_headers
from monitor.watching.watchlist import Webhook
from verifier.algorithms import Signer

CONNECT_SECONDS: Final = 5.0
LONGEST_RETRY_AFTER: Final = 3600.0
_SUCCESS: Final = range(200, 300)
_HEADERS: Final = {
    "Content-Type": "application/json",
    "User-Agent": "mingjing-watch",
    "Connection": "close",
}


class WebhookSender:
    """Sends notices to one receiver, each over its own connection. ``cancel`` ends a request from outside."""

    def __init__(self, settings: Webhook, signers: Sequence[Signer] = ()) -> None:
        self._settings = settings
        self._signers = signers
        self._connection: socket.socket | None = None
        self._lock = Lock()
        self._cancelled = False

    def send(self, notice: Mapping[str, Any]) -> None:
        """POST one notice; returns once the receiver has said 2xx. Raises NotDelivered with the reason."""
        body = json.dumps(notice, ensure_ascii=False).encode()
        file = self._settings.secret_file
        secret = None if file is None else read_secret(file)
        now = datetime.now(UTC)
        headers = signed_headers(notice["id"], body, now, secret=secret, signers=self._signers) | _HEADERS
        try:
            with self._connected() as connection:
                status, retry_after = _post(connection, self._settings.url, body, headers)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotDelivered(_reason(error, self._settings.timeout)) from error
        if status not in _SUCCESS:
            raise NotDelivered(f"the receiver said {status}, expected 200 to 299", retry_after)

    def cancel(self) -> None:
        """End the request that is under way, and all later ones, as a failure."""
        with self._lock:
            self._cancelled = True
            if self._connection is not None:
                _cut(self._connection)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[http.client.HTTPConnection]:
        """Connect, with the certificate verified, and cut the connection when the time is over."""
        parts = urlsplit(self._settings.url)
        secure, host = parts.scheme == "https", str(parts.hostname)
        limit = self._settings.timeout
        connected = socket.create_connection(
            (host, parts.port or (443 if secure else 80)), min(CONNECT_SECONDS, limit)
        )
        with connected:
            connected.settimeout(limit)
            channel = self._secured(connected, host) if secure else connected
            with channel, self._deadline(channel, limit):
                if isinstance(channel, ssl.SSLSocket):
                    channel.do_handshake()
                connection = http.client.HTTPConnection(parts.netloc)
                connection.sock = channel
                yield connection

    def _secured(self, connected: socket.socket, host: str) -> ssl.SSLSocket:
        context = ssl.create_default_context()
        if self._settings.ca_file is not None:
            context.load_verify_locations(self._settings.ca_file)
        return context.wrap_socket(connected, server_hostname=host, do_handshake_on_connect=False)

    @contextlib.contextmanager
    def _deadline(self, channel: socket.socket, seconds: float) -> Iterator[None]:
        over = Event()

        def end() -> None:
            over.set()
            _cut(channel)

        timer = Timer(seconds, end)
        timer.daemon = True
        with self._lock:
            if self._cancelled:
                raise ConnectionAbortedError("stopping")
            self._connection = channel
        timer.start()
        try:
            yield
            if over.is_set() or self._cancelled:  # an answer that was cut short can look like a whole one
                raise TimeoutError("cut off")
        finally:
            timer.cancel()
            with self._lock:
                self._connection = None


def _post(
    connection: http.client.HTTPConnection, url: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, float | None]:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("POST", target, body, dict(headers))
    with connection.getresponse() as response:  # a redirect is an answer like any other: it is not followed
        return response.status, _retry_after(response.headers.get("Retry-After"))


def _retry_after(value: str | None) -> float | None:
    """Read Retry-After (RFC 9110 section 10.2.3), within reason."""
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().isdigit() else _until(value)
    except (ValueError, OverflowError):
        return None
    return max(0.0, min(seconds, LONGEST_RETRY_AFTER))


def _until(date: str) -> float:
    return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _reason(error: Exception, seconds: float) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the receiver's certificate is refused: {error.verify_message}"
    if isinstance(error, TimeoutError | http.client.RemoteDisconnected | ssl.SSLEOFError):
        return f"no whole answer within {seconds:g} s: {error}"
    return f"could not reach the receiver: {getattr(error, 'strerror', None) or error}"
