"""[witnesses] and [witness] of mingjing.toml: who cosigns our logs' heads, and whose we cosign.

Only standard-library imports here, like ``config``. That a key is one is checked when it is used.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mingjing.errors import ConfigError

TEMPLATE = """\
[witnesses]              # who cosigns the heads of our logs (C2SP tlog-witness); each gets a table like this:
required = 0             # fewer cosignatures than this on a log's head are an alert of the audit
# [[witnesses.witness]]
# url = "https://witness.example/"   # before add-checkpoint
# key = "witness.example/w1+01234567+BA..."   # the witness's vkey, from its own page

# [witness]              # this service as a witness, for our own logs and for others': `mingjing run witness`
# name = "witness.corp.example/w1"   # stands in every cosignature; never change it
# log_lists = ["own"]    # whose logs: "own", or files and URLs (log list v3)
# logs = []              # and logs named by their vkeys, of signature type 0x01 or 0x05
"""
_NAME = re.compile(r"[^\s+]+")
_OWN_KEYS: Mapping[str, type] = {"name": str, "log_lists": list, "logs": list}


@dataclass(frozen=True, slots=True)
class AskedWitness:
    """One witness that our logs ask: where, and its vkey."""

    url: str
    key: str


@dataclass(frozen=True, slots=True)
class AskedWitnesses:
    """The witnesses of our logs, and how many cosignatures an audit requires."""

    witnesses: tuple[AskedWitness, ...] = ()
    required: int = 0


@dataclass(frozen=True, slots=True)
class OwnWitness:
    """Our own witness: its name, and the logs that it knows, by log list and by vkey."""

    name: str
    log_lists: tuple[str, ...] = ("own",)
    logs: tuple[str, ...] = ()


def asked(table: Any, where: str) -> AskedWitnesses:
    """Read [witnesses]; raises ConfigError that names the key and what was expected."""
    _check_keys(table, ("required", "witness"), f"{where}: [witnesses]")
    listed = table.get("witness", [])
    if not isinstance(listed, list):
        raise ConfigError(f"{where}: write one [[witnesses.witness]] table for each witness.")
    found = tuple(
        _one(one, f"{where}: [[witnesses.witness]] {number}") for number, one in enumerate(listed, 1)
    )
    names = [witness.key.partition("+")[0] for witness in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"{where}: [[witnesses.witness]] names {twice} twice; a witness counts once.")
    required = table.get("required", 0)
    if not isinstance(required, int) or isinstance(required, bool) or not 0 <= required <= len(found):
        raise ConfigError(
            f"{where}: [witnesses] required must be a whole number from 0 to {len(found)}, the number of"
            f" [[witnesses.witness]] tables, not {required!r}."
        )
    return AskedWitnesses(found, required)


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
    logs = _texts(table, "logs", [], where)
    return OwnWitness(name, lists, logs)


def _one(table: Any, where: str) -> AskedWitness:
    _check_keys(table, ("url", "key"), where)
    url, key = table.get("url"), table.get("key")
    if not isinstance(url, str) or not _is_address(url):
        raise ConfigError(f"{where}: url must look like https://witness.example/, not {url!r}.")
    if not isinstance(key, str) or key.count("+") < 2:  # noqa: PLR2004 -- name, id and key
        raise ConfigError(
            f"{where}: key must be a vkey, such as witness.example/w1+01234567+BA..., not {key!r}."
        )
    return AskedWitness(url, key)


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
