"""/log/<log>/… to the logs, /ocsp/<ca> to the authority: one address serves them all."""

from urllib.parse import quote

from flask import Blueprint, Response, current_app, request

from web.public.sources import sources

blueprint = Blueprint("forward", __name__)

MAX_BODY = 2**20  # a chain of certificates, or an OCSP request
_PASSED_ON = (
    "Accept", "Accept-Encoding", "Content-Type", "Content-Encoding", "If-None-Match", "If-Modified-Since",
    "User-Agent",
)  # fmt: skip
_UNRESERVED = "/~!$&'()*,;:@"  # kept in a path; '+', '=' and '%' are encoded, as OCSP's base64 needs


@blueprint.route("/log/<log>/ct/v1/<call>", methods=["GET", "POST"])
@blueprint.get("/log/<log>/checkpoint")
@blueprint.get("/log/<log>/tile/<path:tile>")
@blueprint.get("/log/<log>/issuer/<fingerprint>")
def to_logs(**_parts: str) -> Response:
    """Pass a log's own protocol on to the logs."""
    return _forward("logs")


@blueprint.route("/ocsp/<ca>", methods=["POST"])
@blueprint.get("/ocsp/<ca>/<path:encoded>")
def to_authority(**_parts: str) -> Response:
    """Pass an OCSP request on to the authority (RFC 6960 appendix A)."""
    return _forward("authority")


def _forward(service: str) -> Response:
    request.max_content_length = MAX_BODY
    body = request.get_data(cache=False) if request.method == "POST" else None
    answer = sources().site.upstreams[service].send(request.method, _address(), _headers(), body)
    response = current_app.response_class(answer.body, status=answer.status)
    response.headers.clear()
    response.headers.update(answer.headers)
    response.headers.setdefault("Content-Type", "application/octet-stream")
    return response


def _address() -> str:
    path = quote(request.path, safe=_UNRESERVED)
    query = request.query_string.decode("ascii", "replace")
    return f"{path}?{query}" if query else path


def _headers() -> dict[str, str]:
    headers = {key: request.headers[key] for key in _PASSED_ON if key in request.headers}
    headers["X-Forwarded-For"] = request.remote_addr or "unknown"
    headers["X-Forwarded-Proto"] = request.scheme
    headers["X-Forwarded-Host"] = request.host
    return headers
