"""Freeze a log for good: no more submissions, a final tree head, read-only in the log list.

A running service stops admitting within a second, merges what waits and signs the final head; where none
runs, this command does. What the log promised stays good, and it is served as before. There is no way back.
"""

import argparse
import sys
from typing import Any

from mingjing import data, output
from mingjing.errors import ConfigError, MingjingError

EXAMPLES = """\
examples:
  mingjing log freeze p256 --dry-run      what would happen
  mingjing log freeze p256                asks, on a terminal
  mingjing log freeze p256 --yes          does not ask
  mingjing log freeze p256 --retire       not only frozen: certificates no longer count on its new promises
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the log")
    parser.add_argument("--retire", action="store_true", help="retired in the log list, not readonly")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, change nothing")


def run(arguments: argparse.Namespace) -> int:
    from mingjing.freezing import freeze, plan
    from mingjing.rooms import room_errors

    directory = data.directory(arguments)
    settings = data.load(directory)
    with room_errors():
        planned = plan(directory, arguments.name, retire=arguments.retire)
        if arguments.dry_run:
            _emit(arguments, {**planned.facts, "frozen": False}, planned.sentences)
            return 0
        if planned.needed:
            _ask(arguments, planned.sentences)
        with output.step(f"Freezing the log {arguments.name}"):
            facts = freeze(directory, settings, planned)
    _emit(arguments, {**facts, "frozen": True}, [f"{output.mark(True)} {_done(facts)}"])
    return 0


def _ask(arguments: argparse.Namespace, sentences: list[str]) -> None:
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("--yes: freezing cannot be undone, so it must be said where nobody can be asked.")
    output.talk("\n".join(sentences))
    sys.stderr.write(f"Type the log's name to freeze it for good [{arguments.name}]: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != arguments.name:
        raise MingjingError("nothing was changed.")


def _emit(arguments: argparse.Namespace, facts: dict[str, Any], sentences: list[str]) -> None:
    if arguments.json:
        output.emit_json(facts)
    else:
        print("\n".join(sentences))


def _done(facts: dict[str, Any]) -> str:
    head = facts["final_tree_head"]
    if head is None:
        return f"The log {facts['name']} is {facts['state']}, without a final head: {facts['problem']}"
    return (
        f"The log {facts['name']} is {facts['state']}; its final head has {head['tree_size']:,} entries, "
        f"signed {head['head_time']}."
    )
