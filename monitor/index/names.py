"""How names are written, split and compared: in lower case, and in A-labels where DNS has them."""

from ipaddress import ip_address
from unicodedata import category, normalize

MAX_LABELS = 40  # deeper names keep their own row and lose only the rows of the domains furthest up
LONGEST_LABEL = 63  # RFC 1035 section 2.3.4
_WILDCARD = "*."
_UNSTORABLE = frozenset({"Cc", "Cs"})  # control characters, lone surrogates


def fold(name: str) -> str:
    """Return the form under which a name is stored and looked up: lower case, A-labels, no final dot."""
    name = name.strip().lower().removesuffix(".")
    if name.isascii():
        return name
    local, at, domain = name.rpartition("@")
    return local + at + ".".join(_to_ascii(label) for label in domain.split("."))


def forms(name: str) -> frozenset[str]:
    """Return every form under which a name may be stored: IDNA 2003 maps letters that IDNA 2008 keeps."""
    folded = fold(name)
    if name.isascii():
        return frozenset({folded})
    local, at, domain = normalize("NFKC", name.strip().lower()).removesuffix(".").rpartition("@")
    return frozenset({folded, local + at + ".".join(_to_punycode(label) for label in domain.split("."))})


def unicode_of(name: str) -> str:
    """Return a name with its A-labels as people write them."""
    if "xn--" not in name:
        return name
    local, at, domain = name.rpartition("@")
    return local + at + ".".join(_to_unicode(label) for label in domain.split("."))


def text_of(name: str) -> str:
    """Return what a search for a part of a name looks at: the A-label form and the Unicode form."""
    readable = unicode_of(name)
    return name if readable == name else f"{name} {readable}"


def suffixes(name: str) -> list[str]:
    """Return the domains that a name lies under, nearest first: ``a.b.c`` gives ``b.c`` and ``c``."""
    domain = name.rpartition("@")[2]
    if _is_address(domain):
        return []
    labels = domain.split(".")[-MAX_LABELS:]
    above = [".".join(labels[at:]) for at in range(1, len(labels))]
    return [domain, *above] if "@" in name else above


def wildcard_over(name: str) -> str | None:
    """Return the wildcard name that covers a host name (RFC 9525 section 6.3), if there can be one."""
    host, _, parent = name.partition(".")
    if host == "*" or "." not in parent or "@" in name or _is_address(name):
        return None
    return _WILDCARD + parent


def _is_address(name: str) -> bool:
    if ":" not in name and not name[-1:].isdigit():
        return False
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _to_ascii(label: str) -> str:
    if label.isascii() or len(label) > LONGEST_LABEL:  # the codec takes minutes for a very long one
        return label
    try:
        return label.encode("idna").decode("ascii")
    except UnicodeError:
        return label


def _to_punycode(label: str) -> str:
    """The A-label of IDNA 2008, which keeps every letter as it is (RFC 5891 section 4.4)."""
    if label.isascii() or len(label) > LONGEST_LABEL:
        return label
    return "xn--" + label.encode("punycode").decode("ascii")


def _to_unicode(label: str) -> str:
    if not label.startswith("xn--") or len(label) > LONGEST_LABEL:
        return label
    try:
        text = label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    return label if any(category(character) in _UNSTORABLE for character in text) else text
