"""Names made comparable: whatever a hostile certificate writes, read as generously as any client might.

Only for raising alerts: nothing is trusted because it compares equal here.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from unicodedata import normalize

LONGEST_LABEL = 255  # what is longer is no label, and punycode takes quadratic time
WILDCARDS = "*?"  # "?" stood for a label that was redacted in a precertificate
_PLAIN = re.compile(r"[a-z0-9_.*-]+")
_DOTS = re.compile("[\u3002\uff0e\uff61]")  # RFC 3490 section 3.1: as good as a full stop
_NOT_IN_NAMES = re.compile(  # ASCII but letters, digits and ``.*?-_``; controls, spaces, what is not seen
    "[\x00-)+,/:;<=>@\\[-^`{-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]+"
)

type Labels = tuple[str, ...]
"""A name's labels from the right, in A-labels and lower case."""
type Address = IPv4Address | IPv6Address


def readings(name: str) -> tuple[Labels, ...]:
    """Return every way in which some client could read ``name``.

    A client may stop at a NUL or another character that no name has, start after it, or drop it.
    """
    if _PLAIN.fullmatch(name) and "xn--" not in name:
        plain = tuple(filter(None, reversed(name.split("."))))
        return (plain,) if plain else ()
    text = _DOTS.sub(".", normalize("NFKC", name)).lower()
    pieces = [*_NOT_IN_NAMES.split(text), _NOT_IN_NAMES.sub("", text)]
    return tuple(filter(None, dict.fromkeys(_labels(piece) for piece in pieces)))


def _labels(name: str) -> Labels:
    return tuple(_canonical(label) for label in reversed(name.split(".")) if label)


@lru_cache(maxsize=4096)
def _canonical(label: str) -> str:
    """Return the one A-label of all spellings that IDNA 2003 takes for the same."""
    if len(label) > LONGEST_LABEL or (label.isascii() and not label.startswith("xn--")):
        return label
    text = label
    if label.startswith("xn--"):
        try:
            text = normalize("NFKC", label[4:].encode("ascii").decode("punycode")).lower()
        except UnicodeError:
            return label
    try:
        return text.encode("idna").decode("ascii").lower() or label
    except UnicodeError:
        return "xn--" + text.encode("punycode").decode("ascii") if text.isprintable() else label


def text_of(labels: Labels) -> str:
    """Return labels as a name."""
    return ".".join(reversed(labels))


def address_of(text: str) -> Address | None:
    """Return the IP address that ``text`` is; one mapped into IPv6 is the IPv4 address."""
    text = text.strip().strip("[]").rstrip(".")
    if not text or not (text[-1].isdigit() or ":" in text):
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def attributes(subject: str) -> list[tuple[str, str]]:
    """Return type, in capitals, and value of the attributes in a distinguished name's text (RFC 4514)."""
    return [(kind.upper(), _unescaped(value)) for kind, value in _ATTRIBUTE.findall(subject)]


_ATTRIBUTE = re.compile(r"(?:\A|[,+])([A-Za-z][A-Za-z0-9-]*|[0-9.]+)=((?:\\.|[^\\,+])*)", re.DOTALL)
_ESCAPED = re.compile(r"((?:\\[0-9a-fA-F]{2})+)|\\(.)", re.DOTALL)


def _unescaped(value: str) -> str:
    if "\\" not in value:
        return value

    def plain(found: re.Match[str]) -> str:
        if found[1]:
            return bytes.fromhex(found[1].replace("\\", "")).decode("utf-8", "replace")
        return found[2]

    return _ESCAPED.sub(plain, value)


def shown(text: str) -> str:
    """Return ``text`` with control characters and the like made visible."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
