"""Let a pending log be used: the issuer asks it for promises from now on, and the log list says usable."""

import argparse
from datetime import UTC, datetime

from mingjing import data, output

EXAMPLES = """\
examples:
  mingjing log create sm2-2027 --algorithm sm2 --from 2027-01-01 --until 2028-01-01 --state pending
  mingjing log use sm2-2027              once monitors have found it in order
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the log")


def run(arguments: argparse.Namespace) -> int:
    from mingjing import own_log, publisher
    from mingjing.rooms import room_errors
    from tlog.ct import LogState, change_state, load_settings

    directory = data.directory(arguments)
    settings = data.load(directory)
    with room_errors():
        log = own_log.directory_of(directory, arguments.name)
        if load_settings(log).state is not LogState.USABLE:
            change_state(log, LogState.USABLE)
        publisher.refresh_log_lists(directory, settings, datetime.now(UTC))
    if arguments.json:
        output.emit_json(own_log.facts(directory, settings, arguments.name))
    else:
        print(f"{output.mark(True)} The log {arguments.name} is usable.")
    return 0
