"""The demo sites."""

from pathlib import Path

from mingjing.config import Config
from mingjing.demo import server
from mingjing.demo.hosts import listener_ports
from mingjing.errors import DataError
from mingjing.signals import end_on_sigterm


def run(data: Path, settings: Config) -> None:
    """Serve the demo sites until SIGTERM."""
    if not settings.demo:
        raise DataError(f"{data} was not made with --demo: it has no demo sites.")
    end_on_sigterm()
    ports = listener_ports(settings.hosts)
    server.serve(server.listeners(data / "demo" / "sites", ports, settings.public_url))
