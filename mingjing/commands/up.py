"""Start everything on this machine, and print what to try.

The order is the one in which services need each other: the logs first, because every certificate that
follows carries their promises; then the authority's own certificate and (with --demo) the sites'; then
the rest.
"""

import argparse
import dataclasses
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mingjing import config, data
from mingjing.config import Config
from mingjing.errors import ConfigError, DataError

if TYPE_CHECKING:
    from mingjing.supervisor import Service

EXAMPLES = """\
examples:
  mingjing up --demo                       everything, with demo sites for every verdict
  mingjing up --org "Example Corp" --domain corp.example
  mingjing up --demo --site-port 9440      the site on another port
"""

YOUNG_SECONDS = 50 * 86400  # certificates last 90 days; from then on `up` looks whether to renew
PORTS = ("site", "proxy", "authority", "gateway", "logs", "witness")


def configure(parser: argparse.ArgumentParser) -> None:
    from mingjing.commands import init

    parser.add_argument("--demo", action="store_true", help="with demo sites, good and bad, and short times")
    parser.add_argument("--host", help="the address to listen on (default 127.0.0.1)")
    for name in PORTS:
        parser.add_argument(f"--{name}-port", type=_port, metavar="PORT", help=f"port of the {name}")
    init.configure(parser)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:  # noqa: PLR2004  the TCP port range
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {text!r}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    from mingjing.signals import end_on_sigterm

    end_on_sigterm()
    directory = data.directory(arguments)
    data.prepare(directory)
    with data.only_one(directory, "up"):
        settings = _settings(arguments, directory)
        try:
            return _serve(directory, settings, arguments)
        except KeyboardInterrupt:
            return 0


def _settings(arguments: argparse.Namespace, directory: Path) -> Config:
    from mingjing.commands import init

    changes = {name: getattr(arguments, f"{name}_port") for name in PORTS}
    changes = {
        name: value for name, value in {**changes, "host": arguments.host}.items() if value is not None
    }
    if not data.exists(directory):
        init.initialise(directory, arguments, demo=arguments.demo, listen=changes)
    settings = data.load(directory)
    if settings.demo != arguments.demo:
        raise DataError(
            f"{directory} {'was made with --demo' if settings.demo else 'holds real certificates'}: "
            f"bad certificates never mix with real ones. Start it {'with' if settings.demo else 'without'} "
            "--demo, or choose another directory with --data."
        )
    init.check_unchanged(arguments, settings)
    init.finish(directory, settings)
    return config.update(directory, settings, listen=dataclasses.replace(settings.listen, **changes))


def _serve(directory: Path, settings: Config, arguments: argparse.Namespace) -> int:
    from mingjing import own_log
    from mingjing.supervisor import Supervisor

    started = time.monotonic()
    settings = _free_ports(directory, settings)
    supervisor = Supervisor(directory)
    try:
        first, later = _services(settings)
        for service in first:
            supervisor.start(service)
        if not _certified(directory, settings):
            supervisor.wait_until_ready(first[:1])
            own_log.wait_until_asked(settings)
            _certify(directory, settings)
        for service in later:
            supervisor.start(service)
        supervisor.wait_until_ready()
        _announce(directory, settings, arguments, time.monotonic() - started)
        supervisor.watch()
    finally:
        supervisor.stop()
    return 0


def _services(settings: Config) -> "tuple[list[Service], list[Service]]":
    """Return the services that need no certificate, the logs first (they ask the witness), and the others."""
    from mingjing.supervisor import Service

    listen = settings.listen
    first = [Service(name, ((listen.host, getattr(listen, name)),)) for name in ("logs", "proxy", "site")]
    later = [Service("authority", ((listen.host, listen.authority),)), Service("scheduler")]
    if settings.witness:
        first.append(Service("witness", ((listen.host, listen.witness),)))
    if settings.demo:
        later.append(Service("demo", _demo_addresses(settings)))
    return first, later


def _certified(directory: Path, settings: Config) -> bool:
    """Tell by files alone whether every certificate is there and young, so that nothing need wait."""
    from mingjing.services import authority

    files = [directory / authority.CHAIN_FILE]
    if settings.demo:
        from mingjing.demo import sites

        files += [directory / "demo" / "sites" / label / "complete" for label in sites.CERTIFIED]
    young = time.time() - YOUNG_SECONDS
    return all(path.exists() and path.stat().st_mtime > young for path in files)


def _free_ports(directory: Path, settings: Config) -> Config:
    from mingjing.serving import port_taken

    used = [name for name in PORTS if name != "witness" or settings.witness]
    ports = {name: getattr(settings.listen, name) for name in used}
    for name, port in ports.items():
        if same := [other for other in used if other != name and ports[other] == port]:
            raise ConfigError(f"--{name}-port and --{same[0]}-port are both {port}: give each its own.")
        if name != "gateway" and port_taken(settings.listen.host, port):
            raise ConfigError(
                f"port {port} of the {name} is taken by another program: stop it, or choose another port "
                f"with --{name}-port."
            )
    if not settings.demo:
        return settings
    from mingjing.demo.hosts import choose_hosts

    return config.update(directory, settings, hosts=choose_hosts(settings.hosts))


def _demo_addresses(settings: Config) -> tuple[tuple[str, int], ...]:
    addresses = {address.rpartition(":")[::2] for address in settings.hosts.values()}
    return tuple((host, int(port)) for host, port in sorted(addresses))


def _certify(directory: Path, settings: Config) -> None:
    """Issue what the services themselves need, once the logs can promise to publish it."""
    from mingjing.services.authority import ensure_certificate

    ensure_certificate(directory, settings)
    if settings.demo:
        from mingjing.demo.maker import make_demo

        make_demo(directory, settings)


def _announce(directory: Path, settings: Config, arguments: argparse.Namespace, seconds: float) -> None:
    from mingjing import announcement, output, own_log

    for name, trouble in own_log.troubles(settings).items():
        output.talk(f"{output.mark(False)} The log {name} takes no submissions: {trouble}")
    if arguments.json:
        from mingjing.output import emit_json

        emit_json(announcement.facts(directory, settings))
    else:
        print(announcement.text(directory, settings, seconds))
    sys.stdout.flush()
