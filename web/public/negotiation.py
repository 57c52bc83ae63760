"""One address, several forms: a page for people, JSON for programs."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from http import HTTPStatus
from types import UnionType
from typing import Any

from flask import Response, render_template, request

from web.public.parameters import not_among
from web.public.text import iso

PAGE_FORMS = ("html", "json")
_FOR_PROGRAMS = frozenset({
    "evidence.alert", "evidence.finding", "feeds.alerts", "feeds.audits", "files.log_list", "files.openapi",
    "files.trust_bundle", "health.alive", "health.ready", "inclusion.answer", "reports.report",
    "verify.proof", "watch.feed",
})  # fmt: skip
"""Addresses that answer in JSON alone, so that their problems are told in JSON too."""


def output_form(accepted: tuple[str, ...] = PAGE_FORMS) -> str:
    """Return the form asked for by ``?output=``, else by the Accept header; html by default.

    Raises BadParameter when ``output`` names a form that this page does not have.
    """
    asked = request.args.get("output")
    if asked is None:
        return "json" if _accepts_json() else "html"
    if asked not in accepted:
        raise not_among("output", accepted, asked)
    return asked


def wants_json(*, strict: bool = True) -> bool:
    """Tell whether JSON was asked for; without ``strict``, any machine-readable form counts."""
    if strict:
        return output_form() == "json"
    if request.endpoint in _FOR_PROGRAMS or (request.endpoint is None and request.path.endswith(".json")):
        return True
    return _accepts_json() or request.args.get("output", "html") != "html"


def _accepts_json() -> bool:
    accept = request.accept_mimetypes
    return accept["application/json"] > accept["text/html"]


def page(template: str, facts: Mapping[str, Any], **context: Any) -> Response:
    """Answer with ``facts`` as JSON, or with the template that shows the same facts.

    The template sees ``context`` and the facts under ``facts``.
    """
    if output_form() == "json":
        response = json_response(facts)
    else:
        response = Response(render_template(template, facts=facts, **context), mimetype="text/html")
    response.vary.add("Accept")
    return response


def json_response(facts: Any, *, status: int = HTTPStatus.OK, mimetype: str = "application/json") -> Response:
    """Answer with ``facts`` as JSON, readable by people too."""
    text = json.dumps(plain(facts), ensure_ascii=False, indent=2)
    return Response(text + "\n", status=status, mimetype=mimetype)


def plain(value: Any) -> Any:
    """Return ``value`` in JSON's own types: hashes as lowercase hex, times as RFC 3339 in UTC."""
    for kind, convert in _PLAIN:
        if isinstance(value, kind):
            return convert(value)
    return value


_PLAIN: tuple[tuple[type | UnionType, Callable[[Any], Any]], ...] = (
    (Enum, lambda member: member.value),
    (datetime, iso),
    (timedelta, timedelta.total_seconds),
    (bytes, bytes.hex),
    (Mapping, lambda mapping: {str(key): plain(item) for key, item in mapping.items()}),
    (tuple | list | set | frozenset, lambda items: [plain(item) for item in items]),
)
