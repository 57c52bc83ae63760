"""The extensions that the verifier reads, typed (RFC 5280 section 4.2)."""

import ipaddress
from functools import lru_cache
from typing import Any, Final, cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm as NotInLibrary

from verifier.errors import MalformedInput

LIBRARY_ERRORS: Final = (
    ValueError,
    TypeError,
    KeyError,  # a string type that it does not know
    OverflowError,
    NotInLibrary,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    Warning,  # where the program turns warnings into errors
)
"""What cryptography raises for bytes that are no certificate and no CRL."""

_REMEMBERED: Final = 256  # more combinations of key usages than certificates have

_KEY_USAGES: Final = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign",
)  # fmt: skip


def name_attribute(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    """The last (most specific) value of an attribute of a name; empty where there is none."""
    values = name.get_attributes_for_oid(oid)
    return str(values[-1].value) if values and isinstance(values[-1].value, str) else ""


@lru_cache(_REMEMBERED)
def _usages(usage: x509.KeyUsage) -> frozenset[str]:
    return frozenset(name for name in _KEY_USAGES if getattr(usage, name))


class ExtensionReader:
    """The extensions this program reads, by type; an absent one is None or empty."""

    def __init__(self, extensions: x509.Extensions) -> None:
        self._by_type = {type(extension.value): extension.value for extension in extensions}
        self._names = self._alternative_names()

    def value[T: x509.ExtensionType](self, kind: type[T]) -> T | None:
        return cast("T | None", self._by_type.get(kind))

    def _alternative_names(self) -> dict[type, list[Any]]:
        """The subjectAltName by kind of name, in order."""
        found: dict[type, list[Any]] = {}
        for name in self.value(x509.SubjectAlternativeName) or ():
            found.setdefault(type(name), []).append(name.value)
        return found

    def dns_names(self) -> tuple[str, ...]:
        return tuple(self._names.get(x509.DNSName, ()))

    def email_addresses(self) -> tuple[str, ...]:
        return tuple(self._names.get(x509.RFC822Name, ()))

    def ip_addresses(self) -> tuple[str, ...]:
        addresses = self._names.get(x509.IPAddress, ())
        if not all(isinstance(a, ipaddress.IPv4Address | ipaddress.IPv6Address) for a in addresses):
            raise MalformedInput("certificate.subjectAltName: expected addresses, found a network")
        return tuple(map(str, addresses))

    def key_usage(self) -> frozenset[str]:
        usage = self.value(x509.KeyUsage)
        return _usages(usage) if usage else frozenset()

    def authority_key_id(self) -> bytes | None:
        found = self.value(x509.AuthorityKeyIdentifier)
        return found.key_identifier if found else None

    def subject_key_id(self) -> bytes | None:
        found = self.value(x509.SubjectKeyIdentifier)
        return found.digest if found else None

    def access_urls(self, method: x509.ObjectIdentifier) -> tuple[str, ...]:
        descriptions = self.value(x509.AuthorityInformationAccess) or ()
        return tuple(
            description.access_location.value
            for description in descriptions
            if description.access_method == method
            and type(description.access_location) is x509.UniformResourceIdentifier
        )

    def crl_urls(self) -> tuple[str, ...]:
        points = self.value(x509.CRLDistributionPoints) or ()
        return tuple(
            name.value
            for point in points
            if point.crl_issuer is None and point.reasons is None
            for name in point.full_name or ()
            if type(name) is x509.UniformResourceIdentifier
        )
