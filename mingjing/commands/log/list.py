"""List the logs: state, interval, size, newest head, operator, roots.

Reads files only, so it works whether the services run or not. Exit 1 when a log's files
cannot be read or are not those that its lock stands for.
"""

import argparse
from datetime import datetime
from typing import Any

from mingjing import data, output

EXAMPLES = """\
examples:
  mingjing log list
  mingjing log list --json        the roots by name, log id, address, merge delay and usages too
"""


def configure(parser: argparse.ArgumentParser) -> None:
    del parser  # --data and --json are enough


def run(arguments: argparse.Namespace) -> int:
    from mingjing.own_log import facts
    from mingjing.rooms import log_names

    directory = data.directory(arguments)
    settings = data.load(directory)
    logs = [facts(directory, settings, name) for name in log_names(directory)]
    if arguments.json:
        output.emit_json(logs)
    elif logs:
        print(_text(logs))
    else:
        output.talk("There is no log yet. Make one with `mingjing log create`.")
    return 1 if any(log["problem"] for log in logs) else 0


def _text(logs: list[dict[str, Any]]) -> str:
    heads = ("log", "key", "state", "certificates that end", "entries", "newest head (UTC)", "roots")
    rows = [_row(log) for log in logs]
    parts = [output.table(rows, (*heads, "operator", "description"))]
    parts += [
        f"{output.mark(False)} {output.safe(log['name'])}: {output.safe(log['problem'])}"
        for log in logs
        if log["problem"]
    ]
    return "\n".join(parts)


def _row(log: dict[str, Any]) -> tuple[str, ...]:
    size, signed = log.get("tree_size"), log.get("head_time")
    return (
        output.safe(log["name"]),
        log.get("algorithm", "?"),
        log.get("state", "?"),
        interval(log),
        "?" if size is None else f"{size:,}",
        "?" if signed is None else f"{datetime.fromisoformat(signed):%Y-%m-%d %H:%M:%S}",
        str(len(log["roots"])) if "roots" in log else "?",
        output.safe(log.get("operator", "?")),
        output.safe(log.get("description", "?")),
    )


def interval(log: dict[str, Any]) -> str:
    """Return a shard's interval for a person; times are UTC."""
    if "from" not in log:
        return "?"
    start, end = (_moment(log[field]) for field in ("from", "until"))
    if start is None and end is None:
        return "any time"
    return " ".join(filter(None, (start and f"from {start}", end and f"before {end}")))


def _moment(text: str | None) -> str | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return (
        f"{moment:%Y-%m-%d}"
        if not moment.hour + moment.minute + moment.second
        else f"{moment:%Y-%m-%d %H:%M:%S}"
    )
