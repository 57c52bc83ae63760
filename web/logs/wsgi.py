"""A WSGI application (PEP 3333) behind the logs' server: only a request that is here whole holds a worker."""

import io
import sys
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, NoReturn

from tlog.ct.submission import Submission
from web.logs.http import Request, Response
from web.logs.streaming import Streamed


class WsgiApplication:
    """Answers with what a WSGI application makes of a request. ``scheme`` is "http" or "https"."""

    def __init__(
        self, application: Callable[..., Iterable[bytes]], host: str, port: int, *, scheme: str = "http"
    ) -> None:
        self._application = application
        self._constant = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scheme,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }

    def answer(self, request: Request) -> Streamed:
        """Answer a request, in a worker's thread; raises what the application raises."""
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: object = None
        ) -> Callable[[bytes], NoReturn]:
            del exc_info  # nothing is sent before the application returns
            begun[:] = [(status, headers)]
            return _write

        body = self._application(self._environ(request), start_response)
        pieces = iter(body)
        if not begun:  # a generator begins with its first piece
            pieces = chain([next(pieces, b"")], pieces)
        ((status, headers),) = begun
        return Streamed(request, status, headers, pieces, let_go=getattr(body, "close", None))

    def promise(self, request: Request, submission: Submission) -> Response:
        """There are no submissions here."""
        raise NotImplementedError

    def _environ(self, request: Request) -> dict[str, Any]:
        environ: dict[str, Any] = {
            **self._constant,
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
            "REMOTE_ADDR": request.address,
            "SERVER_PROTOCOL": f"HTTP/{request.version}",
            "CONTENT_LENGTH": str(len(request.body)),
            "wsgi.input": io.BytesIO(request.body),
        }
        for name, value in request.headers.items():
            if "_" not in name and name != "content-length":  # "_" would pass for a hyphen
                environ[_variable(name)] = value
        return environ


def _variable(name: str) -> str:
    if name == "content-type":
        return "CONTENT_TYPE"
    return f"HTTP_{name.upper().replace('-', '_')}"


def _write(_data: bytes) -> NoReturn:
    raise NotImplementedError("the body is what the application returns")
