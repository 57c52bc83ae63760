"""Serving until SIGTERM: a WSGI application over HTTP or HTTPS, or the logs by their own server."""

import errno
import os
import signal
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mingjing.errors import MingjingError
from mingjing.signals import end_on_sigterm, ignore_signals

if TYPE_CHECKING:
    from cheroot.ssl import Adapter

    from tlog.ct import ServedLog
    from web.logs.server import Answering

THREADS = 12
MAX_HEADER_BYTES = 64 * 1024
IDLE_SECONDS = 30


def port_taken(host: str, port: int) -> bool:
    """Tell whether another program already listens on this address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise MingjingError(f"could not listen on {host}:{port}: {error.strerror}.") from None
    return False


def answers(host: str, port: int, timeout: float = 1.0) -> bool:
    """Tell whether a TCP connection to this address succeeds."""
    try:
        with socket.create_connection((host, port), timeout):
            return True
    except OSError:
        return False


def serve(
    application: Callable[..., Any],
    host: str,
    port: int,
    *,
    tls: "Adapter | None" = None,
    threads: int = THREADS,
) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish the running requests; raises MingjingError if it cannot."""
    from cheroot import wsgi

    server = wsgi.Server((host, port), application, numthreads=threads, server_name="mingjing")
    server.request_queue_size = server.keep_alive_conn_limit = max(threads, THREADS)
    server.max_request_header_size = MAX_HEADER_BYTES
    server.timeout = IDLE_SECONDS
    server.shutdown_timeout = 3
    server.ssl_adapter = tls
    server.software = "mingjing"

    end_on_sigterm()
    try:
        server.safe_start()
    except OSError as error:
        raise MingjingError(f"could not listen on {host}:{port}: {error.strerror or error}.") from None
    finally:
        server.stop()


def serve_logs(logs: "Mapping[str, ServedLog]", host: str, port: int) -> None:
    """Serve the logs until SIGTERM or Ctrl-C, then answer what is under way; raises MingjingError.

    A log put into the mapping while this runs is served from then on.
    """
    from web.logs import Application

    serve_requests(Application(logs), host, port)


def serve_requests(application: "Answering", host: str, port: int) -> None:
    """Serve an application on the server of the logs until SIGTERM or Ctrl-C; raises MingjingError."""
    from web.logs import LogServer

    try:
        server = LogServer(application, host, port)
    except OSError as error:
        raise MingjingError(f"could not listen on {host}:{port}: {os.strerror(error.errno or 0)}.") from None
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    try:
        server.run()
    finally:
        ignore_signals()
