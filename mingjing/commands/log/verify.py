"""Rebuild logs from everything that is stored and compare it with what they signed.

Reads every entry, recomputes every hash, and needs no key and no service. Exit 1 when anything is wrong.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mingjing import data, output
from mingjing.errors import ConfigError

if TYPE_CHECKING:
    from tlog.ct import LogReport

EXAMPLES = """\
examples:
  mingjing log verify                                  every log
  mingjing log verify p256 --json
  mingjing log verify --directory /srv/www/p256        an export, by the key in its log.v3.json
  mingjing log verify p256 --directory /srv/www/p256   an export, by the key of our log p256
"""
SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="*", metavar="NAME", help="names of logs (default: all)")
    parser.add_argument("--directory", metavar="DIR", help="a log's exported directory instead")


def run(arguments: argparse.Namespace) -> int:
    from mingjing.rooms import room_errors

    with room_errors():
        reports = _exported(arguments) if arguments.directory else _own(arguments)
    if arguments.json:
        output.emit_json([_facts(report) for report in reports])
    else:
        print("\n".join(_text(report) for report in reports))
    return 0 if all(report.whole for report in reports) else 1


def _own(arguments: argparse.Namespace) -> "list[LogReport]":
    from mingjing.own_log import directory_of
    from mingjing.progress import Progress
    from mingjing.rooms import lock_directory, log_names
    from tlog.ct import LogReport, verify_log
    from tlog.errors import TlogError
    from tlog.verify import Damage

    directory = data.directory(arguments)
    data.load(directory)
    reports, locks = [], lock_directory(directory)
    for name in arguments.name or log_names(directory):
        progress = Progress(f"Verifying {name}", "tiles")
        try:
            log = directory_of(directory, name)
            reports.append(verify_log(log, lock_directory=locks, progress=progress))
        except TlogError as error:
            reports.append(LogReport(name, None, (Damage(f"logs/{name}", str(error)),)))
        finally:
            progress.end()
    return reports


def _exported(arguments: argparse.Namespace) -> "list[LogReport]":
    from mingjing.exported import heads_of_export, heads_of_own
    from mingjing.progress import Progress
    from tlog.ct import verify_copy

    if len(arguments.name) > 1:
        raise ConfigError("NAME: expected at most one log with --directory.")
    copy = Path(arguments.directory)
    if arguments.name:
        heads = heads_of_own(data.directory(arguments), arguments.name[0])
    else:
        heads = heads_of_export(copy)
    progress = Progress(f"Verifying {copy}", "tiles")
    try:
        return [verify_copy(copy, heads, heads.origin, progress=progress)]
    finally:
        progress.end()


def _facts(report: "LogReport") -> dict[str, Any]:
    from mingjing.own_log import head_facts

    head = (
        head_facts(report.head) if report.head else {"tree_size": None, "root_hash": None, "head_time": None}
    )
    damages = [{"object": damage.key, "found": damage.found} for damage in report.damages]
    return {"name": report.name, "whole": report.whole, **head, "damages": damages}


def _text(report: "LogReport") -> str:
    size = "no readable tree head" if report.head is None else f"{report.head.size:,} entries"
    if report.whole:
        return f"{output.mark(True)} {output.safe(report.name)}: {size}, all as signed"
    rows = [(output.safe(damage.key), output.safe(damage.found)) for damage in report.damages[:SHOWN]]
    more = len(report.damages) - len(rows)
    parts = [
        f"{output.mark(False)} {output.safe(report.name)}: {size}, {len(report.damages):,} things wrong",
        output.table(rows, indent="  "),
        f"  … and {more:,} more; --json has all" if more else "",
    ]
    return "\n".join(filter(None, parts))
