"""The names that a certificate may carry: RFC 1123 host names, A-labels, wildcards, IP addresses.

What comes out is canonical: lower case, A-labels, compressed addresses. Nothing is repaired silently.
"""

import ipaddress
import re
from collections.abc import Iterable

from asn1crypto import x509

from issuer.errors import NameNotPermitted
from issuer.x509.extensions import PermittedNames
from issuer.x509.oids import NAME_CONSTRAINTS
from verifier.certificates import Certificate

MAXIMUM_NAMES = 100  # of one certificate
MAXIMUM_NAME = 253  # octets, RFC 1035 section 2.3.4 without the root's dot
MAXIMUM_LABEL = 63  # octets, RFC 1035 section 2.3.4
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_ACE = "xn--"  # RFC 5890 section 2.3.1
_RESERVED_HYPHENS = slice(2, 4)  # RFC 5891 section 4.2.3.1: "--" there belongs to A-labels


def canonical_name(name: str) -> str:
    """Return the name as it goes into subjectAltName.

    :raises NameNotPermitted: naming the name, and what is wrong with it.
    """
    if not name or len(name) > 4 * MAXIMUM_NAME:
        raise NameNotPermitted(f"{name[:80]!r} is no host name: it has {len(name)} characters")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return _canonical_dns(name)
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise NameNotPermitted(f"{name!r} has a zone; a certificate names addresses without one")
    return str(address)


def _canonical_dns(name: str) -> str:
    labels = name.split(".")
    wildcard = labels[0] == "*"
    converted = [_label(label, name) for label in (labels[1:] if wildcard else labels)]
    if wildcard and len(converted) < 2:  # noqa: PLR2004 - "*.example" would cover a whole top-level domain
        raise NameNotPermitted(f"{name!r}: a wildcard needs at least two labels behind it")
    if converted[-1].isdigit():
        raise NameNotPermitted(f"{name!r} ends in a number: neither a host name nor a complete IP address")
    result = ".".join(["*", *converted] if wildcard else converted)
    if len(result) > MAXIMUM_NAME:
        raise NameNotPermitted(f"{name[:80]!r}… has {len(result)} octets, a host name at most {MAXIMUM_NAME}")
    return result


def _label(label: str, name: str) -> str:
    lowered = label.lower()
    ascii_label = lowered if lowered.isascii() else _a_label(lowered, name)
    if not _LABEL.fullmatch(ascii_label) or len(ascii_label) > MAXIMUM_LABEL:
        raise NameNotPermitted(
            f"{name!r}: label {label!r} is not 1 to {MAXIMUM_LABEL} letters, digits and inner hyphens"
            " (a wildcard is the whole leftmost label)"
        )
    if ascii_label.startswith(_ACE):
        _check_a_label(ascii_label, name)
    elif ascii_label[_RESERVED_HYPHENS] == "--":
        raise NameNotPermitted(f"{name!r}: label {label!r} has hyphens where only an A-label has them")
    return ascii_label


def _a_label(label: str, name: str) -> str:
    """Convert a U-label. Only where IDNA 2003 and 2008 agree, which the round trip shows."""
    try:
        converted = label.encode("idna").decode("ascii")
        back = converted.encode("ascii").decode("idna")
    except UnicodeError as error:
        raise NameNotPermitted(f"{name!r}: label {label!r} has no A-label: {error}") from error
    if back != label:
        raise NameNotPermitted(f"{name!r}: label {label!r} is ambiguous in IDNA; give its A-label (xn--…)")
    return converted


def _check_a_label(label: str, name: str) -> None:
    """BR 7.1.4.2.1 wants no fake A-labels: what stands behind xn-- must be Punycode of more than ASCII."""
    try:
        decoded = label.removeprefix(_ACE).encode("ascii").decode("punycode")
        valid = not decoded.isascii() and decoded.encode("punycode").decode("ascii") == label.removeprefix(
            _ACE
        )
    except (UnicodeError, ValueError, OverflowError):
        valid = False
    if not valid:
        raise NameNotPermitted(f"{name!r}: label {label!r} looks like an A-label and is none")


def is_permitted(name: str, permitted: PermittedNames) -> bool:
    """RFC 5280 section 4.2.1.10: a DNS constraint covers itself and every name below it."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        bare = name.removeprefix("*.")
        return any(bare == base or bare.endswith(f".{base}") for base in permitted.dns)
    return any(address in network for network in permitted.ip)


def canonical_names(names: Iterable[str], permitted: PermittedNames | None) -> tuple[str, ...]:
    """Canonical, each once, in the order given, every one within the constraints (None: unconstrained).

    :raises NameNotPermitted: for the first name that fails, or where there are none or too many.
    """
    unique = tuple(dict.fromkeys(canonical_name(name) for name in names))
    if not 1 <= len(unique) <= MAXIMUM_NAMES:
        raise NameNotPermitted(f"a certificate carries 1 to {MAXIMUM_NAMES} names, not {len(unique)}")
    for name in unique:
        if permitted is not None and not is_permitted(name, permitted):
            raise NameNotPermitted(f"{name!r} lies outside what this CA may certify: {permitted}")
    return unique


def permitted_names(ca: Certificate) -> PermittedNames | None:
    """Return what the CA's own certificate permits; None where it has no name constraints."""
    for extension in ca.extensions:
        if extension.oid == NAME_CONSTRAINTS:
            subtrees = x509.NameConstraints.load(extension.value)["permitted_subtrees"]
            bases = [subtree["base"] for subtree in subtrees]
            return PermittedNames(
                dns=tuple(one.native for one in bases if one.name == "dns_name"),
                ip=tuple(ipaddress.ip_network(one.native) for one in bases if one.name == "ip_address"),
            )
    return None
