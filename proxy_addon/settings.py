"""What the proxy and ``check`` read from a data directory's mingjing.toml.

The front door writes and checks the whole file; here only what concerns outgoing connections is read, so
that a proxy on a visitor's own machine needs no more than ``[service] public_url``.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proxy_addon.errors import SettingsError

ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104  compared, not bound


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one data directory."""

    data: Path
    public_url: str
    operator: str = ""
    demo: bool = False
    site_url: str | None = None  # where public_url is answered on this machine, if it is
    hosts: Mapping[str, str] = field(default_factory=dict)  # name -> address:port, before DNS

    @property
    def proxy_directory(self) -> Path:
        """Where the proxy keeps its trust bundle and local CA certificate."""
        return self.data / "proxy"

    def local(self, url: str) -> str:
        """Return where ``url`` is answered: the service on this machine when it is ours."""
        if self.site_url is not None and url.startswith(self.public_url + "/"):
            return self.site_url + url[len(self.public_url) :]
        return url

    def resolve(self, host: str, port: int) -> tuple[str, int]:
        """Return the address to connect to: the [hosts] table's, else the name itself for DNS."""
        entry = self.hosts.get(host.lower().rstrip("."))
        if entry is None:
            return host, port
        name, _, number = entry.rpartition(":")
        return name.strip("[]"), int(number)


def load_settings(data: Path) -> Settings:
    """Read ``data``/mingjing.toml; raises SettingsError that names the file and the key."""
    path = data / "mingjing.toml"
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            f"{data} is not a data directory of mingjing: run `mingjing init --data {data}` first."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"could not read {path}: {error}") from None
    service = _table(document, "service", path)
    return Settings(
        data=data,
        public_url=_text(service, "public_url", path).rstrip("/"),
        operator=_text(service, "operator", path, default=""),
        demo=service.get("demo") is True,
        site_url=_site_url(_table(document, "listen", path), path),
        hosts={
            name.lower(): _address(name, value, path)
            for name, value in _table(document, "hosts", path).items()
        },
    )


def _table(document: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: [{name}] must be a table.")
    return table


def _text(table: dict[str, Any], key: str, path: Path, default: str | None = None) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise SettingsError(f"{path}: [service] {key} must be a string, not {value!r}.")
    return value


def _site_url(listen: dict[str, Any], path: Path) -> str | None:
    if "site" not in listen:
        return None
    host, port = listen.get("host", "127.0.0.1"), listen["site"]
    if not isinstance(host, str) or not isinstance(port, int):
        raise SettingsError(f"{path}: [listen] host must be a string and site a port number.")
    host = ANY_HOST.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{host}:{port}"


def _address(name: str, value: Any, path: Path) -> str:
    host, _, port = str(value).rpartition(":")
    if not isinstance(value, str) or not host or not port.isdecimal() or not 0 < int(port) < 65536:  # noqa: PLR2004
        raise SettingsError(f'{path}: [hosts] "{name}" must be "address:port", not {value!r}.')
    return value
