"""Connect to a site as the proxy would, and print the verdict with its findings."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from mingjing import data, output

if TYPE_CHECKING:
    from proxy_addon.connect import CheckResult

EXAMPLES = """\
examples:
  mingjing check good.mingjing.test          one finding a line; exit 0: trusted, 1: refused
  mingjing check https://example.com/ --json
  mingjing check 192.0.2.7:8443              exit 2 when nothing answers there
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="URL|HOST[:PORT]", help="without a scheme, https is tried")


def run(arguments: argparse.Namespace) -> int:
    from mingjing.rooms import room_errors
    from proxy_addon.connect import check

    directory = data.directory(arguments)
    data.load(directory)
    with room_errors():
        result = check(arguments.target, directory)
    if arguments.json:
        output.emit_json(result.to_dict())
    else:
        print(text(result))
    return int(result.exit_code)


def text(result: "CheckResult") -> str:
    """Return a verdict for a person: the result, then one line for each check."""
    verdict = result.verdict
    state = verdict.trusted if result.reachable else None
    head = f"{output.mark(state)} {output.safe(verdict.host)}  {output.colour(verdict.header, 'bold')}"
    reached = [finding for finding in verdict.findings if finding.outcome != "not-reached"]
    rows = [(_SIGNS[f.outcome](), output.safe(f.title), output.safe(f.detail)) for f in reached]
    if missing := len(verdict.findings) - len(reached):
        rows.append((output.mark(trusted=None), f"{missing} more checks", "The connection had ended before."))
    return f"{head}\n\n{output.table(rows, indent='  ')}"


_SIGNS: "dict[str, Callable[[], str]]" = {
    "passed": lambda: output.mark(trusted=True),
    "failed": lambda: output.mark(trusted=False),
    "note": lambda: output.colour("!", "yellow"),
}
