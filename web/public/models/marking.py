"""Which part of a name a search was for, so that a page can mark it."""

from dataclasses import dataclass
from enum import Enum, auto

from monitor.index.asked import Kind, understand
from monitor.index.finding import parts
from monitor.index.names import forms, unicode_of
from monitor.values import Match, Page


class Where(Enum):
    """Where in a name the text stands that was searched for."""

    WITHIN = auto()
    AT_END = auto()
    WHOLE = auto()


@dataclass(frozen=True, slots=True)
class Hit:
    """What to mark: the first of ``texts`` that a name has, in lower case."""

    texts: tuple[str, ...] = ()
    where: Where = Where.WITHIN

    def split(self, name: str) -> tuple[str, str, str]:
        """Return what stands before the marked part, the part and the rest; no part where nothing fits."""
        if self.where is Where.WHOLE:
            return "", name, ""
        lowered = name.lower()
        if len(lowered) != len(name):  # a letter whose lower case is longer: positions would be off
            return name, "", ""
        for text in self.texts:
            at = lowered.rfind(text) if self.where is Where.AT_END else lowered.find(text)
            if text and at >= 0:
                return name[:at], name[at : at + len(text)], name[at + len(text) :]
        return name, "", ""


NOTHING = Hit()
_WHOLE = Hit(where=Where.WHOLE)


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search marks in the names of its results, and in their issuers'."""

    name: Hit = NOTHING
    issuer: Hit = NOTHING


def hits_of(found: Page) -> Hits:
    """Return what to mark in the results of a search that was answered."""
    asked, name = understand(found.query.q), NOTHING
    if asked.kind is Kind.NAME:
        name = _in_names(asked.text, found.query.match)
    elif asked.kind in {Kind.EMAIL, Kind.ADDRESS}:
        name = _WHOLE
    issuer = asked.text if asked.kind is Kind.ISSUER else found.query.filters.issuer
    return Hits(name, Hit((issuer.lower(),)) if issuer else NOTHING)


def _in_names(text: str, match: Match) -> Hit:
    if match is Match.EXACT:
        return _WHOLE
    if match is Match.CONTAINS:
        return Hit(tuple(sorted(parts(text), key=len, reverse=True)))
    written = {form.removeprefix("*.").removeprefix(".") for form in forms(text)}
    return Hit(tuple(sorted(written | {unicode_of(form) for form in written})), Where.AT_END)
