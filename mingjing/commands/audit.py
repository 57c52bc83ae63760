"""Audit the logs now: signature, consistency, and the root rebuilt from every entry."""

import argparse
from typing import Any

from mingjing import data, output

EXAMPLES = """\
examples:
  mingjing audit               every log of the log list; exit 1 when anything is inconsistent
  mingjing audit sm2 --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("log", nargs="*", metavar="LOG", help="names of logs (default: all)")


def run(arguments: argparse.Namespace) -> int:
    from mingjing.rooms import audit, room_errors

    directory = data.directory(arguments)
    settings = data.load(directory)
    with room_errors():
        reports = audit(directory, settings, arguments.log, output.talk)
    if arguments.json:
        output.emit_json([report.to_json() for report in reports])
    else:
        print("\n\n".join(_text(report) for report in reports))
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
