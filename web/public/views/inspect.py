"""/inspect: anyone pastes a certificate or drops its file, and gets the verdict on it."""

import logging
from collections.abc import Sequence

from flask import Blueprint, Response, render_template, request, url_for

from proxy_addon.errors import ProxyError
from verifier.certificates import Certificate
from web.public.errors import BadParameter, NotReady
from web.public.language import say
from web.public.models.brought import read_brought
from web.public.models.extensions import ExtensionShown, extension_facts, extensions_shown
from web.public.models.findings import finding_shown
from web.public.models.inspection import Inspection, inspect
from web.public.negotiation import page, wants_json
from web.public.sources import sources
from web.public.state import Said, State

logger = logging.getLogger(__name__)
blueprint = Blueprint("inspect", __name__)


LARGEST = 64 * 2**10
"""Bytes that are taken."""


@blueprint.get("/inspect")
def show() -> Response:
    """Show the form."""
    facts = {"accepts": ["certificates (PEM)", "file (PEM, DER or PKCS #7)"]}
    return page("inspect.html", facts, found=None, problem=None, largest=LARGEST)


@blueprint.post("/inspect")
def answer() -> Response:
    """Judge what was sent: a form with ``certificate`` or ``file``, or the bytes themselves."""
    request.max_content_length = LARGEST
    try:
        chain = read_brought(_content())
        found = _judged(chain)
    except BadParameter as problem:
        if wants_json(strict=False):
            raise
        return _refused(problem)
    checks = [finding_shown(finding) for finding in found.verdict.findings]
    extensions = extensions_shown(found.leaf)
    return page(
        "inspect.html", _facts(found, extensions), found=found, problem=None, said=_said(found),
        checks=checks, extensions=extensions, largest=LARGEST,
    )  # fmt: skip


def _judged(chain: tuple[Certificate, ...]) -> Inspection:
    known = sources()
    try:
        return inspect(chain, _host(), known.settings.data, known.monitor, known.now)
    except ProxyError as error:
        logger.error("the policy to judge by cannot be read: %s", error)  # noqa: TRY400  it says what is wrong
        raise NotReady(
            say("The policy to judge by cannot be read at the moment."), way_out=say("Try again shortly.")
        ) from error


def _refused(problem: BadParameter) -> Response:
    """Show the form again, with what is wrong; nothing of what was sent is shown."""
    shown = render_template("inspect.html", facts={}, found=None, problem=problem, largest=LARGEST)
    return Response(shown, status=problem.status, mimetype="text/html")


def _content() -> bytes:
    if request.mimetype in {"multipart/form-data", "application/x-www-form-urlencoded"}:
        file = request.files.get("file")
        return (file.read() if file else b"") or request.form.get("certificate", "").encode()
    return request.get_data()


def _host() -> str:
    return (request.values.get("host") or "").strip()


def _said(found: Inspection) -> Said:
    deciding = found.verdict.deciding
    if deciding:
        return Said(State.REFUSED, finding_shown(deciding).detail)
    return Said(State.TRUSTED, say("Every check that the policy asks of a certificate passed."))


def _facts(found: Inspection, extensions: Sequence[ExtensionShown]) -> dict[str, object]:
    logged = found.logged.summary.sha256.hex() if found.logged else None
    return {
        "sha256": found.leaf.fingerprint,
        "host": found.host,
        "verdict": found.header,
        "rule": found.verdict.rule,
        "findings": [finding.to_dict() for finding in found.verdict.findings],
        "subject": found.leaf.subject,
        "issuer": found.leaf.issuer,
        "not_before": found.leaf.not_before,
        "not_after": found.leaf.not_after,
        "extensions": [extension_facts(shown) for shown in extensions],
        "certificate": url_for("certificate.show", sha256=logged) if logged else None,
    }
