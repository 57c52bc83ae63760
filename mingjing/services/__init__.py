"""One module a service: what ``mingjing run NAME`` does until it is told to stop."""

import logging
import sys
from importlib import import_module
from pathlib import Path

from mingjing.config import Config

SERVICES = ("site", "authority", "logs", "scheduler", "proxy", "witness", "demo")


def run_service(name: str, data: Path, settings: Config) -> None:
    """Run one service in this process until SIGTERM or Ctrl-C."""
    from mingjing.supervisor import die_with_parent

    die_with_parent()
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    module = import_module(f"mingjing.services.{name}")
    try:
        module.run(data, settings)
    except KeyboardInterrupt:
        return
