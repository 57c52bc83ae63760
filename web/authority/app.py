"""The application factory. One blueprint a protocol."""

import sqlite3

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from issuer.authority import Authority
from web.authority import ocsp

MAXIMUM_BODY = 16384  # octets; no request of this face needs more


def create_app(authority: Authority) -> Flask:
    """Return a WSGI application that answers for this authority, safe to serve from several threads."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAXIMUM_BODY
    app.url_map.merge_slashes = False  # a path is what was asked, "//" too: answered, never redirected
    app.register_blueprint(ocsp.create_blueprint(authority.responders))
    app.register_error_handler(HTTPException, _plain_error)

    @app.get("/healthz")
    def healthz() -> tuple[Response, int]:
        try:
            healthy = authority.store.healthy()
        except sqlite3.Error:
            healthy = False
        return jsonify(status="ok" if healthy else "the database does not answer"), 200 if healthy else 503

    return app


def _plain_error(error: HTTPException) -> Response:
    """Errors of this face are for programs: one plain sentence, never kept."""
    response = Response(f"{error.description}\n", status=error.code, mimetype="text/plain")
    response.headers["Cache-Control"] = "no-store"
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response
