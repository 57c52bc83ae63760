"""/healthz, /readyz, /metrics: for machines."""

from flask import Blueprint, Response

from monitor import Monitor
from monitor.errors import MonitorError
from monitor.values import AuditOutcome, Overview
from web.public.negotiation import json_response
from web.public.sources import sources

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """Say that this process answers."""
    return json_response({"status": "ok"})


@blueprint.get("/readyz")
def ready() -> Response:
    """Say whether the site has what its pages need: the monitor's database, and logs that answer."""
    checks = {"monitor": _monitor_answers(), "logs": sources().site.upstreams["logs"].answers("/healthz")}
    complete = all(checks.values())
    facts = {"status": "ready" if complete else "not-ready", "checks": checks}
    return json_response(facts, status=200 if complete else 503)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Give the state of the logs as the site sees it, in Prometheus's text format."""
    lines = _lines(sources().monitor, sources().monitor.overview())
    return Response("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def _monitor_answers() -> bool:
    try:
        sources().monitor.overview()
    except MonitorError:
        return False
    return sources().settings.database.exists()


def _lines(_monitor: Monitor, overview: Overview) -> list[str]:
    now = sources().now
    lines = [
        *_metric("mingjing_certificates", "Certificates in the search index.", {"": overview.certificates}),
        *_metric("mingjing_entries", "Log entries read.", {"": overview.entries}),
        *_metric("mingjing_open_alerts", "Alerts that nobody has acknowledged.", {"": len(overview.alerts)}),
    ]
    heads = {f'{{log="{log.name}"}}': log.head.tree_size for log in overview.logs if log.head}
    lines += _metric("mingjing_log_tree_size", "Size of the last verified tree head.", heads)
    consistent = {
        f'{{log="{log.name}"}}': int(log.outcome is AuditOutcome.CONSISTENT) for log in overview.logs
    }
    lines += _metric("mingjing_log_consistent", "1 when the last audit found the log consistent.", consistent)
    age = {
        f'{{log="{log.name}"}}': round((now - log.audited_at).total_seconds(), 3)
        for log in overview.logs
        if log.audited_at
    }
    return lines + _metric("mingjing_log_audit_age_seconds", "Time since the last audit.", age)


def _metric(name: str, meaning: str, values: dict[str, int] | dict[str, float]) -> list[str]:
    return [
        f"# HELP {name} {meaning}",
        f"# TYPE {name} gauge",
        *(f"{name}{of} {value}" for of, value in values.items()),
    ]
