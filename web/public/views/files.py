"""Files for programs: CA certificates, revocation lists, the log list and the trust bundle."""

from datetime import timedelta
from email.utils import format_datetime

from flask import Blueprint, Response, render_template, request

from web.public.errors import BadParameter
from web.public.language import say
from web.public.negotiation import json_response
from web.public.openapi import description
from web.public.sources import sources

blueprint = Blueprint("files", __name__)

_LOG_LISTS = {"static": "log-list.json", "rfc6962": "log-list.rfc6962.json"}
_SHORT, _LONG = timedelta(seconds=10), timedelta(hours=1)


@blueprint.get("/ca/<ca>.crt")
def certificate(ca: str) -> Response:
    """Serve a CA's certificate in DER (RFC 5280 section 4.2.2.1)."""
    der = sources().ca_certificate(ca).der
    return _file(der, "application/pkix-cert", _LONG, f"{ca}.crt")


@blueprint.get("/crl/<ca>.crl")
def revocations(ca: str) -> Response:
    """Serve a CA's revocation list in DER (RFC 5280 section 4.2.1.13)."""
    return _file(sources().crl(ca), "application/pkix-crl", _SHORT, f"{ca}.crl")


@blueprint.get("/log-list.json")
def log_list() -> Response:
    """Serve the logs in the log list v3 schema; ``?api=rfc6962`` lists them under ``logs``."""
    api = request.args.get("api", "static")
    if api not in _LOG_LISTS:
        wrong = say("api must be static or rfc6962, not {given}.", given=repr(api))
        raise BadParameter(wrong, field="api")
    return _file(sources().document(_LOG_LISTS[api]), "application/json", _SHORT)


@blueprint.get("/trust-bundle")
def trust_bundle() -> Response:
    """Serve the signed trust bundle (a DSSE envelope) for clients elsewhere."""
    return _file(sources().document("trust-bundle.json"), "application/json", _SHORT)


@blueprint.get("/opensearch.xml")
def opensearch() -> Response:
    """Describe the search to browsers (OpenSearch 1.1)."""
    text = render_template("opensearch.xml", base=sources().settings.public_url)
    return _file(text.encode(), "application/opensearchdescription+xml", _LONG)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Describe the JSON API (OpenAPI 3.1)."""
    return json_response(description(sources().settings.public_url))


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Say that everything may be read."""
    return _file(b"User-agent: *\nAllow: /\n", "text/plain; charset=utf-8", _LONG)


def _file(content: bytes, kind: str, keep: timedelta, name: str | None = None) -> Response:
    """Answer with a file that may be kept for a while and is then asked about by its ETag."""
    response = Response(content, content_type=kind)
    if name:
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = f"public, max-age={keep.seconds}"
    response.headers["Expires"] = format_datetime(sources().now + keep, usegmt=True)
    response.add_etag()
    response.make_conditional(request)
    return response
