"""mingjing.toml: what ``init`` writes once and every service reads.

Only standard-library imports here: every command loads this module, and ``--help`` must stay quick.
"""

import dataclasses
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mingjing import witness_settings
from mingjing.errors import ConfigError
from mingjing.witness_settings import AskedWitnesses, OwnWitness

FILE_NAME = "mingjing.toml"
LOG_NAMES = ("sm2", "p256")
MERGE_DELAY = 60  # seconds; what browsers' policies ask of static logs
AUDIT_INTERVAL = 60  # seconds

_TEMPLATE = """\
# mingjing.toml: how this service is set up. Written once by `mingjing init`; edit it and restart.

[service]
org = {org}            # shown in every certificate's subject
domain = {domain}      # the names that the SSL issuing CA may certify: this one and all below it
operator = {operator}  # who runs the logs, as the log list names them
# What certificates, the log list and the trust bundle carry. Fixed: certificates already carry it.
public_url = {public_url}
demo = {demo}          # demo sites with bad certificates; never mixed with real ones

[listen]
host = {host}
site = {site}          # the public site
proxy = {proxy}        # the verifying proxy, for browsers
authority = {authority}  # OCSP, later ACME and EST (https)
gateway = {gateway}
logs = {logs}          # the transparency logs
witness = {witness}       # the witness, where there is one: see [witness]

[logs]
merge_delay = {merge_delay}      # seconds within which an SCT's certificate must be in the tree
flush_interval = {flush_interval}    # seconds between two tree heads while submissions arrive
# The logs, by name, of which the issuer wants a promise for each certificate. None named: an SM2 log and a
# P-256 log, in each case a usable one whose interval takes the certificate.
ask = {ask}

[audit]
interval = {interval}         # seconds between two audits of each log
# HTTP proxies in other places, such as "http://proxy.example:3128": a log that shows them another tree than
# it shows us is found out.
vantages = {vantages}

{witness_sections}
[hosts]                  # names that the proxy and `mingjing check` resolve themselves, before DNS
"""


@dataclass(frozen=True, slots=True)
class Listen:
    """The address and the TCP ports of the services."""

    host: str = "127.0.0.1"
    site: int = 8440
    proxy: int = 8441
    authority: int = 8442
    gateway: int = 8443
    logs: int = 8444
    witness: int = 8445


@dataclass(frozen=True, slots=True)
class Config:
    """One data directory's settings, checked."""

    org: str
    domain: str
    operator: str
    public_url: str
    demo: bool = False
    listen: Listen = field(default_factory=Listen)
    merge_delay: int = MERGE_DELAY
    flush_interval: float = 0.2
    ask: tuple[str, ...] = ()
    audit_interval: int = AUDIT_INTERVAL
    vantages: tuple[str, ...] = ()
    hosts: Mapping[str, str] = field(default_factory=dict)
    witnesses: AskedWitnesses = field(default_factory=AskedWitnesses)
    witness: OwnWitness | None = None

    @property
    def local_host(self) -> str:
        """Where the services are reached from this machine, as it stands in a URL."""
        host = "127.0.0.1" if self.listen.host in {"0.0.0.0", "::", ""} else self.listen.host  # noqa: S104
        return f"[{host}]" if ":" in host else host

    def local_urls(self) -> dict[str, str]:
        """Map addresses that the world sees to the services on this machine, longest prefix first."""
        host = self.local_host
        return {
            f"{self.public_url}/log/": f"http://{host}:{self.listen.logs}/log/",
            f"{self.public_url}/": f"http://{host}:{self.listen.site}/",
        }

    def local(self, url: str) -> str:
        """Return where ``url`` is answered on this machine."""
        for prefix, base in self.local_urls().items():
            if url.startswith(prefix):
                return base + url[len(prefix) :]
        return url


_SCHEMA: dict[str, dict[str, type]] = {
    "service": {"org": str, "domain": str, "operator": str, "public_url": str, "demo": bool},
    "listen": {
        "host": str,
        **dict.fromkeys(("site", "proxy", "authority", "gateway", "logs", "witness"), int),
    },
    "logs": {"merge_delay": int, "flush_interval": float, "ask": list},
    "audit": {"interval": int, "vantages": list},
}
_KINDS = {
    str: "a text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: 'a list of texts, such as ["sm2"]',
}
_RANGES: dict[tuple[str, str], tuple[float, float]] = {
    ("logs", "merge_delay"): (1, 86400),
    ("logs", "flush_interval"): (0.01, 60),
    ("audit", "interval"): (1, 86400),
}
_REQUIRED = ("org", "domain", "operator", "public_url")


def load(data: Path) -> Config:
    """Read ``data``/mingjing.toml; raises ConfigError that names the key and what was expected."""
    path = data / FILE_NAME
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{data} is not a data directory of mingjing: run `mingjing init --data {data}` first."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"could not read {path}: {error}") from None
    return _from_document(document, path)


def _from_document(document: dict[str, Any], path: Path) -> Config:
    hosts = document.pop("hosts", {})
    witnesses = witness_settings.asked(document.pop("witnesses", {}), path)
    witness = witness_settings.own(document.pop("witness"), str(path)) if "witness" in document else None
    for section, table in document.items():
        _check_section(section, table, path)
    service = document.get("service", {})
    for key in _REQUIRED:
        if key not in service:
            raise ConfigError(f"{path}: [service] lacks the key '{key}'.")
    logs, audit = document.get("logs", {}), document.get("audit", {})
    return Config(
        **{**service, "public_url": check_public_url(service["public_url"])},
        listen=_listen(document.get("listen", {}), path),
        merge_delay=logs.get("merge_delay", MERGE_DELAY),
        flush_interval=float(logs.get("flush_interval", 0.2)),
        ask=tuple(logs.get("ask", ())),
        audit_interval=audit.get("interval", AUDIT_INTERVAL),
        vantages=_proxies(audit.get("vantages", ()), path),
        hosts=_hosts(hosts, path),
        witnesses=witnesses,
        witness=witness,
    )


def _check_section(section: str, table: Any, path: Path) -> None:
    known = _SCHEMA.get(section)
    if known is None or not isinstance(table, dict):
        raise ConfigError(
            f"{path}: unknown section [{section}]; known are {', '.join(_SCHEMA)}, witnesses, witness, hosts."
        )
    for key, value in table.items():
        if key not in known:
            raise ConfigError(
                f"{path}: [{section}] has an unknown key '{key}'; known are {', '.join(known)}."
            )
        accepted = (int, float) if known[key] is float else known[key]
        wrong = isinstance(value, bool) and known[key] is not bool
        wrong |= isinstance(value, list) and not all(isinstance(item, str) for item in value)
        if not isinstance(value, accepted) or wrong:
            raise ConfigError(f"{path}: [{section}] {key} must be {_KINDS[known[key]]}, not {value!r}.")
        limits = _RANGES.get((section, key))
        if limits and isinstance(value, int | float) and not limits[0] <= value <= limits[1]:
            raise ConfigError(
                f"{path}: [{section}] {key} must be from {limits[0]} to {limits[1]}, not {value}."
            )


def _listen(table: dict[str, Any], path: Path) -> Listen:
    for key, value in table.items():
        if key != "host" and not 0 < value < 65536:  # noqa: PLR2004  the TCP port range
            raise ConfigError(f"{path}: [listen] {key} must be a port from 1 to 65535, not {value}.")
    return Listen(**table)


def _proxies(urls: Any, path: Path) -> tuple[str, ...]:
    for url in urls:
        if not re.fullmatch(r"https?://[^\s/]+/?", url):
            raise ConfigError(f'{path}: [audit] vantages must look like "http://proxy:3128", not {url!r}.')
    return tuple(urls)


def _hosts(table: Any, path: Path) -> dict[str, str]:
    for name, address in table.items():
        if not isinstance(address, str) or not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}", address):
            raise ConfigError(f'{path}: [hosts] "{name}" must be "address:port", not {address!r}.')
    return dict(table)


def check_public_url(url: str) -> str:
    """Return ``url`` without a trailing slash; raises ConfigError unless it is http(s)://host[:port]."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError(f"--public-url must look like https://pki.corp.example, not {url!r}.")
    return url.rstrip("/")


def write(data: Path, config: Config) -> None:
    """Write a commented mingjing.toml, replacing an older one whole; the operator adds the witnesses."""
    values = dataclasses.asdict(config)
    listen = values.pop("listen")
    del values["witnesses"], values["witness"]
    values["interval"] = values.pop("audit_interval")
    filled = {key: _toml(value) for key, value in {**values, **listen}.items()}
    text = _TEMPLATE.format(**filled, witness_sections=witness_settings.TEMPLATE)
    text += "".join(f"{_toml(name)} = {_toml(address)}\n" for name, address in config.hosts.items())
    replace_file(data / FILE_NAME, text.encode())


def update(data: Path, config: Config, **changes: Any) -> Config:
    """Keep ``changes`` in mingjing.toml when they differ, leaving comments and other lines alone."""
    changed = dataclasses.replace(config, **changes)
    if changed == config:
        return config
    path = data / FILE_NAME
    text = path.read_text("utf-8")
    for key, value in dataclasses.asdict(changed.listen).items():
        pattern = rf'(?m)^({key}\s*=\s*)("[^"]*"|\d+)'
        text = re.sub(pattern, partial(_with_value, value), text, count=1)
    if changed.hosts != config.hosts:
        lines = "".join(f"{_toml(name)} = {_toml(address)}\n" for name, address in changed.hosts.items())
        text = re.sub(r"(?ms)^(\[hosts\][^\n]*\n).*?(?=^\[|\Z)", lambda found: found[1] + lines, text)
    replace_file(path, text.encode())
    return load(data)


def _with_value(value: Any, found: re.Match[str]) -> str:
    return found[1] + _toml(value)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return '"' + "".join(_escape(character) for character in str(value)) + '"'


def _escape(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def replace_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write ``content`` so that a crash leaves either the old file or the new one, whole and synced."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
