"""policy.toml read strictly: what is not in the contract is an error with its line and key."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final, Literal, Never

from verifier.certificates.names import NameMismatch, normalise_host
from verifier.errors import PolicyError
from verifier.policy.lines import Lines
from verifier.policy.model import REQUIREMENTS, Cleartext, Policy, Revocation, Rules, TrustMode

MAX_POLICY_SIZE: Final = 1024 * 1024
"""Characters; ten thousand sites fit."""
MAX_SCTS: Final = 16
"""More distinct logs than any certificate carries SCTs of."""

_SYNTAX_LINE = re.compile(r"at line (\d+)")
_PIN = re.compile(r"sha256:([0-9a-f]{64})")
_RULE_KEYS = ("trust", "issuers", "require", "scts", "log_lists", "revocation", "cleartext", "report")


def parse_policy(text: str, *, path_name: str = "policy.toml") -> Policy:
    """The policy in ``text``. Raises PolicyError with line and key; messages call the file ``path_name``."""
    return _Parser(text, path_name).policy()


@dataclass(frozen=True, slots=True)
class _Place:
    """One table of the file: its place for line numbers, its name for people."""

    path: tuple[str, ...]
    name: str


class _Parser:
    def __init__(self, text: str, path_name: str) -> None:
        self._path_name = path_name
        self._data = self._load(text)
        self._lines = Lines.of(text)

    def _load(self, text: str) -> dict[str, Any]:
        if len(text) > MAX_POLICY_SIZE:
            raise PolicyError(f"{self._path_name}: more than {MAX_POLICY_SIZE} characters", line=1)
        try:
            return tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
            stated = _SYNTAX_LINE.search(str(error))
            line = int(stated[1]) if stated else text.count("\n") + 1
            raise PolicyError(f"{self._path_name}, line {line}: not TOML: {error}", line=line) from error

    def policy(self) -> Policy:
        """Top level: [default], [[site]], [roots], and nothing else."""
        for key in self._data:
            if key not in {"default", "site", "roots"}:
                self._fail((key,), f"unknown; a policy has [default], [[site]] and [roots], not {key!r}")
        if not ({"default", "site"} & self._data.keys()):
            raise PolicyError(f"{self._path_name}, line 1: empty; expected [default] or [[site]]", line=1)
        default = self._default()
        return Policy(default=default, sites=self._sites(default), root_files=self._roots())

    def _default(self) -> Rules:
        table = self._table(self._data.get("default", {}), ("default",))
        return self._rules(table, Rules(), _Place(("default",), "[default]"), _RULE_KEYS)

    def _sites(self, default: Rules) -> dict[str, Rules]:
        listed = self._data.get("site", [])
        if not isinstance(listed, list):
            self._fail(("site",), "expected [[site]], with two brackets: there can be several")
        sites: dict[str, Rules] = {}
        for index, item in enumerate(listed):
            path = ("site", str(index))
            table = self._table(item, path)
            if "host" not in table:
                self._fail(path, "lacks host")
            host = self._host(table["host"], (*path, "host"))
            if host in sites:
                self._fail((*path, "host"), f"{host} has a section already")
            sites[host] = self._rules(table, default, _Place(path, host), ("host", *_RULE_KEYS))
        return sites

    def _roots(self) -> tuple[str, ...]:
        table = self._table(self._data.get("roots", {}), ("roots",))
        self._only(table, ("files",), ("roots",))
        return self._strings(table.get("files", []), ("roots", "files"))

    def _rules(self, table: Mapping[str, Any], base: Rules, place: _Place, allowed: tuple[str, ...]) -> Rules:
        """``base`` with what the table says instead."""
        self._only(table, allowed, place.path)

        def given[T](key: str, read: Callable[[object, tuple[str, ...]], T], inherited: T) -> T:
            return read(table[key], (*place.path, key)) if key in table else inherited

        rules = Rules(
            trust=given("trust", partial(self._choice, TrustMode), base.trust),
            issuers=given("issuers", self._pins, base.issuers),
            require=given("require", self._requirements, base.require),
            scts=given("scts", self._count, base.scts),
            log_lists=given("log_lists", self._strings, base.log_lists),
            revocation=given("revocation", partial(self._choice, Revocation), base.revocation),
            cleartext=given("cleartext", partial(self._choice, Cleartext), base.cleartext),
            report=given("report", self._flag, base.report),
            section=place.name,
        )
        if rules.trust is TrustMode.PINNED and not rules.issuers:
            self._fail((*place.path, "issuers" if "issuers" in table else "trust"), '"pinned" needs issuers')
        return rules

    def _table(self, value: object, path: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._fail(path, "expected a table")
        return value

    def _only(self, table: Mapping[str, Any], allowed: tuple[str, ...], path: tuple[str, ...]) -> None:
        for key in table:
            if key not in allowed:
                self._fail((*path, key), f"unknown; expected one of {', '.join(allowed)}")

    def _choice[E: StrEnum](self, kind: type[E], value: object, at: tuple[str, ...]) -> E:
        if not isinstance(value, str) or value not in kind:
            self._fail(at, f"expected {_alternatives(tuple(kind))}")
        return kind(value)

    def _strings(self, value: object, at: tuple[str, ...]) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self._fail(at, "expected a list of strings")
        if len(set(value)) != len(value):
            self._fail(at, "names something twice")
        return tuple(value)

    def _pins(self, value: object, at: tuple[str, ...]) -> frozenset[bytes]:
        pins = [_PIN.fullmatch(item.lower()) for item in self._strings(value, at)]
        if not all(pins):
            self._fail(at, 'expected "sha256:" and 64 hex digits for each issuer')
        return frozenset(bytes.fromhex(pin[1]) for pin in pins if pin)

    def _requirements(self, value: object, at: tuple[str, ...]) -> frozenset[str]:
        wanted = frozenset(self._strings(value, at))
        if not wanted <= REQUIREMENTS:
            self._fail(at, f"expected any of {_alternatives(tuple(sorted(REQUIREMENTS)))}")
        return wanted

    def _count(self, value: object, at: tuple[str, ...]) -> int | Literal["browser"]:
        if value == "browser":
            return "browser"
        if type(value) is not int or not 0 <= value <= MAX_SCTS:
            self._fail(at, f'expected "browser" or a number from 0 to {MAX_SCTS}')
        return value

    def _flag(self, value: object, at: tuple[str, ...]) -> bool:
        if not isinstance(value, bool):
            self._fail(at, "expected true or false")
        return value

    def _host(self, value: object, at: tuple[str, ...]) -> str:
        """A name in A-labels, ``*.`` and a name, or an address; as ``normalise_host`` has it."""
        if not isinstance(value, str):
            self._fail(at, "expected a string")
        wildcard, name = ("*.", value[2:]) if value.startswith("*.") else ("", value)
        try:
            host = normalise_host(name)
        except NameMismatch as error:
            self._fail(at, f'expected a host name, or "*." and a name: {error}')
        if wildcard and (":" in host or host.rpartition(".")[2].isdigit()):
            self._fail(at, "an address has no names below it")
        return wildcard + host

    def _fail(self, at: tuple[str, ...], problem: str) -> Never:
        line = self._lines.find(*at)
        key = ".".join(part for part in at if not part.isdigit())
        raise PolicyError(f"{self._path_name}, line {line}: {key}: {problem}", line=line, key=key)


def _alternatives(values: tuple[str, ...]) -> str:
    quoted = [f'"{value}"' for value in values]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
