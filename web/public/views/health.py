"""/healthz, /readyz, /metrics: for machines."""

from flask import Blueprint, Response

from monitor.errors import MonitorError
from web.public.metrics import CONTENT_TYPE, Family, logs, written
from web.public.metrics.watching import of_watching
from web.public.negotiation import json_response
from web.public.sources import sources
from web.public.visitors import may_see

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
    """Give the state of logs, audits, watching and the site's own requests, in Prometheus's text format."""
    known = sources()
    monitor, now, overview = known.monitor, known.now, known.monitor.overview()
    families = [
        *logs.overall(overview, known.counts(), now),
        *logs.of_logs(overview.logs, now),
        *logs.of_following(monitor, overview.logs),
        *logs.of_availability(monitor, overview.logs, now),
        *logs.of_witnesses(overview.logs, now),
        *known.site.requests.families(),
        Family("mingjing_sct_reports_waiting", "Reports that nobody has looked at yet.").add(
            _reports_waiting()
        ),
    ]
    watching = monitor.watching.state()
    if may_see(watching):
        families += of_watching(watching, now)
    return Response(written(families), content_type=CONTENT_TYPE)


def _reports_waiting() -> int:
    return sum(1 for _ in (sources().settings.data / "sct-reports").glob("*.json"))


def _monitor_answers() -> bool:
    try:
        sources().monitor.overview()
    except MonitorError:
        return False
    return sources().settings.database.exists()
