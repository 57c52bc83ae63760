"""/audit, /audit/<id>, /audit/<id>/<finding>: the audits, what they found, what it means and what to do."""

from typing import Any

from flask import Blueprint, Response, request

from monitor.values import AuditOutcome, AuditReport
from web.public.drawing.strip import draw_strip
from web.public.errors import Missing
from web.public.language import say
from web.public.models.audits import (
    alert_facts,
    alert_shown,
    audit_facts,
    audit_shown,
    finding_facts,
    strip_of,
)
from web.public.models.logs import overview_said
from web.public.negotiation import page
from web.public.parameters import choice, whole_number
from web.public.pictures import inline
from web.public.sources import sources
from web.public.state import Said

blueprint = Blueprint("audits", __name__)

_PAGE = 40
_NUMBER = 2**62


@blueprint.get("/audit")
def show() -> Response:
    """Show the history, newest first; ``?log=``, ``?outcome=`` and ``?before=`` narrow it."""
    monitor = sources().monitor
    overview = monitor.overview()
    log, outcome = chosen_log(), choice("outcome", AuditOutcome)
    audits = [audit_shown(report) for report in _reports(log, outcome)]
    alerts = monitor.alerts(log)
    said = overview_said(overview, sources().now)
    facts = {
        "state": said.state,
        "sentence": said.sentence,
        "last_audit": overview.last_audit,
        "of_itself": [one.name for one in overview.logs if one.same_operator],
        "alerts": [alert_facts(alert) for alert in alerts],
        "audits": [audit_facts(audit) for audit in audits],
        "before": audits[-1].id if len(audits) == _PAGE else None,
    }
    return page(
        "audits.html",
        facts,
        overview=overview,
        said=said,
        chosen=log,
        outcome=outcome,
        alerts=[alert_shown(alert, monitor.evidence.notes(alert.id)) for alert in alerts],
        strips=_strips([log] if log else [one.name for one in overview.logs]),
        audits=audits,
    )


@blueprint.get(f"/audit/<int(max={_NUMBER}):number>")
def one(number: int) -> Response:
    """Show one audit with the evidence of every finding."""
    audit = audit_shown(report_of(number))
    return page("audit.html", audit_facts(audit, evidence=True), audit=audit)


@blueprint.get(f"/audit/<int(max={_NUMBER}):number>/<int(max=1000):position>")
def finding(number: int, position: int) -> Response:
    """Show one finding of an audit: what was found, what it means, what to do, and its evidence."""
    report = report_of(number)
    if position >= len(report.findings):
        raise Missing(
            say("This audit has no finding of this number."), way_out=say("The audit's page lists them.")
        )
    audit, found = audit_shown(report), report.findings[position]
    shown = audit.findings[position]
    facts = {
        **finding_facts(found, shown, number),
        "audit": number,
        "log": report.log,
        "state": shown.state,
        "audited_at": report.finished_at,
    }
    return page(
        "finding.html",
        facts,
        audit=audit,
        finding=shown,
        said=Said(shown.state, shown.detail),
        standing=_standing(number, position) if shown.evidence else "",
        material=found.evidence,
    )


def chosen_log() -> str | None:
    """Return the log asked for by ``?log=``; raises Missing for one that is not followed."""
    log = request.args.get("log") or None
    if log is not None and sources().monitor.log(log) is None:
        raise Missing(
            say("No log of this name is followed here."),
            field="log",
            way_out=say("The page Logs lists them."),
        )
    return log


def _reports(log: str | None, outcome: AuditOutcome | None) -> tuple[AuditReport, ...]:
    given = repr(request.args.get("before"))
    wrong = say("before must be the number of an audit, not {given}.", given=given)
    before = whole_number("before", wrong)
    if outcome is None:
        return sources().monitor.audits(log, before=before, limit=_PAGE)
    marks = sources().monitor.tally.marks(log, outcome=outcome, before=before, limit=_PAGE)
    return tuple(report_of(mark.id) for mark in marks)


def _strips(logs: list[str]) -> list[dict[str, Any]]:
    strips = (strip_of(log, sources().monitor.tally.marks(log)) for log in logs)
    return [
        {"strip": strip, "picture": inline(draw_strip(strip.bars, strip.first, strip.description))}
        for strip in strips
        if strip
    ]


def report_of(number: int) -> AuditReport:
    """Return the audit of that number; raises Missing."""
    found = sources().monitor.audits(before=number + 1, limit=1)
    if not found or found[0].id != number:
        raise Missing(
            say("There is no audit of this number."),
            way_out=say("The page Audits lists them, newest first."),
        )
    return found[0]


def _standing(audit: int, position: int) -> str:
    document = sources().monitor.evidence.finding(audit, position)
    return str(document["standing"]) if document else ""
