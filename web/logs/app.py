"""The application of the log service: routes, error forms, limits. Requests in, answers out."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from tlog.ct import BadQuestion, NotFound, ServedLog, SubmissionRefused
from tlog.ct.submission import Submission
from tlog.errors import NotAdmitting, TlogError, Unavailable
from web.logs import listing, witnesses
from web.logs.http import HttpError, Request, Response, error_response, json_response
from web.logs.limits import QUESTIONS, SUBMISSIONS, Rate, RateLimit
from web.logs.rfc6962 import QUESTION_MESSAGES, SUBMISSION_MESSAGES, promise_response

logger = logging.getLogger(__name__)

_FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_MOMENT: Final = {"Cache-Control": "public, max-age=1"}
_READ: Final = ("GET", "HEAD")
_STATUSES: Final[Mapping[type[Exception], int]] = {
    SubmissionRefused: 400, BadQuestion: 400, NotFound: 404, NotAdmitting: 403,
}  # fmt: skip


class Application:
    """Serves these logs under ``/log/<name>/``; names may come and go in the mapping while it runs.

    ``submissions`` and ``questions`` say how much one address may send; this machine itself is not limited.
    """

    def __init__(
        self, logs: Mapping[str, ServedLog], *, submissions: Rate = SUBMISSIONS, questions: Rate = QUESTIONS
    ) -> None:
        self._logs = logs
        self._submissions, self._questions = RateLimit(submissions), RateLimit(questions)
        self._pages: Mapping[str, Callable[[], Response]] = {
            "/healthz": lambda: Response(b"ok\n", "text/plain; charset=utf-8"),
            "/readyz": self._readiness,
            "/metrics": self._metrics,
            "/log/": lambda: listing.listing(self._logs),
            "/witnesses": lambda: witnesses.witnesses(self._logs),
        }

    def answer(self, request: Request) -> Response | Submission:
        """Answer a request; for a submission that was taken, ``promise`` makes the answer once it is done."""
        try:
            return self._answer(request)
        except Exception as error:  # noqa: BLE001 -- the last resort of a server
            return _error_answer(error, request)

    def promise(self, request: Request, submission: Submission) -> Response:
        """Answer the request of a submission that is done."""
        try:
            return promise_response(submission.sct())
        except Exception as error:  # noqa: BLE001 -- the last resort of a server
            return _error_answer(error, request)

    def _answer(self, request: Request) -> Response | Submission:
        path = request.path
        if page := self._pages.get(path):
            _check_method(request, *_READ)
            return page()
        start, _, rest = path.removeprefix("/log/").partition("/")
        log = self._logs.get(start) if path.startswith("/log/") else None
        if log is None:
            raise HttpError(404, "there is no such page; /log/ lists the logs, each at /log/<name>/")
        message = rest.removeprefix("ct/v1/") if rest.startswith("ct/v1/") else None
        if submit := SUBMISSION_MESSAGES.get(message or ""):
            _check_method(request, "POST")
            self._submissions.check(request)
            return submit(log, request)
        if message is not None and message not in QUESTION_MESSAGES:
            raise HttpError(404, "RFC 6962 has no such message")
        _check_method(request, *_READ)
        self._questions.check(request)
        return QUESTION_MESSAGES[message](log, request) if message else _static(log, rest)

    def _readiness(self) -> Response:
        troubles = {name: trouble for name, log in list(self._logs.items()) if (trouble := log.trouble)}
        if not troubles:
            return json_response({"logs": sorted(self._logs)})
        message = "; ".join(f"the log {name} takes no submissions: {why}" for name, why in troubles.items())
        body = json_response({"error_message": message, "troubles": troubles, "logs": sorted(self._logs)})
        return replace(body, status=503)

    def _metrics(self) -> Response:
        lines = [
            "# TYPE mingjing_log_entries gauge",
            "# TYPE mingjing_log_head_timestamp_seconds gauge",
            "# TYPE mingjing_log_admitting gauge",
        ]
        for name, log in list(self._logs.items()):
            try:
                head = log.get_sth()
            except TlogError:  # a log that is not served: what is missing here, /readyz explains
                continue
            admitting = int(log.trouble is None and log.settings.state.admits)
            lines += [
                f'mingjing_log_entries{{log="{name}"}} {head.tree_size}',
                f'mingjing_log_head_timestamp_seconds{{log="{name}"}} {head.timestamp / 1000:.3f}',
                f'mingjing_log_admitting{{log="{name}"}} {admitting}',
            ]
        lines += witnesses.metrics(self._logs)
        return Response("\n".join([*lines, ""]).encode(), "text/plain; version=0.0.4; charset=utf-8")


def _static(log: ServedLog, path: str) -> Response:
    """static-ct-api: the same files as in the log's directory, with the headers that it asks for."""
    if path == "checkpoint":
        return Response(log.checkpoint(), "text/plain; charset=utf-8", headers=_MOMENT)
    if path.startswith("tile/"):
        return Response(log.tile(path), "application/octet-stream", headers=_FOREVER)
    if path.startswith("issuer/"):
        return Response(log.tile(path), "application/pkix-cert", headers=_FOREVER)
    raise HttpError(404, "a log has checkpoint, tile/, issuer/ and ct/v1/")


def _check_method(request: Request, *allowed: str) -> None:
    if request.method not in allowed:
        raise HttpError(405, f"use {' or '.join(allowed)}", Allow=", ".join(allowed))


def _error_answer(error: Exception, request: Request) -> Response:
    return error_response(_http_error(error, request))


def _http_error(error: Exception, request: Request) -> HttpError:
    """Return what the client may know of an error; what it may not goes into the service's own log."""
    if isinstance(error, HttpError):
        return error
    if isinstance(error, Unavailable):
        return HttpError(503, str(error), Retry_After=str(error.retry_after))
    for kind, status in _STATUSES.items():
        if isinstance(error, kind):
            return HttpError(status, str(error))
    logger.error("%s %s", request.method, request.path, exc_info=error)
    own_storage = isinstance(error, TlogError)
    return HttpError(500, "the log could not read its own storage" if own_storage else "an internal error")
