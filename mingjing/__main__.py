"""The command line: finds the command, runs it, and turns errors into one sentence and an exit code."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from mingjing.errors import MingjingError, Unreachable

COMMANDS = (
    "init",
    "up",
    "run",
    "browser",
    "check",
    "issue",
    "revoke",
    "certificates",
    "audit",
    "search",
    "watch",
    "log",
    "status",
)
_EXAMPLE = """\
example:
  mingjing up --demo        everything, to try
  mingjing COMMAND --help   help for a command
"""
REFUSED, WRONG_CALL = 1, 2


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every command; the commands' modules load nothing heavy until they run."""
    parser = argparse.ArgumentParser(
        prog="mingjing",
        description="The cryptography service that an organisation runs for itself.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = import_module(f"mingjing.commands.{name}")
        summary = str(module.__doc__).splitlines()[0]
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument(
            "--data", metavar="DIR", help="the data directory (default: $MINGJING_DATA or ./data)"
        )
        command.add_argument("--json", action="store_true", help="print JSON")
        module.configure(command)
        command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 for success, 1 for a refusal, 2 for a wrong call or unreachable peer."""
    parsed = build_parser().parse_args(arguments)
    try:
        return int(parsed.run(parsed) or 0)
    except MingjingError as error:
        print(f"mingjing {parsed.command}: {error}", file=sys.stderr)
        if parsed.json:
            print(json.dumps({"error": str(error)}, ensure_ascii=False))
        return (
            WRONG_CALL if isinstance(error, Unreachable) or error.__class__ is not MingjingError else REFUSED
        )
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
