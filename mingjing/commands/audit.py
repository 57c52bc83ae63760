"""Audit the logs now, look at alerts, or verify an evidence file that anybody gave you."""

import argparse
from typing import Any

from mingjing import data, output
from mingjing.audit_actions import ACTIONS, shown_following
from mingjing.audit_evidence import export, verify

EXAMPLES = """\
examples:
  mingjing audit                       every log of the log list; exit 1 when anything is inconsistent
  mingjing audit sm2 --json
  mingjing audit --export DIR          and an evidence file for every alert that is open
  mingjing audit --evidence FILE       verify evidence offline, no data directory: exit 0 PROVEN, 1 not
  mingjing audit --alerts              the alerts that nobody has acknowledged, without an audit
  mingjing audit --acknowledge 3 --note "asked the operator, ticket 4711"
  mingjing audit --trust-again sm2 --note "rebuilt from backup, heads compared"
  mingjing audit --progress            how far each log was read, and its availability over 90 days
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("log", nargs="*", metavar="LOG", help="names of logs (default: all)")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--evidence", nargs="+", metavar="FILE", help="verify evidence files, with nothing but their bytes"
    )
    instead.add_argument("--alerts", action="store_true", help="list the open alerts instead of auditing")
    instead.add_argument("--progress", action="store_true", help="show how far the logs were read")
    instead.add_argument("--acknowledge", type=int, metavar="ID", help="mark an alert as looked at")
    instead.add_argument("--trust-again", metavar="LOG", help="take a log's distrust mark away")
    instead.add_argument("--export", metavar="DIR", help="write an evidence file for every open alert")
    parser.add_argument("--note", default="", metavar="TEXT", help="why; kept with the alert")


def run(arguments: argparse.Namespace) -> int:
    if arguments.evidence:
        return verify(arguments)
    directory = data.directory(arguments)
    settings = data.load(directory)
    for action, act in ACTIONS.items():
        if getattr(arguments, action) not in {None, False}:
            return act(arguments, directory, settings)
    return _audit(arguments, directory, settings)


def _audit(arguments: argparse.Namespace, directory: Any, settings: Any) -> int:
    from mingjing.rooms import audit, room_errors

    with room_errors():
        reports = audit(directory, settings, arguments.log, output.talk)
    if arguments.export:
        export(arguments.export, directory, settings)
    if arguments.json:
        output.emit_json([report.to_json() for report in reports])
    else:
        print("\n\n".join(_text(report) for report in reports))
        shown_following(directory, settings)
    outcomes = {str(report.outcome) for report in reports}
    if "inconsistent" in outcomes:
        return 1
    return 0 if outcomes <= {"consistent"} else 2


def _text(report: Any) -> str:
    state = {"consistent": True, "inconsistent": False}.get(str(report.outcome))
    size = "size unknown" if report.tree_size is None else f"{report.tree_size:,} entries"
    head = f"{output.mark(state)} log {report.log}  {output.colour(str(report.outcome), 'bold')}, {size}"
    rows = [
        (
            output.mark({"passed": True, "failed": False}.get(str(f.outcome))),
            str(f.code),
            output.safe(f.detail),
        )
        for f in report.findings
    ]
    return f"{head}\n{output.table(rows, indent='  ')}"
