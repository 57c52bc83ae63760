"""The extensions that the verifier reads, typed (RFC 5280 section 4.2)."""

import ipaddress
from typing import Final

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

_KEY_USAGES: Final = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign",
)  # fmt: skip


def name_attribute(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    """The last (most specific) value of an attribute of a name; empty where there is none."""
    values = name.get_attributes_for_oid(oid)
    return str(values[-1].value) if values and isinstance(values[-1].value, str) else ""


class ExtensionReader:
    """The extensions this program reads, by type; an absent one is None or empty."""

    def __init__(self, extensions: x509.Extensions) -> None:
        self._by_type = {type(extension.value): extension.value for extension in extensions}

    def value[T: x509.ExtensionType](self, kind: type[T]) -> T | None:
        found = self._by_type.get(kind)
        return found if isinstance(found, kind) else None

    def dns_names(self) -> tuple[str, ...]:
        names = self.value(x509.SubjectAlternativeName)
        return tuple(names.get_values_for_type(x509.DNSName)) if names else ()

    def email_addresses(self) -> tuple[str, ...]:
        names = self.value(x509.SubjectAlternativeName)
        return tuple(names.get_values_for_type(x509.RFC822Name)) if names else ()

    def ip_addresses(self) -> tuple[str, ...]:
        names = self.value(x509.SubjectAlternativeName)
        addresses = names.get_values_for_type(x509.IPAddress) if names else []
        if not all(isinstance(a, ipaddress.IPv4Address | ipaddress.IPv6Address) for a in addresses):
            raise MalformedInput("certificate.subjectAltName: expected addresses, found a network")
        return tuple(str(address) for address in addresses)

    def key_usage(self) -> frozenset[str]:
        usage = self.value(x509.KeyUsage)
        if usage is None:
            return frozenset()
        return frozenset(name for name in _KEY_USAGES if getattr(usage, name))

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
            and isinstance(description.access_location, x509.UniformResourceIdentifier)
        )

    def crl_urls(self) -> tuple[str, ...]:
        points = self.value(x509.CRLDistributionPoints) or ()
        return tuple(
            name.value
            for point in points
            if point.crl_issuer is None and point.reasons is None
            for name in point.full_name or ()
            if isinstance(name, x509.UniformResourceIdentifier)
        )
