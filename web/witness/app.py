"""The application of the witness: add-checkpoint, what was cosigned, pages for people and machines."""

import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from monitor.witness import Cosigner
from monitor.witness.errors import (
    CannotCosign,
    NotConsistent,
    NotCosigned,
    NotSigned,
    OtherSize,
    UnknownOrigin,
)
from verifier.errors import MalformedInput
from verifier.transparency.add_checkpoint import MAX_REQUEST_SIZE, SIZE_TYPE
from web.logs.http import HttpError, Request, Response, json_response
from web.logs.limits import Rate, RateLimit
from web.witness import page

logger = logging.getLogger(__name__)

ASKING: Final = Rate(per_second=20, burst=200)
"""A log asks at most once a second for each of its heads; an operator has some dozens of logs."""

_READ: Final = ("GET", "HEAD")
_TEXT: Final = "text/plain; charset=utf-8"
_NEWEST = re.compile(r"/([0-9a-f]{64})/checkpoint", re.ASCII)
_STATUSES: Final[Mapping[type[Exception], int]] = {
    MalformedInput: 400,
    NotSigned: 403,
    UnknownOrigin: 404,
    OtherSize: 409,
    NotConsistent: 422,
    CannotCosign: 503,
}


class Application:
    """Answers for one witness. ``asking`` says how much one address may send; this machine is not limited."""

    def __init__(self, cosigner: Cosigner, *, asking: Rate = ASKING) -> None:
        self._cosigner = cosigner
        self._limit = RateLimit(asking)
        self._counts: Counter[int] = Counter()
        self._counting = threading.Lock()
        self._pages: Mapping[str, Callable[[Request], Response]] = {
            "/": lambda request: page.witness(self._cosigner, request),
            "/healthz": lambda _request: Response(b"ok\n", _TEXT),
            "/readyz": self._readiness,
            "/metrics": self._metrics,
        }

    def answer(self, request: Request) -> Response:
        """Answer a request; never raises."""
        try:
            return self._answer(request)
        except HttpError as error:
            return _plain(error.status, str(error), **error.headers)
        except CannotCosign as error:
            logger.error("%s %s: %s", request.method, request.path, error)  # noqa: TRY400 -- expected
            return _plain(503, "this witness has a problem of its own", Retry_After="30")
        except Exception:  # the last resort of a server: the client learns nothing, the log everything
            logger.exception("%s %s", request.method, request.path)
            return _plain(500, "an internal error")

    def promise(self, request: Request, submission: object) -> Response:
        """A witness answers at once, so nothing is ever promised."""
        del request, submission
        return _plain(500, "an internal error")

    def _answer(self, request: Request) -> Response:
        if request.path == "/add-checkpoint":
            _check_method(request, "POST")
            self._limit.check(request)
            response = self._add_checkpoint(request.body)
            with self._counting:
                self._counts[response.status] += 1
            return response
        _check_method(request, *_READ)
        self._limit.check(request)
        if found := self._pages.get(request.path):
            return found(request)
        if newest := _NEWEST.fullmatch(request.path):
            return self._newest(newest[1])
        raise HttpError(404, "a witness has /add-checkpoint and /<SHA-256 of an origin>/checkpoint")

    def _add_checkpoint(self, body: bytes) -> Response:
        if len(body) > MAX_REQUEST_SIZE:
            return _plain(413, f"the request has {len(body)} bytes, at most {MAX_REQUEST_SIZE} are taken")
        try:
            return Response(self._cosigner.add_checkpoint(body), _TEXT, headers=_NOT_KEPT)
        except OtherSize as error:
            return Response(f"{error.size}\n".encode(), SIZE_TYPE, 409, _NOT_KEPT)
        except CannotCosign:
            raise
        except (MalformedInput, NotCosigned) as error:
            return _plain(_STATUSES[type(error)], str(error))

    def _newest(self, identifier: str) -> Response:
        checkpoint = self._cosigner.checkpoint(identifier)
        if checkpoint is None:
            raise HttpError(404, "this witness has never cosigned a checkpoint of that log")
        return Response(checkpoint, _TEXT, headers={"Cache-Control": "public, max-age=1"})

    def _readiness(self, _request: Request) -> Response:
        self._cosigner.cosigned()  # raises CannotCosign where the store does not answer
        origins = self._cosigner.logs.origins()
        if not origins:
            raise HttpError(
                503, "no log list could be read and no log is named, so there is nothing to cosign"
            )
        return json_response({"witness": self._cosigner.witness.encode(), "logs": len(origins)})

    def _metrics(self, _request: Request) -> Response:
        with self._counting:
            counts = sorted(self._counts.items())
        return Response(
            page.metrics(self._cosigner, counts).encode(), "text/plain; version=0.0.4; charset=utf-8"
        )


_NOT_KEPT: Final = {"Cache-Control": "no-store"}


def _plain(status: int, message: str, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(f"{message}\n".encode(), _TEXT, status, {**_NOT_KEPT, **named})


def _check_method(request: Request, *allowed: str) -> None:
    if request.method not in allowed:
        raise HttpError(405, f"use {' or '.join(allowed)}", Allow=", ".join(allowed))
