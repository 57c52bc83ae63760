"""Dialling a site with blocking sockets, for ``check`` and for anything outside the proxy's event loop."""

import socket
import time

from OpenSSL import SSL

from proxy_addon.connect import tls
from proxy_addon.connect.handshake import UpstreamHandshake, cleartext
from proxy_addon.errors import Unreachable
from proxy_addon.settings import Settings
from verifier.judge.evidence import Evidence

CONNECT_SECONDS = 5.0
HANDSHAKE_SECONDS = 8.0
PROBE_SECONDS = 2.0
ALPN = (b"h2", b"http/1.1")
CHUNK = 16 * 1024


def dial(
    host: str, port: int, *, settings: Settings, upstream: tls.Upstream, alpn: tuple[bytes, ...] = ALPN
) -> Evidence:
    """Connect, shake hands, hang up; return the evidence. Raises Unreachable without DNS answer or TCP.

    Nothing but the handshake is sent, and to a server that says nothing to it, one empty HTTP question.
    """
    handshake = UpstreamHandshake(upstream, host, port, alpn)
    deadline = time.monotonic() + HANDSHAKE_SECONDS
    with _connect(host, port, settings) as sock:
        try:
            _shake(handshake, sock, deadline)
        except SSL.Error as error:
            evidence = handshake.failed(tls.failure_reason(error))
        except TimeoutError:
            evidence = handshake.failed("the server did not finish the handshake in time")
        except OSError as error:
            evidence = handshake.failed(
                f"the connection broke during the handshake: {error.strerror or error}"
            )
        else:
            evidence = handshake.established()
            _hang_up(handshake, sock)
    if not handshake.answered and speaks_cleartext(host, port, settings):
        return cleartext(host, port)
    return evidence


def reach(host: str, port: int, settings: Settings) -> None:
    """Connect and hang up, having sent nothing. Raises Unreachable without DNS answer or TCP."""
    _connect(host, port, settings).close()


def _connect(host: str, port: int, settings: Settings) -> socket.socket:
    address = settings.resolve(host, port)
    try:
        return socket.create_connection(address, timeout=CONNECT_SECONDS)
    except socket.gaierror:
        raise Unreachable(
            f"The name {host} does not resolve: there is no such site, or no DNS answer."
        ) from None
    except UnicodeError:
        raise Unreachable(f"{host!r} is not a host name.") from None
    except OSError as error:
        raise Unreachable(f"Nothing answers at {host}, port {port}: {error.strerror or error}.") from None


def _shake(handshake: UpstreamHandshake, sock: socket.socket, deadline: float) -> None:
    while True:
        try:
            handshake.ssl.do_handshake()
        except SSL.WantReadError:
            _flush(handshake, sock)
        else:
            _flush(handshake, sock)
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        data = sock.recv(CHUNK)
        if not data:
            raise ConnectionError("the server hung up")
        handshake.bio_write(data)


def _flush(handshake: UpstreamHandshake, sock: socket.socket) -> None:
    while True:
        try:
            data = handshake.ssl.bio_read(CHUNK)
        except SSL.WantReadError:
            return
        sock.sendall(data)


def _hang_up(handshake: UpstreamHandshake, sock: socket.socket) -> None:
    """Close politely; the evidence stands whatever happens now."""
    try:
        handshake.ssl.shutdown()
        _flush(handshake, sock)
    except (SSL.Error, OSError):
        return


def speaks_cleartext(host: str, port: int, settings: Settings) -> bool:
    """Ask a server that was silent to a ClientHello whether it speaks plain HTTP."""
    try:
        with socket.create_connection(settings.resolve(host, port), timeout=PROBE_SECONDS) as sock:
            sock.settimeout(PROBE_SECONDS)
            sock.sendall(b"HEAD / HTTP/1.0\r\n\r\n")
            return sock.recv(8).startswith(b"HTTP/")
    except OSError:
        return False
