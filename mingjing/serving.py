"""Serving until SIGTERM: a WSGI application over HTTP or HTTPS, or the logs by their own server."""

import errno
import os
import signal
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mingjing.errors import MingjingError
from mingjing.signals import ignore_signals

if TYPE_CHECKING:
    import ssl

    from tlog.ct import ServedLog
    from web.logs import LogServer, ServerLimits
    from web.logs.server import Answering

THREADS = 12
"""For requests that read, and as many for those that send something."""

ANSWER_SECONDS = 60.0


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
    tls: "ssl.SSLContext | None" = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish the running requests; raises MingjingError if it cannot.

    Slow clients cost no thread: a request is handed on when it has come whole.
    """
    from web.logs import ServerLimits
    from web.logs.wsgi import WsgiApplication

    limits = ServerLimits(answer_seconds=ANSWER_SECONDS, submission_workers=THREADS, question_workers=THREADS)
    wrapped = WsgiApplication(application, host, port, scheme="https" if tls else "http")
    _run(_listening(wrapped, host, port, limits, tls))


def serve_logs(logs: "Mapping[str, ServedLog]", host: str, port: int) -> None:
    """Serve the logs until SIGTERM or Ctrl-C, then answer what is under way; raises MingjingError.

    A log put into the mapping while this runs is served from then on.
    """
    from web.logs import Application

    serve_requests(Application(logs), host, port)


def serve_requests(application: "Answering", host: str, port: int) -> None:
    """Serve an application on the server of the logs until SIGTERM or Ctrl-C; raises MingjingError."""
    _run(_listening(application, host, port))


def _listening(
    application: "Answering",
    host: str,
    port: int,
    limits: "ServerLimits | None" = None,
    tls: "ssl.SSLContext | None" = None,
) -> "LogServer":
    from web.logs import LogServer

    try:
        return LogServer(application, host, port, limits=limits, tls=tls)
    except OSError as error:
        raise MingjingError(f"could not listen on {host}:{port}: {os.strerror(error.errno or 0)}.") from None


def _run(server: "LogServer") -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    try:
        server.run()
    finally:
        ignore_signals()
