"""/audit and /audit/<id>: the audits' history, their findings, and what needs a person's attention."""

from flask import Blueprint, Response, request

from monitor.values import AuditReport
from web.public.errors import BadParameter, Missing
from web.public.language import say
from web.public.models.logs import alert_facts, audit_facts, audit_shown, overview_said
from web.public.negotiation import page, plain
from web.public.sources import sources

blueprint = Blueprint("audits", __name__)

_PAGE = 40


@blueprint.get("/audit")
def show() -> Response:
    """Show the history, newest first; ``?log=`` and ``?before=`` narrow it."""
    monitor = sources().monitor
    overview = monitor.overview()
    log = request.args.get("log") or None
    if log is not None and monitor.log(log) is None:
        raise Missing(
            say("No log of this name is followed here."),
            field="log",
            way_out=say("The page Logs lists them."),
        )
    reports = monitor.audits(log, before=_before(), limit=_PAGE)
    alerts = monitor.alerts(log)
    said = overview_said(overview, sources().now)
    facts = {
        "state": said.state,
        "sentence": said.sentence,
        "last_audit": overview.last_audit,
        "alerts": [alert_facts(alert) for alert in alerts],
        "audits": [audit_facts(report) for report in reports],
        "before": reports[-1].id if len(reports) == _PAGE else None,
    }
    return page(
        "audits.html", facts, overview=overview, said=said, alerts=alerts, chosen=log,
        audits=[audit_shown(report) for report in reports],
    )  # fmt: skip


@blueprint.get(f"/audit/<int(max={2**62}):number>")
def one(number: int) -> Response:
    """Show one audit with the evidence of every finding."""
    report = _report(number)
    evidence = {
        finding.code.value: plain(finding.evidence) for finding in report.findings if finding.evidence
    }
    facts = audit_facts(report, evidence=True)
    return page("audit.html", facts, audit=audit_shown(report), report=report, evidence=evidence)


def _report(number: int) -> AuditReport:
    found = sources().monitor.audits(before=number + 1, limit=1)
    if not found or found[0].id != number:
        raise Missing(
            say("There is no audit of this number."),
            way_out=say("The page Audits lists them, newest first."),
        )
    return found[0]


def _before() -> int | None:
    given = request.args.get("before")
    if not given:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 18:  # noqa: PLR2004  SQLite's integers
        wrong = say("before must be the number of an audit, not {given}.", given=repr(given))
        raise BadParameter(wrong, field="before")
    return int(given)
