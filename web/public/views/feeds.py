"""/audit.atom and /alerts.atom: what the audits found, and what waits for a person, as feeds (RFC 4287)."""

from datetime import datetime

from flask import Blueprint, Response, render_template, request

from monitor.values import AuditOutcome
from web.public.models.audits import alert_shown, audit_shown
from web.public.sources import sources
from web.public.views.audits import chosen_log, report_of

blueprint = Blueprint("feeds", __name__)

_FAILED, _NEWEST, _ALERTS = 20, 40, 100


@blueprint.get("/audit.atom")
def audits() -> Response:
    """Give the last audits, those with a failed finding first; ``?log=`` narrows it."""
    log = chosen_log()
    monitor = sources().monitor
    marks = monitor.tally.marks(log, outcome=AuditOutcome.INCONSISTENT, limit=_FAILED)
    failed = [report_of(mark.id) for mark in marks]
    known = {report.id for report in failed}
    others = [report for report in monitor.audits(log, limit=_NEWEST) if report.id not in known]
    reports = [*failed, *others]
    updated = max((report.finished_at for report in reports), default=None)
    return _feed("audits.atom", updated, log=log, audits=list(map(audit_shown, reports)))


@blueprint.get("/alerts.atom")
def alerts() -> Response:
    """Give the alerts, open ones first; ``?log=`` narrows it. An alert that is met again is updated."""
    log = chosen_log()
    found = sorted(sources().monitor.alerts(log, _ALERTS), key=lambda alert: alert.acknowledged)
    updated = max((alert.last_at for alert in found), default=None)
    return _feed("alerts.atom", updated, log=log, alerts=list(map(alert_shown, found)))


def _feed(template: str, updated: datetime | None, **context: object) -> Response:
    text = render_template(
        template, updated=updated or sources().now, base=sources().settings.public_url, **context
    )
    response = Response(text, content_type="application/atom+xml; charset=utf-8")
    response.vary.update({"Accept-Language", "Cookie"})
    response.add_etag()
    response.make_conditional(request)
    return response
