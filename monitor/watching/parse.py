"""The text of watchlist.toml made a Watchlist."""

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final, Never
from urllib.parse import urlsplit

from monitor.watching.names import readings, text_of
from monitor.watching.values import Kind
from monitor.watching.watchlist import FILE_NAME, ChannelSettings, Hook, Watchlist, WatchlistError, Webhook
from verifier.policy.lines import Lines

LONGEST_TEXT: Final = 4 * 1024 * 1024
SHORTEST_PART: Final = 3
LONGEST_NAME: Final = 253  # RFC 1035 section 2.3.4
TIMEOUTS: Final = (1, 600)
GIVE_UP: Final = (1, 365)
DIGEST_HOURS: Final = (1, 168)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_CHANNEL_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_HASH = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_SYNTAX_LINE = re.compile(r"at line (\d+)")
_KEYS = ("public", "names", "addresses", "organisations", "issuers", "emails", "lookalikes", "authorised")
_TABLES = ("delivery", "webhook", "hook")

type Place = tuple[str, ...]


def parse_watchlist(text: str, directory: Path) -> Watchlist:
    """Return the watchlist in ``text``; relative paths lie in ``directory``. Raises WatchlistError."""
    return _Parser(text, directory).watchlist()


class _Parser:
    def __init__(self, text: str, directory: Path) -> None:
        self._directory = directory
        self._data = _load(text)
        self._lines = Lines.of(text)

    def watchlist(self) -> Watchlist:
        self._only(self._data, (*_KEYS, *_TABLES), ())
        delivery = self._table(self._data.get("delivery", {}), ("delivery",))
        self._only(delivery, ("past", "give_up_after_days"), ("delivery",))
        days = self._number(delivery, "give_up_after_days", 7, GIVE_UP, ("delivery",))
        return Watchlist(
            watches=self._watches(),
            authorised=frozenset(bytes.fromhex(h) for h in self._each("authorised", self._hash)),
            channels=self._channels(),
            public=self._flag("public"),
            deliver_past=self._past(delivery),
            give_up_after=timedelta(days=days),
        )

    def _watches(self) -> tuple[tuple[Kind, str], ...]:
        names = [
            (Kind.SUBTREE if n.startswith(".") else Kind.NAME, n) for n in self._each("names", self._name)
        ]
        others: tuple[tuple[str, Kind, Callable[[str, Place], str]], ...] = (
            ("addresses", Kind.ADDRESS, self._network),
            ("organisations", Kind.ORGANISATION, self._part),
            ("issuers", Kind.ISSUER, self._part),
            ("emails", Kind.EMAIL, self._name),
            ("lookalikes", Kind.LOOKALIKE, lambda value, at: self._name(value, at).removeprefix(".")),
        )
        rest = [(kind, value) for key, kind, read in others for value in self._each(key, read)]
        return tuple(dict.fromkeys((*names, *rest)))

    def _each(self, key: str, read: Callable[[str, Place], str]) -> list[str]:
        values = self._data.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            self._fail((key,), "expected a list of strings")
        return [read(value, (key,)) for value in values]

    def _name(self, value: str, at: Place) -> str:
        """Return a name in A-labels, with its leading dot where it has one."""
        if "*" in value:
            self._fail(at, f'"{value}": write ".corp.example" for a name and all below it, without "*"')
        dot = "." if value.startswith(".") else ""
        found = readings(value)
        name = text_of(found[0]) if len(found) == 1 else ""
        if (
            not name
            or len(name) > LONGEST_NAME
            or not all(_LABEL.fullmatch(part) for part in name.split("."))
        ):
            self._fail(at, f'{value!r}: expected a name such as "www.corp.example" or ".corp.example"')
        if name.rpartition(".")[2].isdigit():
            self._fail(at, f'"{value}": addresses belong under "addresses"')
        return dot + name

    def _network(self, value: str, at: Place) -> str:
        try:
            address = ip_address(value)
        except ValueError:
            address = None
        try:
            return str(ip_network(getattr(address, "ipv4_mapped", None) or address or value))
        except ValueError as error:
            self._fail(at, f'expected an address or a network such as "192.0.2.0/24": {error}')

    def _part(self, value: str, at: Place) -> str:
        text = " ".join(value.split())
        if len(text) < SHORTEST_PART and text.isascii():
            self._fail(at, f"{value!r}: expected at least {SHORTEST_PART} characters")
        return text

    def _hash(self, value: str, at: Place) -> str:
        found = _HASH.fullmatch(value.strip().lower())
        if found is None:
            self._fail(at, f'{value!r}: expected "sha256:" and 64 hexadecimal digits')
        return found[1]

    def _past(self, table: Mapping[str, Any]) -> bool:
        value = table.get("past", "deliver")
        if value not in {"deliver", "list"}:
            self._fail(("delivery", "past"), 'expected "deliver" or "list"')
        return bool(value == "deliver")

    # channels

    def _channels(self) -> tuple[ChannelSettings, ...]:
        channels: list[ChannelSettings] = []
        for section, read in (("webhook", self._webhook), ("hook", self._hook)):
            listed = self._data.get(section, [])
            if not isinstance(listed, list):
                self._fail((section,), f"expected [[{section}]], with two brackets: there can be several")
            for index, item in enumerate(listed):
                at = (section, str(index))
                channels.append(read(self._table(item, at), at))
        names = [channel.name for channel in channels]
        for name in names:
            if names.count(name) > 1:
                self._fail((channels[names.index(name)].kind,), f'two channels are named "{name}"')
        return tuple(channels)

    def _webhook(self, table: Mapping[str, Any], at: Place) -> Webhook:
        self._only(table, ("name", "url", "secret_file", "ca_file", "timeout", "digest_hours"), at)
        return Webhook(
            name=self._channel_name(table, at),
            url=self._url(table, at),
            secret_file=self._path(table, "secret_file", at) if "secret_file" in table else None,
            ca_file=self._path(table, "ca_file", at) if "ca_file" in table else None,
            timeout=self._number(table, "timeout", 10, TIMEOUTS, at),
            digest=self._digest(table, at),
        )

    def _hook(self, table: Mapping[str, Any], at: Place) -> Hook:
        self._only(table, ("name", "program", "timeout", "digest_hours"), at)
        return Hook(
            self._channel_name(table, at),
            self._path(table, "program", at),
            self._number(table, "timeout", 30, TIMEOUTS, at),
            self._digest(table, at),
        )

    def _digest(self, table: Mapping[str, Any], at: Place) -> timedelta | None:
        if "digest_hours" not in table:
            return None
        return timedelta(hours=self._number(table, "digest_hours", 0, DIGEST_HOURS, at))

    def _channel_name(self, table: Mapping[str, Any], at: Place) -> str:
        name = table.get("name")
        if not isinstance(name, str) or not _CHANNEL_NAME.fullmatch(name):
            self._fail((*at, "name"), "expected a name of lower-case letters, digits, - and _")
        return name

    def _url(self, table: Mapping[str, Any], at: Place) -> str:
        url = table.get("url")
        try:
            parts = urlsplit(url) if isinstance(url, str) else None
            usable = parts is not None and parts.hostname and parts.port != 0 and url and url.isascii()
        except ValueError:
            parts, usable = None, False
        if not usable or parts is None or not isinstance(url, str) or any(c <= " " for c in url):
            self._fail((*at, "url"), 'expected an address such as "https://hooks.corp.example/certificates"')
        if parts.username is not None or parts.fragment:
            self._fail(
                (*at, "url"), "expected no user name, password or fragment: the signature is the proof"
            )
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(str(parts.hostname))):
            self._fail((*at, "url"), "expected https; plain http only to this machine (127.0.0.1, localhost)")
        return url

    def _path(self, table: Mapping[str, Any], key: str, at: Place) -> Path:
        value = table.get(key)
        if not isinstance(value, str) or not value or "\0" in value:
            self._fail((*at, key), "expected the path of a file")
        return self._directory / value

    def _number(
        self, table: Mapping[str, Any], key: str, default: int, limits: tuple[int, int], at: Place
    ) -> float:
        value = table.get(key, default)
        if type(value) not in {int, float} or not limits[0] <= value <= limits[1]:
            self._fail((*at, key), f"expected a number from {limits[0]} to {limits[1]}")
        return float(value)

    # the file

    def _flag(self, key: str) -> bool:
        value = self._data.get(key, False)
        if not isinstance(value, bool):
            self._fail((key,), "expected true or false")
        return value

    def _table(self, value: object, at: Place) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._fail(at, "expected a table")
        return value

    def _only(self, table: Mapping[str, Any], allowed: tuple[str, ...], at: Place) -> None:
        for key in table:
            if key not in allowed:
                self._fail((*at, key), f"unknown; expected one of {', '.join(allowed)}")

    def _fail(self, at: Place, problem: str) -> Never:
        key = ".".join(part for part in at if not part.isdigit())
        raise WatchlistError(f"{FILE_NAME}, line {self._lines.find(*at)}: {key}: {problem}")


def _load(text: str) -> dict[str, Any]:
    if len(text) > LONGEST_TEXT:
        raise WatchlistError(f"{FILE_NAME}, line 1: more than {LONGEST_TEXT} characters")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        stated = _SYNTAX_LINE.search(str(error))
        line = int(stated[1]) if stated else text.count("\n") + 1
        raise WatchlistError(f"{FILE_NAME}, line {line}: not TOML: {error}") from error


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
