"""What ``status`` tells: services, engine, logs, alerts, as one JSON value."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mingjing import own_log
from mingjing.config import Config
from mingjing.rooms import monitor
from mingjing.serving import answers
from mingjing.witnesses import witness_states

if TYPE_CHECKING:
    from monitor.values import Overview

SERVICES = ("site", "proxy", "authority", "logs")


def gather(data: Path, settings: Config, now: datetime) -> dict[str, Any]:
    """Return the state at ``now``; ``healthy`` is false when anything needs attention."""
    from verifier.algorithms import engine_report

    watching = monitor(data, settings, read_only=True)
    try:
        overview, watch = watching.overview(), watching.watching.state()
    finally:
        watching.close()
    names = (*SERVICES, "witness") if settings.witness else SERVICES
    services = [_service(settings, name) for name in names]
    services.append(_scheduler(overview.heartbeat, stale=overview.stale(now), now=now))
    logs = _logs(data, settings, overview, now)
    alerts = [
        {"log": a.log, "code": str(a.code), "detail": a.detail, "since": a.first_at} for a in overview.alerts
    ]
    told = not watch.error and not any(channel.dead for channel in watch.channels)
    trusted = not alerts and not any(log["distrusted"] or log["trouble"] for log in logs)
    healthy = all(s["running"] for s in services) and trusted and told
    return {
        "healthy": healthy,
        "services": services,
        "engine": str(engine_report()),
        "logs": logs,
        "last_audit": overview.last_audit,
        "alerts": alerts,
        "witnesses": witness_states(settings),
        "watching": watch.to_json(now),
    }


def _logs(data: Path, settings: Config, overview: "Overview", now: datetime) -> list[dict[str, Any]]:
    """Return what the audits found of each log, and what the running service says of our own.

    A log of ours that the auditor does not know yet stands at the end.
    """
    troubles, states = own_log.troubles(settings), own_log.states(data)
    logs = [
        {
            "name": log.name,
            "audit": str(log.outcome),
            "state": log.state,
            "tree_size": log.head.tree_size if log.head else 0,
            "audited_at": log.audited_at,
            "distrusted": log.distrusted,
            "trouble": troubles.get(log.name),
            "detail": log.distrusted_reason or _audited(log.audited_at, now),
        }
        for log in overview.logs
    ]
    unknown = [name for name in states if name not in {log.name for log in overview.logs}]
    return logs + [_not_audited(name, states[name], troubles.get(name)) for name in unknown]


def _not_audited(name: str, state: str, trouble: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "audit": "pending",
        "state": state,
        "tree_size": 0,
        "audited_at": None,
        "distrusted": False,
        "trouble": trouble,
        "detail": "not audited yet",
    }


def _service(settings: Config, name: str) -> dict[str, Any]:
    host, port = settings.listen.host, getattr(settings.listen, name)
    running = answers(host, port)
    return {
        "name": name,
        "address": f"{settings.local_host}:{port}",
        "running": running,
        "detail": "answers" if running else "does not answer: start it with `mingjing up`",
    }


def _scheduler(heartbeat: datetime | None, *, stale: bool, now: datetime) -> dict[str, Any]:
    running = heartbeat is not None and not stale
    seen = f"last seen {ago(now, heartbeat)}" if heartbeat else "never seen"
    return {"name": "scheduler", "address": "", "running": running, "detail": seen}


def _audited(moment: datetime | None, now: datetime) -> str:
    return f"audited {ago(now, moment)}" if moment else "not audited yet"


def ago(now: datetime, moment: datetime) -> str:
    """Return how long ago ``moment`` was, in the largest whole unit."""
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return f"{seconds} seconds ago" if seconds != 1 else "1 second ago"
