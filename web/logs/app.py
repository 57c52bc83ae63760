"""The WSGI application of the log service: routes, error forms, limits."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from tlog.ct import BadQuestion, CtLog, NotFound, SubmissionRefused
from tlog.errors import NotAdmitting, TlogError, Unavailable
from web.logs.http import HttpError, Response, error_response, json_response, send
from web.logs.limits import QUESTIONS, SUBMISSIONS, Rate, RateLimit
from web.logs.rfc6962 import MESSAGES

logger = logging.getLogger(__name__)

_FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_MOMENT: Final = {"Cache-Control": "public, max-age=1"}
_READ: Final = ("GET", "HEAD")


def create_app(
    logs: Mapping[str, CtLog], *, submissions: Rate = SUBMISSIONS, questions: Rate = QUESTIONS
) -> WSGIApplication:
    """Return the application that serves these logs under ``/log/<name>/``.

    ``submissions`` and ``questions`` say how much one address may send; this machine itself is not limited.

    Each submission waits for its flush, so the server needs many threads: about submissions a second times
    the flush period, 256 for a busy log.
    """
    return _Application(logs, RateLimit(submissions), RateLimit(questions))


class _Application:
    def __init__(self, logs: Mapping[str, CtLog], submissions: RateLimit, questions: RateLimit) -> None:
        self._logs = logs
        self._limits = {"POST": submissions, "GET": questions}
        self._pages: Mapping[str, Callable[[], Response]] = {
            "/healthz": lambda: Response(b"ok\n", "text/plain; charset=utf-8"),
            "/readyz": self._readiness,
            "/metrics": self._metrics,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            response = self._answer(environ)
        except HttpError as error:
            response = error_response(error)
        except (SubmissionRefused, BadQuestion) as error:
            response = error_response(HttpError(400, str(error)))
        except NotFound as error:
            response = error_response(HttpError(404, str(error)))
        except NotAdmitting as error:
            response = error_response(HttpError(403, str(error)))
        except Unavailable as error:
            response = error_response(HttpError(503, str(error), Retry_After=str(error.retry_after)))
        except TlogError:
            logger.exception("%s %s", environ["REQUEST_METHOD"], environ.get("PATH_INFO"))
            response = error_response(HttpError(500, "the log could not read its own storage"))
        except Exception:  # the last resort of a server: the client learns nothing, the log everything
            logger.exception("%s %s", environ["REQUEST_METHOD"], environ.get("PATH_INFO"))
            response = error_response(HttpError(500, "an internal error"))
        return send(response, environ, start_response)

    def _answer(self, environ: WSGIEnvironment) -> Response:
        path = str(environ.get("PATH_INFO", ""))
        if page := self._pages.get(path):
            _check_method(environ, *_READ)
            return page()
        start, _, rest = path.removeprefix("/log/").partition("/")
        log = self._logs.get(start) if path.startswith("/log/") else None
        if log is None:
            raise HttpError(404, "there is no such page; a log's address is /log/<name>/")
        if rest.startswith("ct/v1/"):
            method, message = MESSAGES.get(rest.removeprefix("ct/v1/"), ("", None))
            if message is None:
                raise HttpError(404, "RFC 6962 has no such message")
            _check_method(environ, *(_READ if method == "GET" else ("POST",)))
            self._limits[method].check(environ)
            return message(log, environ)
        _check_method(environ, *_READ)
        self._limits["GET"].check(environ)
        return _static(log, rest)

    def _readiness(self) -> Response:
        troubles = {name: trouble for name, log in self._logs.items() if (trouble := log.trouble)}
        if troubles:
            name, trouble = next(iter(troubles.items()))
            raise HttpError(503, f"the log {name} takes no submissions: {trouble}")
        return json_response({"logs": sorted(self._logs)})

    def _metrics(self) -> Response:
        lines = [
            "# TYPE mingjing_log_entries gauge",
            "# TYPE mingjing_log_head_timestamp_seconds gauge",
            "# TYPE mingjing_log_admitting gauge",
        ]
        for name, log in self._logs.items():
            head = log.get_sth()
            admitting = int(log.trouble is None and log.settings.state.admits)
            lines += [
                f'mingjing_log_entries{{log="{name}"}} {head.tree_size}',
                f'mingjing_log_head_timestamp_seconds{{log="{name}"}} {head.timestamp / 1000:.3f}',
                f'mingjing_log_admitting{{log="{name}"}} {admitting}',
            ]
        return Response("\n".join([*lines, ""]).encode(), "text/plain; version=0.0.4; charset=utf-8")


def _static(log: CtLog, path: str) -> Response:
    """static-ct-api: the same files as in the log's directory, with the headers that it asks for."""
    if path == "checkpoint":
        return Response(log.checkpoint(), "text/plain; charset=utf-8", headers=_MOMENT)
    if path.startswith("tile/"):
        return Response(log.tile(path), "application/octet-stream", headers=_FOREVER)
    if path.startswith("issuer/"):
        return Response(log.tile(path), "application/pkix-cert", headers=_FOREVER)
    raise HttpError(404, "a log has checkpoint, tile/, issuer/ and ct/v1/")


def _check_method(environ: WSGIEnvironment, *allowed: str) -> None:
    if environ["REQUEST_METHOD"] not in allowed:
        raise HttpError(405, f"use {' or '.join(allowed)}", Allow=", ".join(allowed))
