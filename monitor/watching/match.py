"""Compares certificates with the watchlist: label by label from the right, wildcards on either side."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Network, ip_network
from unicodedata import normalize

from monitor.values import CertificateSummary
from monitor.watching.looks import looks
from monitor.watching.names import WILDCARDS, Labels, address_of, attributes, readings, shown
from monitor.watching.values import Kind

NAMING = frozenset({"CN", "E", "EMAILADDRESS", "1.2.840.113549.1.9.1"})  # the last is PKCS #9 emailAddress
MOST_MATCHED = 20
_LABEL_BYTE = re.compile(rb"[a-z0-9_-]")
_LETTER = re.compile(rb"[a-z-]")
type Matches = dict[int, tuple[str, ...]]
"""By watch: what of the certificate matched, made printable; at most MOST_MATCHED of it."""


@dataclass(slots=True)
class _Node:
    """A label of the watched names: the watches that end here, and those that want all below."""

    children: dict[str, "_Node"] = field(default_factory=dict)
    exact: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)

    def at(self, labels: Labels) -> "_Node":
        node = self
        for label in labels:
            node = node.children.setdefault(label, _Node())
        return node

    def find(self, labels: Labels) -> Iterator[int]:
        """Yield the watches that a presented name concerns; a wildcard stands for any one label."""
        yield from self.below
        if not labels:
            yield from self.exact
            return
        label, rest = labels[0], labels[1:]
        if not any(mark in label for mark in WILDCARDS):
            child = self.children.get(label)
            if child:
                yield from child.find(rest)
            return
        for name, child in self.children.items():
            if label in WILDCARDS or fnmatchcase(name, label):
                yield from child.find(rest)


class Matcher:
    """A watchlist made ready: ``watches`` are (row, kind, value), the values as the watchlist has them."""

    def __init__(self, watches: Iterable[tuple[int, Kind, str]]) -> None:
        self._names, self._emails = _Node(), _Node()
        self._networks: list[tuple[int, IPv4Network | IPv6Network]] = []
        self._texts: dict[Kind, list[tuple[int, str]]] = {Kind.ORGANISATION: [], Kind.ISSUER: []}
        self._patterns: list[tuple[int, bytes, bool]] = []
        self._looks: dict[Labels, list[tuple[int, Labels]]] = {}
        self.watches: set[int] = set()
        for watch, kind, value in watches:
            self.watches.add(watch)
            self._add(watch, kind, value)

    def _add(self, watch: int, kind: Kind, value: str) -> None:
        if kind is Kind.ADDRESS:
            self._networks.append((watch, ip_network(value)))
        elif kind is Kind.LOOKALIKE:
            for labels in readings(value):
                self._looks.setdefault(looks(labels), []).append((watch, labels))
        elif kind in self._texts:
            self._texts[kind].append((watch, folded(value)))
        else:
            self._add_name(watch, kind, value)

    def _add_name(self, watch: int, kind: Kind, value: str) -> None:
        below = value.startswith(".")
        for labels in readings(value):
            node = (self._emails if kind is Kind.EMAIL else self._names).at(labels)
            (node.below if below else node.exact).append(watch)
        if kind is not Kind.EMAIL:
            self._patterns.append((watch, value.lstrip(".").encode(), below))

    def certificate(self, found: CertificateSummary) -> Matches:
        """Return the watches that a certificate concerns."""
        matches: dict[int, dict[str, None]] = {}
        subject = attributes(found.subject)
        named = [value for kind, value in subject if kind in NAMING]
        self._collect(matches, dict.fromkeys((*found.names, found.common_name, *named)))
        for kind, value in subject:
            if kind == "O":
                self._compare(matches, Kind.ORGANISATION, value)
        self._compare(matches, Kind.ISSUER, found.issuer)
        return _shown(matches)

    def malformed(self, names: Iterable[str], data: bytes) -> Matches:
        """Return the watches that a malformed entry concerns: by its names, or by its mere bytes."""
        matches: dict[int, dict[str, None]] = {}
        self._collect(matches, dict.fromkeys(names))
        lowered = data.lower()
        for watch, pattern, below in self._patterns:
            if watch not in matches and _holds(lowered, pattern, below=below):
                matches[watch] = {pattern.decode(): None}
        return _shown(matches)

    def _collect(self, matches: dict[int, dict[str, None]], names: Iterable[str]) -> None:
        for name in names:
            if not name:
                continue
            for watch in self._concerned(name):
                matches.setdefault(watch, {})[name] = None

    def _concerned(self, name: str) -> Iterator[int]:
        address = address_of(name)
        if address is not None:
            yield from (watch for watch, network in self._networks if address in network)
        _, at, domain = name.rpartition("@")
        tree = self._emails if at else self._names
        for labels in readings(domain):
            yield from tree.find(labels)
            yield from self._taken_for(labels)

    def _taken_for(self, labels: Labels) -> Iterator[int]:
        """Yield the watches of names that a person would take this one for, or one above it."""
        for length in {len(watched) for watched in self._looks}:
            for watch, own in self._looks.get(looks(labels[:length]), ()):
                if labels[:length] != own:
                    yield watch

    def _compare(self, matches: dict[int, dict[str, None]], kind: Kind, text: str) -> None:
        if not self._texts[kind]:
            return
        presented = folded(text)
        for watch, wanted in self._texts[kind]:
            if wanted in presented:
                matches.setdefault(watch, {})[text] = None


def folded(text: str) -> str:
    """Return how texts are compared: without case, widths and the amount of white space."""
    return " ".join(normalize("NFKC", text).casefold().split())


def _holds(data: bytes, name: bytes, *, below: bool) -> bool:
    """Tell whether ``name`` stands in DER, not as a part of a longer label or of another domain."""
    at = data.find(name)
    while at >= 0:
        if _starts(data[max(0, at - 2) : at], len(name), below=below) and _ends(data[at + len(name) :][:2]):
            return True
        at = data.find(name, at + 1)
    return False


def _starts(before: bytes, length: int, *, below: bool) -> bool:
    if before[-1:] == b".":
        return below or before == b"*."
    return not _LABEL_BYTE.fullmatch(before[-1:]) or before[-1:] == bytes([min(length, 255)])  # DER's length


def _ends(after: bytes) -> bool:
    """A digit after it is the next element's tag: no top-level domain ends in one."""
    return not _LETTER.match(after) and not (after[:1] == b"." and _LABEL_BYTE.fullmatch(after[1:]))


def _shown(matches: Mapping[int, Mapping[str, None]]) -> Matches:
    return {watch: tuple(map(shown, list(texts)[:MOST_MATCHED])) for watch, texts in matches.items()}
