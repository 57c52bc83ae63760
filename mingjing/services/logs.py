"""The transparency logs over HTTP."""

from pathlib import Path

from mingjing.config import Config
from mingjing.log_keeper import LogKeeper
from mingjing.rooms import room_errors
from mingjing.serving import serve_logs


def run(data: Path, settings: Config) -> None:
    """Serve until SIGTERM; what was promised is merged before the process ends."""
    with room_errors():
        keeper = LogKeeper(data, settings)
    with keeper:
        serve_logs(keeper.served, settings.listen.host, settings.listen.logs)
