"""Make the hierarchy, the issuing CAs, the logs, the proxy's local CA and the policy.

A killed `init` continues where it stopped when it is run again.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mingjing import config, data, output
from mingjing.errors import ConfigError

EXAMPLES = """\
examples:
  mingjing init --org "Example Corp" --domain corp.example --public-url https://pki.corp.example
  mingjing init --data /srv/mingjing
"""
DEFAULT_DOMAIN = "mingjing.internal"
DEFAULT_ORG = "Mingjing"
FIXED = ("org", "domain", "public_url")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--org", metavar="NAME", help=f"the organisation's name (default: {DEFAULT_ORG})")
    parser.add_argument(
        "--domain",
        metavar="NAME",
        help=f"the domain that the issuing CA may certify and the policy pins (default: {DEFAULT_DOMAIN})",
    )
    parser.add_argument(
        "--public-url", metavar="URL", help="what certificates carry (default: http://127.0.0.1:<site-port>)"
    )


def run(arguments: argparse.Namespace) -> int:
    directory = data.directory(arguments)
    data.prepare(directory)
    if not data.exists(directory):
        initialise(directory, arguments, demo=False, listen={})
    settings = data.load(directory)
    check_unchanged(arguments, settings)
    finish(directory, settings)
    facts = {"data": str(directory), "org": settings.org, "domain": settings.domain}
    facts |= {"public_url": settings.public_url}
    if arguments.json:
        output.emit_json(facts)
    else:
        print(_text(directory, settings))
    return 0


def _text(directory: Path, settings: config.Config) -> str:
    rows = [
        ("organisation", output.safe(settings.org)),
        ("domain", settings.domain),
        ("certificates carry", settings.public_url),
        ("roots", str(directory / "ca" / "roots.pem")),
        ("policy", str(directory / "policy.toml")),
    ]
    return f"{output.table(rows)}\n\nNext: mingjing up --data {directory}"


def initialise(
    directory: Path, arguments: argparse.Namespace, *, demo: bool, listen: Mapping[str, Any]
) -> None:
    """Write mingjing.toml of a new data directory; everything else follows from it in ``finish``."""
    from mingjing.demo import sites

    where = config.Listen(**listen)
    host = "127.0.0.1" if where.host in {"0.0.0.0", "::"} else where.host  # noqa: S104  not bound here
    org, domain = ("Mingjing Demo", sites.DOMAIN) if demo else (DEFAULT_ORG, DEFAULT_DOMAIN)
    org = org if arguments.org is None else arguments.org
    domain = domain if arguments.domain is None else arguments.domain
    if demo and domain != sites.DOMAIN:
        raise ConfigError(f"--demo certifies the names of {sites.DOMAIN}; --domain is for real ones.")
    settings = config.Config(
        org=org,
        domain=domain,
        operator=org,
        public_url=config.check_public_url(arguments.public_url or f"http://{host}:{where.site}"),
        demo=demo,
        listen=where,
        merge_delay=sites.MERGE_DELAY_SECONDS if demo else config.MERGE_DELAY,
        audit_interval=sites.AUDIT_SECONDS if demo else config.AUDIT_INTERVAL,
    )
    _check_subject(settings)
    data.mark(directory)
    config.write(directory, settings)


def _check_subject(settings: config.Config) -> None:
    """Refuse an organisation or domain that could never be certified, before anything is written."""
    from issuer.settings import AuthoritySettings
    from mingjing.rooms import room_errors

    with room_errors():
        AuthoritySettings(settings.org, settings.domain, settings.public_url)


def check_unchanged(arguments: argparse.Namespace, settings: config.Config) -> None:
    """Refuse options that would change what the certificates of this directory already carry."""
    for name in FIXED:
        wanted, fixed = getattr(arguments, name), getattr(settings, name)
        if wanted is not None and wanted.rstrip("/") != fixed:
            raise ConfigError(
                f"--{name.replace('_', '-')} was fixed when this directory was made: {fixed!r}. Choose "
                "another directory with --data."
            )


def finish(directory: Path, settings: config.Config) -> None:
    """Make whatever is still missing, in the order in which each needs the one before."""
    from mingjing.initialise import STEPS
    from mingjing.rooms import room_errors

    for step in STEPS:
        if step.due(directory, settings):
            with room_errors(), output.step(step.text):
                step.make(directory, settings)
