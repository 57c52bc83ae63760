"""/inspect: anyone pastes a certificate or drops its file, and gets the verdict on it."""

import logging

from flask import Blueprint, Response, request, url_for

from proxy_addon.errors import ProxyError
from web.public.errors import NotReady
from web.public.language import say
from web.public.models.findings import finding_shown
from web.public.models.inspection import Inspection, inspect, read_certificates
from web.public.negotiation import page
from web.public.sources import sources
from web.public.state import Said, State

logger = logging.getLogger(__name__)
blueprint = Blueprint("inspect", __name__)


@blueprint.get("/inspect")
def show() -> Response:
    """Show the form."""
    return page("inspect.html", {"accepts": ["certificate (PEM)", "file (PEM or DER)"]}, found=None)


@blueprint.post("/inspect")
def answer() -> Response:
    """Judge what was sent: a form with ``certificate`` or ``file``, or the bytes themselves."""
    known = sources()
    chain = read_certificates(_content())
    try:
        found = inspect(chain, _host(), known.settings.data, known.monitor, known.now)
    except ProxyError as error:
        logger.error("the policy to judge by cannot be read: %s", error)  # noqa: TRY400  it says what is wrong
        raise NotReady(
            say("The policy to judge by cannot be read at the moment."), way_out=say("Try again shortly.")
        ) from error
    checks = [finding_shown(finding) for finding in found.verdict.findings]
    return page("inspect.html", _facts(found), found=found, said=_said(found), checks=checks)


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


def _facts(found: Inspection) -> dict[str, object]:
    logged = found.logged.summary.sha256.hex() if found.logged else None
    return {
        "sha256": found.leaf.fingerprint,
        "host": found.host,
        "verdict": found.header,
        "rule": found.verdict.rule,
        "findings": [finding.to_dict() for finding in found.verdict.findings],
        "certificate": url_for("certificate.show", sha256=logged) if logged else None,
    }
