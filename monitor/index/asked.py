"""What a person types, understood: a kind of question and its text, ready to be looked up."""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from unicodedata import category
from urllib.parse import urlsplit

from monitor.errors import QueryError

LONGEST_QUERY: Final = 1000
SHORTEST_SERIAL: Final = 8
"""Hexadecimal digits that are taken for a serial number rather than for a name."""
_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_COLONS = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2})+")
_ENTRY = re.compile(r"(\S+)(?:\s+(?:index:)?([0-9]{1,18}))?")
_HOST_AND_PORT = re.compile(r"([^:/\s]+\.[^:/\s]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}")
_DIGEST = 64
_UNSEARCHABLE = frozenset({"Cc", "Cs"})  # control characters (NUL ends a string in SQLite), lone surrogates


class Kind(StrEnum):
    """What a question is about."""

    NEWEST = "newest"
    NAME = "name"
    EMAIL = "email"
    ADDRESS = "address"
    SERIAL = "serial"
    FINGERPRINT = "fingerprint"
    CERTIFICATE = "certificate-fingerprint"
    SPKI = "key-fingerprint"
    TBS = "tbs-fingerprint"
    KEY_ID = "key-identifier"
    SUBJECT_KEY_ID = "subject-key-identifier"
    AUTHORITY_KEY_ID = "authority-key-identifier"
    ISSUER = "issuer"
    ORGANISATION = "organisation"
    UNIT = "organisational-unit"
    ENTRY = "entry"
    LOG = "log"


_PREFIXES: Final = {
    "name": Kind.NAME, "email": Kind.EMAIL, "ip": Kind.ADDRESS, "serial": Kind.SERIAL,
    "fingerprint": Kind.FINGERPRINT, "sha256": Kind.FINGERPRINT, "cert": Kind.CERTIFICATE,
    "spki": Kind.SPKI, "tbs": Kind.TBS, "keyid": Kind.KEY_ID, "ski": Kind.SUBJECT_KEY_ID,
    "aki": Kind.AUTHORITY_KEY_ID, "issuer": Kind.ISSUER, "organisation": Kind.ORGANISATION,
    "organization": Kind.ORGANISATION, "org": Kind.ORGANISATION, "o": Kind.ORGANISATION, "ou": Kind.UNIT,
    "log": Kind.LOG,
}  # fmt: skip
_DIGESTS = frozenset({Kind.FINGERPRINT, Kind.CERTIFICATE, Kind.SPKI, Kind.TBS})
_HEXADECIMAL = _DIGESTS | {Kind.SERIAL, Kind.KEY_ID, Kind.SUBJECT_KEY_ID, Kind.AUTHORITY_KEY_ID}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question. A digest, serial number or key identifier is in lower-case hexadecimal."""

    kind: Kind
    text: str
    index: int = -1
    """An entry's."""
    guessed: bool = False
    """Nobody said that it is a serial number: it may be a key identifier as well."""


def understand(text: str) -> Asked:
    """Tell what ``text`` asks for; ``kind:text`` says it outright. Raises QueryError."""
    text = text.strip()
    if len(text) > LONGEST_QUERY:
        raise QueryError(f"the query is longer than {LONGEST_QUERY} characters")
    if any(category(character) in _UNSEARCHABLE for character in text):
        raise QueryError("the query has control characters in it; expected text")
    prefix, colon, rest = text.partition(":")
    if colon and (kind := _PREFIXES.get(prefix.lower())):
        return _said(kind, rest.strip(), prefix.lower())
    return _guessed(text) if text else Asked(Kind.NEWEST, "")


def _guessed(text: str) -> Asked:
    text = _host(text)
    plain = (text.replace(":", "") if _COLONS.fullmatch(text) else text).lower()
    plain = plain.zfill(len(plain) + len(plain) % 2)
    if _HEX.fullmatch(plain) and len(plain) == _DIGEST:
        return Asked(Kind.FINGERPRINT, plain)
    if _HEX.fullmatch(plain) and len(text) >= SHORTEST_SERIAL:
        return Asked(Kind.SERIAL, plain, guessed=True)
    if _are_addresses(text):
        return Asked(Kind.ADDRESS, text)
    if " " in text or "=" in text:
        return Asked(Kind.ISSUER, text)
    return _name(text)


def _said(kind: Kind, text: str, prefix: str) -> Asked:
    if not text:
        return Asked(Kind.NEWEST, "")
    if kind in _HEXADECIMAL:
        return Asked(kind, _hexadecimal(kind, text, prefix))
    if kind is Kind.ADDRESS and not _are_addresses(text):
        raise QueryError(f"{prefix}: expected an IP address or a network such as 192.0.2.0/24")
    if kind is Kind.LOG:
        return _entry(text)
    return _name(text) if kind is Kind.NAME else Asked(kind, text)


def _hexadecimal(kind: Kind, text: str, prefix: str) -> str:
    plain = text.replace(":", "").replace(" ", "").lower()
    plain = plain.zfill(len(plain) + len(plain) % 2)
    if not _HEX.fullmatch(plain) or (kind in _DIGESTS and len(plain) != _DIGEST):
        digits = f"{_DIGEST} hexadecimal digits" if kind in _DIGESTS else "hexadecimal digits"
        raise QueryError(f"{prefix}: expected {digits}")
    return plain


def _entry(text: str) -> Asked:
    found = _ENTRY.fullmatch(text)
    if found is None:
        raise QueryError("log: expected a log's name, and for one entry index: and a number")
    return Asked(Kind.LOG, found[1]) if found[2] is None else Asked(Kind.ENTRY, found[1], int(found[2]))


def _name(text: str) -> Asked:
    """An address is written in many ways, and kept in its shortest."""
    try:
        return Asked(Kind.NAME, str(ip_address(text.strip("[]"))))
    except ValueError:
        return Asked(Kind.NAME, text)


def _host(text: str) -> str:
    """Return the host of what was copied from an address bar, or the text as it is."""
    if "://" in text:
        try:
            return urlsplit(text).hostname or text
        except ValueError:
            return text
    found = _HOST_AND_PORT.fullmatch(text)
    return found[1] if found else text


def _are_addresses(text: str) -> bool:
    """Tell whether this is an address, a network or two addresses with a hyphen between them."""
    try:
        address_bounds(text)
    except ValueError:
        return False
    return "/" in text or ":" in text or "." in text


def address_bounds(text: str) -> tuple[IPv4Address | IPv6Address, IPv4Address | IPv6Address]:
    """Return the first and the last of the addresses that ``text`` names. Raises ValueError."""
    first, hyphen, last = text.partition("-")
    if hyphen:
        begin, end = (ip_address(each.strip().strip("[]")) for each in (first, last))
        if (begin.version, int(begin)) > (end.version, int(end)) or begin.version != end.version:
            raise ValueError(f"{begin} to {end} are no addresses")
        return begin, end
    network = ip_network(text.strip("[]"), strict=False)
    return network[0], network[-1]
