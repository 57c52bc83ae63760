"""Which logs are served here, for whoever opens ``/log/``."""

from collections.abc import Mapping

from tlog.ct import ServedLog
from tlog.errors import TlogError
from web.logs.http import Response, json_response


def listing(logs: Mapping[str, ServedLog]) -> Response:
    """Each log's name, address on this server, origin and state, in JSON."""
    return json_response({"logs": [_one(name, log) for name, log in sorted(logs.items())]}, cache="no-cache")


def _one(name: str, log: ServedLog) -> dict[str, str]:
    address = {"name": name, "address": f"/log/{name}/"}
    try:
        settings = log.settings
    except TlogError:  # its log.toml cannot be read: /readyz says why
        return address
    return {**address, "origin": settings.origin, "state": settings.state}
