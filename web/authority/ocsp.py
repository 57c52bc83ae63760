"""OCSP over HTTP (RFC 6960 appendix A.1), cacheable as RFC 5019 section 6 describes."""

import base64
import binascii
import datetime as dt
import hashlib
from collections.abc import Mapping
from urllib.parse import unquote

from flask import Blueprint, Response, abort, request
from werkzeug.http import http_date

from issuer.revocation import OcspAnswer, OcspResponder

REQUEST_TYPE = "application/ocsp-request"
RESPONSE_TYPE = "application/ocsp-response"
# A revocation must be seen soon, whatever the response itself allows: caches ask again after this.
MAXIMUM_AGE = dt.timedelta(minutes=5)
AGE_FRACTION = 2  # and never keep it for more than half of its validity


def create_blueprint(responders: Mapping[str, OcspResponder]) -> Blueprint:
    """Return the routes /ocsp/<ca> (POST) and /ocsp/<ca>/<base64> (GET)."""
    blueprint = Blueprint("ocsp", __name__)

    def responder(ca: str) -> OcspResponder:
        found = responders.get(ca)
        if found is None:
            abort(404, description=f"there is no CA {ca!r} here")
        return found

    @blueprint.post("/ocsp/<ca>")
    def post(ca: str) -> Response:
        answering = responder(ca)
        if request.mimetype != REQUEST_TYPE:
            abort(415, description=f"send {REQUEST_TYPE}")
        return _render(answering.respond(request.get_data()), cacheable=False)

    @blueprint.get("/ocsp/<ca>/<path:encoded>")
    def get(ca: str, encoded: str) -> Response:
        return _render(responder(ca).respond(_decode(encoded)), cacheable=True)

    return blueprint


def _decode(encoded: str) -> bytes:
    """Read base64, percent-encoded once more by some clients. What is no base64 is no request either."""
    try:
        return base64.b64decode(unquote(encoded), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _render(answer: OcspAnswer, *, cacheable: bool) -> Response:
    """RFC 5019 section 6.2: the headers follow the response's own times."""
    response = Response(answer.der, content_type=RESPONSE_TYPE)
    if answer.this_update is None or answer.cacheable_until is None or not cacheable:
        response.headers["Cache-Control"] = "no-store"
        return response
    lifetime = answer.cacheable_until - answer.this_update
    age = min(MAXIMUM_AGE, lifetime / AGE_FRACTION)
    response.headers["Cache-Control"] = (
        f"max-age={int(age.total_seconds())}, public, no-transform, must-revalidate"
    )
    response.headers["Last-Modified"] = http_date(answer.this_update)
    response.headers["Expires"] = http_date(answer.this_update + age)
    response.set_etag(hashlib.sha256(answer.der).hexdigest())
    response.make_conditional(request)  # 304 where the client has it; changes the response in place
    return response
