"""[witnesses] and [witness] of mingjing.toml: who cosigns our logs' heads, and whose we cosign.

Only standard-library imports here, like ``config``. That a key is one is checked when it is used.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import urlsplit

from mingjing.errors import ConfigError

TEMPLATE = """\
[witnesses]              # who cosigns the heads of our logs (C2SP tlog-witness); each gets a table like this:
required = 0             # fewer cosignatures than this on a log's head are an alert of the audit
# ask_first_seconds = 30 # a log that starts takes nothing until they were asked whether it is an old copy,
                         # at most so long; inf: until one of them has answered; 0: it does not wait
# [[witnesses.witness]]
# url = "https://witness.example/"   # before add-checkpoint
# key = "witness.example/w1+01234567+BA..."   # the witness's vkey, from its own page
# ca = "witness-ca.pem"  # believed for its https instead of the system's roots; ours are "ca/roots.pem"

# [witness]              # this service as a witness, for our own logs and for others': `mingjing run witness`
# name = "witness.corp.example/w1"   # stands in every cosignature; never change it
# log_lists = ["own"]    # whose logs: "own", or files and URLs (log list v3)
# logs = []              # and logs named by their vkeys, of signature type 0x01 or 0x05; where the key's name
                         # is not the log's origin: { key = "log.example+01234567+AQ...", origin = "The log" }
"""
_NAME = re.compile(r"[^\s+]+")
_OWN_KEYS: Mapping[str, type] = {"name": str, "log_lists": list, "logs": list}
ASK_FIRST_SECONDS = 30.0
_LONGEST_ASK = 3600.0


@dataclass(frozen=True, slots=True)
class AskedWitness:
    """One witness that our logs ask: where, its vkey, and whose certificates it may show (None: any CA's)."""

    url: str
    key: str
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class AskedWitnesses:
    """The witnesses of our logs, how many cosignatures an audit requires, and how long a start asks first."""

    witnesses: tuple[AskedWitness, ...] = ()
    required: int = 0
    ask_first_seconds: float = ASK_FIRST_SECONDS


@dataclass(frozen=True, slots=True)
class OwnWitness:
    """Our own witness: its name, and the logs that it knows, by log list and by vkey."""

    name: str
    log_lists: tuple[str, ...] = ("own",)
    logs: tuple["NamedLog", ...] = ()


@dataclass(frozen=True, slots=True)
class NamedLog:
    """A log by its vkey; ``origin`` where that is not the key's name."""

    key: str
    origin: str | None = None


def asked(table: Any, path: Path) -> AskedWitnesses:
    """Read [witnesses] of the file ``path``; raises ConfigError that names the key and what was expected.

    Files that it names lie beside it.
    """
    where = str(path)
    _check_keys(table, ("required", "ask_first_seconds", "witness"), f"{where}: [witnesses]")
    listed = table.get("witness", [])
    if not isinstance(listed, list):
        raise ConfigError(f"{where}: write one [[witnesses.witness]] table for each witness.")
    found = tuple(_one(one, path, number) for number, one in enumerate(listed, 1))
    names = [witness.key.partition("+")[0] for witness in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"{where}: [[witnesses.witness]] names {twice} twice; a witness counts once.")
    required = table.get("required", 0)
    if not isinstance(required, int) or isinstance(required, bool) or not 0 <= required <= len(found):
        raise ConfigError(
            f"{where}: [witnesses] required must be a whole number from 0 to {len(found)}, the number of"
            f" [[witnesses.witness]] tables, not {required!r}."
        )
    seconds = table.get("ask_first_seconds", ASK_FIRST_SECONDS)
    if not _is_number(seconds) or not (0 <= seconds <= _LONGEST_ASK or seconds == inf):
        raise ConfigError(
            f"{where}: [witnesses] ask_first_seconds must be a number from 0 to {_LONGEST_ASK:g}, or inf,"
            f" not {seconds!r}."
        )
    return AskedWitnesses(found, required, float(seconds))


def own(table: Any, where: str) -> OwnWitness:
    """Read [witness]; raises ConfigError."""
    _check_keys(table, tuple(_OWN_KEYS), f"{where}: [witness]")
    name = table.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"{where}: [witness] name must be a text without spaces and plus signs, such as"
            f' "witness.corp.example/w1", not {name!r}.'
        )
    lists = _texts(table, "log_lists", ["own"], where)
    return OwnWitness(name, lists, _logs(table, where))


def _logs(table: Mapping[str, Any], where: str) -> tuple[NamedLog, ...]:
    listed = table.get("logs", [])
    if not isinstance(listed, list):
        raise ConfigError(f"{where}: [witness] logs must be a list of vkeys, not {listed!r}.")
    return tuple(_log(one, f"{where}: [witness] logs, number {at}") for at, one in enumerate(listed, 1))


def _log(found: Any, where: str) -> NamedLog:
    if isinstance(found, str) and found:
        return NamedLog(found)
    if not isinstance(found, dict):
        raise ConfigError(f"{where} must be a vkey, or a table with key and origin, not {found!r}.")
    _check_keys(found, ("key", "origin"), where)
    for key in ("key", "origin"):
        if not isinstance(found.get(key), str) or not found[key]:
            raise ConfigError(f"{where}: {key} must be a text, not {found.get(key)!r}.")
    return NamedLog(found["key"], found["origin"])


def _one(table: Any, path: Path, number: int) -> AskedWitness:
    where = f"{path}: [[witnesses.witness]] {number}"
    _check_keys(table, ("url", "key", "ca"), where)
    url, key, ca = table.get("url"), table.get("key"), table.get("ca")
    if not isinstance(url, str) or not _is_address(url):
        raise ConfigError(f"{where}: url must look like https://witness.example/, not {url!r}.")
    if not isinstance(key, str) or key.count("+") < 2:  # noqa: PLR2004 -- name, id and key
        raise ConfigError(
            f"{where}: key must be a vkey, such as witness.example/w1+01234567+BA..., not {key!r}."
        )
    if ca is not None and (not isinstance(ca, str) or not ca or "\0" in ca):
        raise ConfigError(f"{where}: ca must be the path of a file with certificates in PEM, not {ca!r}.")
    return AskedWitness(url, key, None if ca is None else path.parent / ca)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and not parts.query
        )
    except ValueError:
        return False


def _texts(table: Mapping[str, Any], key: str, default: list[str], where: str) -> tuple[str, ...]:
    found = table.get(key, default)
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise ConfigError(
            f'{where}: [witness] {key} must be a list of texts, such as ["own"], not {found!r}.'
        )
    return tuple(found)


def _check_keys(table: Any, known: tuple[str, ...], where: str) -> None:
    if not isinstance(table, dict):
        raise ConfigError(f"{where} must be a table with {' and '.join(known)}.")
    for key in table:
        if key not in known:
            raise ConfigError(f"{where} has an unknown key '{key}'; known are {', '.join(known)}.")
