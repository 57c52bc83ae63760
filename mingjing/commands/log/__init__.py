"""List, make, freeze, verify and export the transparency logs."""

import argparse
from importlib import import_module

EXAMPLES = """\
examples:
  mingjing log list                                     every log: state, interval, size, newest head
  mingjing log create p256-2027 --algorithm p256 --from 2027-01-01 --until 2028-01-01
  mingjing log freeze p256                              takes no more submissions, for good
  mingjing log verify                                   every log rebuilt from what is stored
  mingjing log export p256 /srv/www/p256                for any static web server or CDN
  mingjing log ACTION --help                            help for one of them
"""
ACTIONS = ("list", "create", "use", "freeze", "verify", "export")


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name in ACTIONS:
        module = import_module(f"mingjing.commands.log.{name}")
        summary = str(module.__doc__).splitlines()[0]
        action = actions.add_parser(
            name,
            help=summary,
            description=module.__doc__,
            epilog=module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        hidden = argparse.SUPPRESS  # so that what stood before the action is not taken back
        action.add_argument(
            "--data",
            metavar="DIR",
            default=hidden,
            help="the data directory (default: $MINGJING_DATA or ./data)",
        )
        action.add_argument("--json", action="store_true", default=hidden, help="print JSON")
        module.configure(action)
        action.set_defaults(act=module.run)


def run(arguments: argparse.Namespace) -> int:
    return int(arguments.act(arguments) or 0)
