"""Which loopback ports the demo's listeners get; the [hosts] table tells the proxy and ``check``."""

import socket
from collections.abc import Mapping

from mingjing.demo.sites import SITES, Listener
from mingjing.serving import port_taken

HOST = "127.0.0.1"


def choose_hosts(current: Mapping[str, str]) -> dict[str, str]:
    """Return ``current`` with every demo name on a free port: the one it had, if that is still free."""
    ports = {listener: _port(current, listener) for listener in Listener}
    return {**current, **{site.host: f"{HOST}:{ports[site.listener]}" for site in SITES}}


def listener_ports(hosts: Mapping[str, str]) -> dict[Listener, int]:
    """Return each listener's port as the [hosts] table has it."""
    return {site.listener: int(hosts[site.host].rpartition(":")[2]) for site in SITES}


def _port(current: Mapping[str, str], listener: Listener) -> int:
    known = next(
        (current[site.host] for site in SITES if site.listener is listener and site.host in current), ""
    )
    port = int(known.rpartition(":")[2] or 0)
    return port if port and not port_taken(HOST, port) else _free_port()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
