"""How a problem is told: as a page or, where JSON was asked for, as ``{"error": …, "field": …}``."""

import logging
import sqlite3
from http import HTTPStatus

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from monitor.errors import MonitorError, NoVerifiedHead, QueryError, UnknownLog
from web.public.errors import BadParameter, Missing, NotReady, SiteError
from web.public.language import join, quoted, say
from web.public.negotiation import json_response, wants_json

logger = logging.getLogger(__name__)

_FIELDS = frozenset({
    "after", "limit", "exclude", "validity", "at", "revocation", "issuer", "expires_from", "expires_until",
    "seen_from", "seen_until", "kind", "log",
})  # fmt: skip


def register(app: Flask) -> None:
    """Turn every exception of a request into a page or JSON that says what happened."""
    app.register_error_handler(SiteError, _tell)
    app.register_error_handler(MonitorError, _tell_monitor)
    app.register_error_handler(sqlite3.OperationalError, _tell_unreadable)
    app.register_error_handler(HTTPException, _tell_http)
    app.register_error_handler(Exception, _tell_crash)


def _tell(problem: SiteError) -> Response:
    if wants_json(strict=False):
        facts = {"error": problem.message, "field": problem.field, "way_out": problem.way_out or None}
        return json_response({key: value for key, value in facts.items() if value}, status=problem.status)
    page = render_template("problem.html", problem=problem, path=request.path)
    return Response(page, status=problem.status, mimetype="text/html")


def of_query(error: QueryError) -> BadParameter:
    """Return what the monitor says of a query, with the parameter that its message starts with, else q."""
    field = str(error).partition(":")[0]
    return BadParameter(quoted(str(error)), field=field if field in _FIELDS else "q")


def _tell_monitor(error: MonitorError) -> Response:
    if isinstance(error, QueryError):
        return _tell(of_query(error))
    if isinstance(error, UnknownLog):
        return _tell(
            Missing(
                quoted(str(error)), field="log", way_out=say("The page Logs lists those that are followed.")
            )
        )
    if isinstance(error, NoVerifiedHead):
        return _tell(NotReady(quoted(str(error))))
    return _tell_unreadable(error)


def _tell_unreadable(error: Exception) -> Response:
    # also a database that the scheduler has not brought to this version yet, as while both are updated
    logger.error("the monitor could not answer %s: %s", request.path, error)
    return _tell(
        NotReady(
            say("The monitor's database cannot be read at the moment."), way_out=say("Try again shortly.")
        )
    )


def _tell_http(error: HTTPException) -> Response:
    problem = _as_problem(error)
    response = _tell(problem)
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def _as_problem(error: HTTPException) -> SiteError:
    if isinstance(error, NotFound):
        return Missing(
            say("There is no page at this address."),
            way_out=say("Search for a name, or start from the home page."),
        )
    if isinstance(error, MethodNotAllowed):
        allowed = join(", ", sorted(set(error.valid_methods or ()) - {"OPTIONS", "HEAD"}))
        wrong = "This address does not answer {method}; it answers {allowed}."
        problem = SiteError(say(wrong, method=request.method, allowed=allowed))
    elif isinstance(error, RequestEntityTooLarge):
        problem = SiteError(
            say(
                "What was sent is larger than this address accepts, {most} bytes.",
                most=f"{request.max_content_length or 0:,}",
            )
        )
    else:
        problem = SiteError(say("The request could not be understood."))
    problem.status = HTTPStatus(error.code or HTTPStatus.BAD_REQUEST)
    problem.title = say(problem.status.phrase)
    return problem


def _tell_crash(error: Exception) -> Response:
    # The last resort: whatever was not foreseen becomes a page; its details stay in the log.
    logger.error("could not answer %s %s", request.method, request.path, exc_info=error)
    problem = SiteError(
        say("Something went wrong on our side, and it has been written to the site's log."),
        way_out=say("Try again; if it happens again, tell the operator the time and this address."),
    )
    problem.status = HTTPStatus.INTERNAL_SERVER_ERROR
    problem.title = say("An error of ours")
    return _tell(problem)
