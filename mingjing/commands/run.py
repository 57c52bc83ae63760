"""Run only the named services, each on its own machine if wanted."""

import argparse
from pathlib import Path

from mingjing import data
from mingjing.services import SERVICES, run_service

EXAMPLES = """\
examples:
  mingjing run logs                 the transparency logs alone, in the foreground
  mingjing run site scheduler       two services, restarted when one dies
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", nargs="+", choices=SERVICES, metavar="SERVICE", help=", ".join(SERVICES))


def run(arguments: argparse.Namespace) -> int:
    directory = data.directory(arguments)
    settings = data.load(directory)
    if len(arguments.service) == 1:
        run_service(arguments.service[0], directory, settings)
        return 0
    return _several(arguments, directory)


def _several(arguments: argparse.Namespace, directory: Path) -> int:
    from mingjing.signals import end_on_sigterm
    from mingjing.supervisor import Service, Supervisor

    end_on_sigterm()
    supervisor = Supervisor(directory)
    try:
        for name in arguments.service:
            supervisor.start(Service(name))
        supervisor.watch()
    except KeyboardInterrupt:
        return 0
    finally:
        supervisor.stop()
    return 0
