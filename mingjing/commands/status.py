"""Show the services, engines, logs, last audit and alerts at a glance."""

import argparse
from datetime import UTC, datetime
from typing import Any

from mingjing import data, output

EXAMPLES = """\
examples:
  mingjing status              exit 1 when something needs attention
  mingjing status --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    del parser  # --data and --json are enough


def run(arguments: argparse.Namespace) -> int:
    from mingjing.health import gather
    from mingjing.rooms import room_errors

    directory = data.directory(arguments)
    settings = data.load(directory)
    with room_errors():
        found = gather(directory, settings, datetime.now(UTC))
    if arguments.json:
        output.emit_json(found)
    else:
        print(_text(found))
    return 0 if found["healthy"] else 1


def _text(found: dict[str, Any]) -> str:
    services = [(output.mark(s["running"]), s["name"], s["address"], s["detail"]) for s in found["services"]]
    logs = [_log(log) for log in found["logs"]]
    closed = [
        (output.mark(False), log["name"], output.safe(log["trouble"]))
        for log in found["logs"]
        if log["trouble"]
    ]
    alerts = [(output.mark(False), alert["log"], output.safe(alert["detail"])) for alert in found["alerts"]]
    parts = [
        "Services",
        output.table(services, indent="  "),
        "",
        f"SM2 engine: {found['engine']}",
        "",
        "Logs",
    ]
    parts.append(output.table(logs, indent="  ") or "  none audited yet")
    if closed:
        parts += ["", "Logs that take no submissions", output.table(closed, indent="  ")]
    if found["witnesses"]:
        parts += ["", "Witnesses", output.table([_witness(one) for one in found["witnesses"]], indent="  ")]
    watch = found["watching"]
    detail = output.safe(watch["error"]) or f"{len(watch['watches'])} watched, {watch['open']} open"
    parts += ["", f"Watching: {detail}; see `mingjing watch list --open`"]
    parts += ["", "Alerts", output.table(alerts, indent="  ") or "  none"]
    return "\n".join(parts)


def _log(log: dict[str, Any]) -> tuple[str, str, str, str, str]:
    sign = output.mark(False if log["trouble"] else _STATES.get(log["audit"]))
    return (
        sign,
        output.safe(log["name"]),
        log["state"],
        f"{log['tree_size']:,} entries",
        output.safe(log["detail"]),
    )


def _witness(state: dict[str, Any]) -> tuple[str, str, str, str]:
    size = "nothing yet" if state["size"] is None else f"{state['size']:,} entries"
    detail = output.safe(state["error"] or f"cosigned at {state['cosigned_at']}")
    return output.mark(state["error"] is None), output.safe(state["name"]), f"{state['log']}, {size}", detail


_STATES = {"consistent": True, "inconsistent": False}
