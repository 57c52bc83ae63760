"""The verifying proxy: mitmproxy with our addon."""

from pathlib import Path

from mingjing.config import Config
from mingjing.rooms import room_errors


def run(data: Path, settings: Config) -> None:
    """Run until SIGTERM."""
    from proxy_addon.client.runner import run_proxy

    with room_errors():
        run_proxy(data, settings.listen.host, settings.listen.proxy)
