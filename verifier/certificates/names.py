"""Does a certificate name this host? RFC 9525, with the identifiers of subjectAltName only."""

import ipaddress
import re
from typing import Final

from verifier.certificates.certificate import Certificate
from verifier.errors import VerifierError

_MAX_NAME = 253  # RFC 1035 section 2.3.4, without the root's dot
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_LABELS_AFTER_WILDCARD: Final = 2  # "*.com" would cover a registry; OpenSSL and browsers refuse it as well


class NameMismatch(VerifierError):
    """A certificate that does not name the host; the message lists what it names."""


def match_name(certificate: Certificate, host: str) -> str:
    """The name of ``certificate`` that covers ``host``: a DNS name in A-labels or an IP address.

    RFC 9525: no fallback to the common name (section 2), DNS names compared without case, a wildcard only as
    the whole leftmost label and for exactly one label (6.3), never for an address; addresses compared as
    numbers (6.4). A final dot and brackets around an IPv6 address are the URL's, and are taken off.
    Raises NameMismatch.
    """
    reference = normalise_host(host)
    if (address := _address(reference)) is not None:
        if str(address) in certificate.ip_addresses:
            return str(address)
    else:
        for presented in certificate.dns_names:
            if _covers(presented.lower(), reference):
                return presented
    raise NameMismatch(f"{host} is not among the names of the certificate: {_listed(certificate)}")


def normalise_host(host: str) -> str:
    """``host`` as it is compared: lower case, no final dot, an address in its shortest form.

    Raises NameMismatch for what is neither an address nor a DNS name in A-labels (RFC 5890).
    """
    bare = host.lower().removesuffix(".")
    if bare.startswith("[") and bare.endswith("]"):
        bare = bare[1:-1]
    if (address := _address(bare)) is not None:
        return str(address)
    labels = bare.split(".")
    if len(bare) > _MAX_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise NameMismatch(f"{host!r} is no DNS name in A-labels and no IP address")
    if labels[-1].isdigit():  # "127.1": a browser would take it for an address, so it names nothing
        raise NameMismatch(f"{host!r} is a number, but not an IP address in full")
    return bare


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _covers(presented: str, reference: str) -> bool:
    if "*" not in presented:
        return presented == reference
    star, _, suffix = presented.partition(".")
    if star != "*" or suffix.count(".") + 1 < _LABELS_AFTER_WILDCARD:
        return False
    first, _, rest = reference.partition(".")
    return bool(first) and rest == suffix


def _listed(certificate: Certificate) -> str:
    names = (*certificate.dns_names, *certificate.ip_addresses)
    shown = ", ".join(names[:5]) or "none (the common name does not count)"
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"  # noqa: PLR2004 -- five fit one sentence
