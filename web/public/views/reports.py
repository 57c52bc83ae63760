"""/sct-reports: clients report promises whose entries they could not find, for the auditor to look at."""

from http import HTTPStatus

from flask import Blueprint, Response, request

from monitor.reports import ReportError, SpoolFull, accept
from web.public.language import quoted
from web.public.negotiation import json_response
from web.public.sources import sources

blueprint = Blueprint("reports", __name__)

MAX_BODY = 131_072
_RETRY_SECONDS = 60


@blueprint.post("/sct-reports")
def report() -> Response:
    """Take a report in: 202 kept, 400 not a report, 413 too large, 429 too many wait."""
    request.max_content_length = MAX_BODY
    body = request.get_data(cache=False)
    try:
        accept(sources().settings.data / "sct-reports", body)
    except ReportError as error:
        return json_response({"error": quoted(str(error))}, status=HTTPStatus.BAD_REQUEST)
    except SpoolFull as error:
        response = json_response({"error": str(error)}, status=HTTPStatus.TOO_MANY_REQUESTS)
        response.headers["Retry-After"] = str(_RETRY_SECONDS)
        return response
    return json_response({"status": "accepted"}, status=HTTPStatus.ACCEPTED)
