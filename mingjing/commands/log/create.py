"""Make another log: a temporal shard, or one for other roots, usages or operators.

The running service opens it without a restart, and the published log list names it. What a log is cannot be
changed later: name, key, interval. A run that was cut short may be repeated.
"""

import argparse
from typing import TYPE_CHECKING, Any

from mingjing import data, output
from mingjing.errors import MingjingError

if TYPE_CHECKING:
    from pathlib import Path

    from mingjing.config import Config
    from mingjing.new_log import NewLog

EXAMPLES = """\
examples:
  mingjing log create p256-2027 --algorithm p256 --from 2027-01-01 --until 2028-01-01
  mingjing log create mail --algorithm sm2 --roots partner-root.pem ca/roots.pem --eku emailProtection
  mingjing log create bureau --algorithm sm2 --operator "Second Bureau" --state pending --dry-run
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", metavar="NAME", help="in the log's address, for good: small letters, digits, hyphens"
    )
    parser.add_argument("--algorithm", required=True, choices=("sm2", "p256"), help="what it signs with")
    parser.add_argument(
        "--from", dest="begin", metavar="DATE", help="take certificates that end at this time (UTC) or later"
    )
    parser.add_argument("--until", metavar="DATE", help="and before this time")
    parser.add_argument(
        "--roots", nargs="+", default=(), metavar="FILE", help="accepted roots, PEM (default: ca/roots.pem)"
    )
    parser.add_argument("--operator", metavar="NAME", help="who runs it (default: the service's operator)")
    parser.add_argument("--description", metavar="TEXT", help="for the log list")
    parser.add_argument(
        "--merge-delay",
        type=int,
        metavar="S",
        help="seconds until an entry is in the tree (default: the service's)",
    )
    parser.add_argument(
        "--eku",
        nargs="+",
        default=(),
        metavar="USAGE",
        help="take only certificates with one of these extended key usages: serverAuth, emailProtection, "
        "codeSigning… or OIDs (default: any)",
    )
    parser.add_argument(
        "--state",
        choices=("pending", "usable"),
        default="usable",
        help="usable: the issuer asks it (default)",
    )
    parser.add_argument("--dry-run", action="store_true", help="check everything, make nothing")


def run(arguments: argparse.Namespace) -> int:
    from mingjing.new_log import Wish, checked
    from mingjing.rooms import room_errors

    directory = data.directory(arguments)
    settings = data.load(directory)
    wish = Wish(
        name=arguments.name,
        algorithm=arguments.algorithm,
        begin=arguments.begin,
        until=arguments.until,
        roots=arguments.roots,
        operator=arguments.operator,
        description=arguments.description,
        merge_delay=arguments.merge_delay,
        eku=arguments.eku,
        state=arguments.state,
    )
    with room_errors():
        new = checked(wish, directory, settings)
        if not arguments.dry_run:
            _make(new, directory, settings)
    _show(arguments, new, directory, settings)
    return 0


def _make(new: "NewLog", directory: "Path", settings: "Config") -> None:
    from datetime import UTC, datetime

    from mingjing import own_log, publisher
    from tlog.witnesses import ASKING

    with output.step(f"Making the log {new.name}"):
        new.make(directory)
    if own_log.is_running(settings):
        with output.step("Waiting until the running service has opened it"):
            served = own_log.wait_until_served(settings, new.name)
        trouble = own_log.troubles(settings).get(new.name)
        if trouble and trouble != ASKING:  # its witnesses may not know it yet; it does not wait for them long
            raise MingjingError(
                f"the log {new.name} is made, but the running service cannot open it: {trouble}"
            )
        if not served:
            raise MingjingError(
                f"the log {new.name} is made, but the service at port {settings.listen.logs} has not opened "
                "it: does it run on another data directory?"
            )
    publisher.refresh_log_lists(directory, settings, datetime.now(UTC))


def _show(arguments: argparse.Namespace, new: "NewLog", directory: "Path", settings: "Config") -> None:
    from mingjing import own_log

    facts = _wished(new, settings) if arguments.dry_run else own_log.facts(directory, settings, new.name)
    running = own_log.is_running(settings)
    if arguments.json:
        output.emit_json({
            **facts,
            "created": not arguments.dry_run,
            "served": running and not arguments.dry_run,
        })
    else:
        print(_text(facts, dry_run=arguments.dry_run, running=running))


def _wished(new: "NewLog", settings: "Config") -> dict[str, Any]:
    """What ``log list`` would show of it."""
    from tlog.ct.usages import usage_names

    start, end = (None if moment is None else moment.isoformat() for moment in new.not_after)
    return {
        "name": new.name,
        "algorithm": new.algorithm,
        "url": f"{settings.public_url}/log/{new.name}/",
        "origin": new.origin,
        "description": new.description,
        "operator": new.operator or settings.operator,
        "state": new.state,
        "from": start,
        "until": end,
        "merge_delay": int(new.merge_delay.total_seconds()),
        "eku": [usage_names([usage]) for usage in new.eku],
        "roots": [str(root.subject) for root in new.roots],
    }


def _text(facts: dict[str, Any], *, dry_run: bool, running: bool) -> str:
    from mingjing.commands.log.list import interval

    rows = [
        ("address", facts["url"]),
        ("key", facts["algorithm"]),
        ("state", facts["state"]),
        ("certificates that end", interval(facts)),
        ("usages", ", ".join(facts["eku"]) or "any"),
        ("roots", output.safe("; ".join(facts["roots"]))),
        ("operator", output.safe(facts["operator"])),
        ("merge delay", f"{facts['merge_delay']} s"),
        ("description", output.safe(facts["description"])),
    ]
    if dry_run:
        said = f"The log {facts['name']} would be made; nothing was written."
    elif running:
        said = f"{output.mark(True)} The log {facts['name']} is open."
    else:
        said = f"{output.mark(True)} The log {facts['name']} is made; `mingjing up` opens it."
    if facts["state"] == "pending":
        said += f" The issuer asks it after `mingjing log use {facts['name']}`."
    return f"{said}\n{output.table(rows, indent='  ')}"
