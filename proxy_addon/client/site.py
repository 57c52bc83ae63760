"""http://verifier.mingjing/: what this proxy has decided, live.

Answered inside the proxy; nothing is asked of it that could change anything.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from mitmproxy import http

from proxy_addon.client import pages
from proxy_addon.client.ledger import Record
from proxy_addon.client.words import words_for
from proxy_addon.store import Inclusion
from verifier.algorithms import engine_report
from verifier.certificates.certificate import Certificate
from verifier.errors import VerifierError

if TYPE_CHECKING:
    from proxy_addon.client.desk import Desk

SHOWN: Final = 60
JSON: Final = "application/json; charset=utf-8"
OK, NOT_FOUND, NOT_ALLOWED = 200, 404, 405


def respond(flow: http.HTTPFlow, desk: "Desk") -> http.Response:
    """Answer a request to the status page."""
    if flow.request.method not in {"GET", "HEAD"}:
        return _plain(flow, NOT_ALLOWED, "Only GET and HEAD are answered here.\n")
    path = flow.request.path.partition("?")[0]
    page = _PAGES.get(path)
    if page is not None:
        return page(flow, desk)
    if path.startswith("/verdict/"):
        return _verdict(flow, desk, path.removeprefix("/verdict/"))
    return _plain(flow, NOT_FOUND, "There is no such page here.\n")


def _plain(flow: http.HTTPFlow, status: int, text: str) -> http.Response:
    return pages.make(flow, status, text, verdict=pages.OWN_PAGE, content_type="text/plain; charset=utf-8")


def _json(flow: http.HTTPFlow, value: Any) -> http.Response:
    return pages.make(
        flow, OK, json.dumps(value, ensure_ascii=False, indent=1), verdict=pages.OWN_PAGE, content_type=JSON
    )


def _wants_json(flow: http.HTTPFlow) -> bool:
    return flow.request.query.get("output") == "json" or "application/json" in flow.request.headers.get(
        "accept", ""
    )


def _home(flow: http.HTTPFlow, desk: "Desk") -> http.Response:
    if _wants_json(flow):
        return _status_json(flow, desk)
    content = pages.render(
        "status.html",
        rows=_rows(desk),
        state=_state(desk),
        version=desk.ledger.version,
    )
    return pages.make(flow, OK, content, verdict=pages.OWN_PAGE)


def _status_json(flow: http.HTTPFlow, desk: "Desk") -> http.Response:
    return _json(flow, {"version": desk.ledger.version, "state": _state(desk), "verdicts": _rows(desk)})


def _ca(flow: http.HTTPFlow, desk: "Desk") -> http.Response:
    content = (desk.engine.settings.proxy_directory / "ca.pem").read_bytes()
    return pages.make(
        flow,
        OK,
        content,
        verdict=pages.OWN_PAGE,
        content_type="application/x-pem-file",
        headers=(("Content-Disposition", 'attachment; filename="mingjing-local-ca.pem"'),),
    )


def _script(flow: http.HTTPFlow, _desk: "Desk") -> http.Response:
    return pages.make(
        flow,
        OK,
        pages.render("status.js"),
        verdict=pages.OWN_PAGE,
        content_type="text/javascript; charset=utf-8",
    )


def _verdict(flow: http.HTTPFlow, desk: "Desk", name: str) -> http.Response:
    number, _, part = name.partition("/")
    record = desk.ledger.get(int(number)) if number.isdecimal() and len(number) < 10 else None  # noqa: PLR2004
    if record is None or part not in {"", "evidence.json"}:
        return _plain(flow, NOT_FOUND, "This verdict is not kept any more: the newest few hundred are.\n")
    if part:
        return _json(flow, record.evidence.to_dict() if record.evidence else None)
    if _wants_json(flow):
        return _json(flow, _row(record, desk) | {"verdict": record.verdict.to_dict()})
    content = pages.render(
        "verdict.html",
        record=record,
        verdict=record.verdict,
        words=words_for(record.verdict.code),
        issuer=_issuer(record),
        evidence=record.evidence,
        chain=_chain(record),
        promises=_promises(record, desk),
    )
    return pages.make(flow, OK, content, verdict=pages.OWN_PAGE)


def _rows(desk: "Desk") -> list[dict[str, Any]]:
    """Return the newest verdicts, each site's repeated one once with its count.

    Pages that were opened come before what the browser fetched by itself in the background.
    """
    rows: dict[tuple[str, int, str], dict[str, Any]] = {}
    for record in sorted(desk.ledger.newest(), key=lambda record: not record.opened):
        key = (record.host, record.port, record.verdict.header)
        if key in rows:
            rows[key]["times"] += 1
        elif len(rows) < SHOWN:
            rows[key] = _row(record, desk) | {"times": 1}
    return list(rows.values())


def _row(record: Record, desk: "Desk") -> dict[str, Any]:
    verdict = record.verdict
    return {
        "number": record.number,
        "opened": record.opened,
        "host": record.host,
        "port": record.port,
        "trusted": verdict.trusted,
        "code": verdict.code.value if verdict.code else None,
        "algorithms": list(verdict.algorithms),
        "header": verdict.header,
        "judged_at": verdict.judged_at.isoformat(),
        "detail": verdict.deciding.detail if verdict.deciding else "",
        "notes": [finding.detail for finding in verdict.notes],
        "inclusion": _inclusion(record, desk),
        "address": f"/verdict/{record.number}",
    }


def _inclusion(record: Record, desk: "Desk") -> str:
    """Say in a word or two how the promises behind a verdict stand."""
    promised = len(record.verdict.relied_scts)
    if not promised:
        return ""
    states = [state for state, _ in desk.inclusion(record.verdict).values()]
    if Inclusion.NOT_INCLUDED in states:
        return "promise broken"
    kept = states.count(Inclusion.INCLUDED)
    return f"{kept} of {promised} promises proven"


def _promises(record: Record, desk: "Desk") -> list[dict[str, Any]]:
    known = desk.inclusion(record.verdict)
    return [
        {"sct": sct, "state": str(known[sct.key][0]), "detail": known[sct.key][1]}
        if sct.key in known
        else {"sct": sct, "state": "pending", "detail": ""}
        for sct in record.verdict.relied_scts
    ]


def _issuer(record: Record) -> str:
    """Name the issuer of a record's leaf, if it can be read."""
    chain = record.evidence.chain if record.evidence else ()
    try:
        return Certificate.parse(chain[1]).display_name if len(chain) > 1 else ""
    except VerifierError:
        return ""


def _chain(record: Record) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    for der in record.evidence.chain if record.evidence else ():
        try:
            certificate = Certificate.parse(der)
        except VerifierError as error:
            shown.append({
                "name": f"not readable: {error}",
                "fingerprint": "",
                "pem": "",
                "until": None,
                "key": "",
            })
            continue
        shown.append({
            "name": certificate.subject or certificate.display_name,
            "fingerprint": certificate.fingerprint.hex(),
            "pem": certificate.pem,
            "until": certificate.not_after,
            "key": f"{certificate.public_key.algorithm.upper()} {certificate.public_key.bits}",
        })
    return shown


def _state(desk: "Desk") -> dict[str, Any]:
    keeper = desk.engine.keeper
    keeper.current()
    bundle, policy = keeper.bundle, keeper.policy_state
    now = datetime.now(UTC)
    return {
        "engine": engine_report().name,
        "service": desk.engine.settings.public_url,
        "policy": {"source": policy.source, "read_at": policy.read_at.isoformat(), "error": policy.error},
        "bundle": {
            "issued_at": bundle.issued_at.isoformat(),
            "expires_at": bundle.expires_at.isoformat(),
            "age_seconds": int((now - bundle.issued_at).total_seconds()),
            "stale": bundle.expires_at < now,
            "error": keeper.bundle_error,
        },
        "promises": desk.store.counts(),
        "started_at": desk.started.isoformat(),
    }


_PAGES: Final[dict[str, Callable[[http.HTTPFlow, "Desk"], http.Response]]] = {
    "/": _home,
    "/status.json": _status_json,
    "/status.js": _script,
    "/ca.pem": _ca,
}
