"""The transparency logs over HTTP."""

from pathlib import Path

from mingjing.config import Config
from mingjing.rooms import key_store, log_names, room_errors
from mingjing.serving import serve_logs


def run(data: Path, settings: Config) -> None:
    """Serve until SIGTERM; what was promised is merged before the process ends."""
    from tlog.ct import CtLog
    from tlog.pool import Limits

    keys = key_store(data, "logs")
    limits = Limits(period=settings.flush_interval, head_age=max(1.0, settings.audit_interval / 2))
    logs: dict[str, CtLog] = {}
    try:
        with room_errors():
            for name in log_names(settings):
                logs[name] = CtLog(data / "logs" / name, keys.open(name), limits=limits)
        serve_logs(logs, settings.listen.host, settings.listen.logs)
    finally:
        for log in logs.values():
            log.close()
