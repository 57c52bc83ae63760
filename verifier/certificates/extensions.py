"""The extensions that the verifier reads, typed (RFC 5280 section 4.2).

The library reads them, out of a certificate that holds nothing else: what the certificates of one CA share is
read once. Host names and key identifiers, which differ, are read here in their ordinary form.
"""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, cast

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from verifier.algorithms import der as asn1
from verifier.certificates.library import LIBRARY_ERRORS, refusal
from verifier.certificates.other_names import other_names
from verifier.certificates.tbs import TRANSPARENCY, Encoded, split_extension
from verifier.errors import MalformedInput

_KEY_USAGES: Final = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign",
)  # fmt: skip
_REMEMBERED: Final = 2048  # sets of extensions: some for each CA, a hundred where each has a CRL's address
_LONGEST_REMEMBERED: Final = 1024  # bytes of a set
_ALTERNATIVE_NAME: Final = asn1.encode_oid("2.5.29.17")
_SUBJECT_KEY_ID: Final = asn1.encode_oid("2.5.29.14")
_DNS_NAME: Final = 0x82
_LONG_FORM: Final = 0x80  # of a length: from here on it takes more than one byte
_ALGORITHM: Final = asn1.encode(asn1.SEQUENCE, asn1.encode_oid("1.3.101.112"))
_TIME: Final = asn1.encode(0x17, b"000101000000Z")
_NO_NAME: Final = asn1.encode(asn1.SEQUENCE)
_KEY: Final = asn1.encode(asn1.SEQUENCE, _ALGORITHM, asn1.encode(asn1.BIT_STRING, bytes(33)))
_FIELDS: Final = b"".join((
    asn1.encode(asn1.context(0), asn1.encode_integer(2)), asn1.encode_integer(1), _ALGORITHM, _NO_NAME,
    asn1.encode(asn1.SEQUENCE, _TIME, _TIME), _NO_NAME, _KEY,
))  # fmt: skip
_SIGNED: Final = _ALGORITHM + asn1.encode(asn1.BIT_STRING, bytes(65))
"""A certificate's fields before its extensions and after them, for the library's parser alone."""


class TypedExtensions(NamedTuple):
    """What the extensions say; an absent one is None, False or empty."""

    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    email_addresses: tuple[str, ...]
    is_ca: bool
    path_length: int | None
    key_usage: frozenset[str]
    extended_key_usage: frozenset[str]
    authority_key_id: bytes | None
    subject_key_id: bytes | None
    ocsp_urls: tuple[str, ...]
    issuer_urls: tuple[str, ...]
    crl_urls: tuple[str, ...]
    must_staple: bool
    other_names: tuple[str, ...]


def read_extensions(extensions: Sequence[Encoded]) -> TypedExtensions:
    """The extensions of a certificate, less poison and SCT list. Raises MalformedInput or LIBRARY_ERRORS.

    The SCT list is kept from the library, which fails on the hash code of sm2sig_sm3 (0x0708).
    """
    rest: list[bytes] = []
    names: tuple[str, ...] | None = None
    key_id: bytes | None = None
    for element, oid, extension in extensions:
        if oid == _ALTERNATIVE_NAME and (names := _plain_names(extension.value)) is not None:
            continue
        if oid == _SUBJECT_KEY_ID and (key_id := _plain_octets(extension.value)) is not None:
            continue
        if oid not in TRANSPARENCY:
            rest.append(element)
    typed = _remembered(tuple(rest)) if sum(map(len, rest)) <= _LONGEST_REMEMBERED else _read(tuple(rest))
    if names is None and key_id is None:
        return typed
    return TypedExtensions(
        names if names is not None else typed.dns_names,
        *typed[1:8],
        key_id if key_id is not None else typed.subject_key_id,
        *typed[9:],
    )


def _plain_names(value: bytes) -> tuple[str, ...] | None:
    """The names of a subjectAltName of DNS names only (RFC 5280 4.2.1.6); None leaves it to the library."""
    try:
        at, end = asn1.locate(value, 0, len(value), asn1.SEQUENCE, "certificate.subjectAltName")
    except MalformedInput:
        return None
    text, names = value.decode("latin-1"), list[str]()
    while at < end - 1 and value[at] == _DNS_NAME and value[at + 1] < _LONG_FORM:
        start = at + 2
        at = start + value[at + 1]
        names.append(text[start:at])
    whole = at == end == len(value) and "".join(names).isascii()
    return tuple(names) if whole and names else None


def _plain_octets(value: bytes) -> bytes | None:
    """The content of a short OCTET STRING and nothing more."""
    content = value[2:]
    short = len(content) < _LONG_FORM and value[:2] == bytes((asn1.OCTET_STRING, len(content)))
    return content if short else None


def _read(elements: tuple[bytes, ...]) -> TypedExtensions:
    """What the library reads in these extensions; MalformedInput names the one that it cannot read."""
    try:
        return _Library(_in_library(elements)).typed()
    except LIBRARY_ERRORS as error:
        for element in elements:
            _check(element)
        raise refusal("certificate.extensions", error) from error


def _check(element: bytes) -> None:
    try:
        _in_library((element,))
    except LIBRARY_ERRORS as error:
        name = split_extension(element).extension.oid
        raise MalformedInput(
            f"certificate.extensions.{name}: expected RFC 5280 contents, {error!r}"
        ) from error


def _in_library(elements: Sequence[bytes]) -> x509.Extensions:
    listed = asn1.encode(asn1.context(3), asn1.encode(asn1.SEQUENCE, *elements)) if elements else b""
    tbs = asn1.encode(asn1.SEQUENCE, _FIELDS, listed)
    return x509.load_der_x509_certificate(asn1.encode(asn1.SEQUENCE, tbs, _SIGNED)).extensions


_remembered = lru_cache(_REMEMBERED)(_read)


class _Library:
    """The extensions this program reads, by the library's type; an absent one is None or empty."""

    def __init__(self, extensions: x509.Extensions) -> None:
        self._by_type = {type(extension.value): extension.value for extension in extensions}
        self._names = self._alternative_names()

    def typed(self) -> TypedExtensions:
        """All that this program reads of them."""
        basic = self.value(x509.BasicConstraints)
        return TypedExtensions(
            dns_names=tuple(self._names.get(x509.DNSName, ())),
            ip_addresses=self.ip_addresses(),
            email_addresses=tuple(self._names.get(x509.RFC822Name, ())),
            is_ca=basic is not None and basic.ca,
            path_length=basic.path_length if basic else None,
            key_usage=self.key_usage(),
            extended_key_usage=frozenset(o.dotted_string for o in self.value(x509.ExtendedKeyUsage) or ()),
            authority_key_id=self.authority_key_id(),
            subject_key_id=self.subject_key_id(),
            ocsp_urls=self.access_urls(AuthorityInformationAccessOID.OCSP),
            issuer_urls=self.access_urls(AuthorityInformationAccessOID.CA_ISSUERS),
            crl_urls=self.crl_urls(),
            must_staple=x509.TLSFeatureType.status_request in (self.value(x509.TLSFeature) or ()),
            other_names=other_names(self.value(x509.SubjectAlternativeName) or ()),
        )

    def value[T: x509.ExtensionType](self, kind: type[T]) -> T | None:
        return cast("T | None", self._by_type.get(kind))

    def _alternative_names(self) -> dict[type, list[Any]]:
        """The subjectAltName by kind of name, in order."""
        found: dict[type, list[Any]] = {}
        for name in self.value(x509.SubjectAlternativeName) or ():
            found.setdefault(type(name), []).append(name.value)
        return found

    def ip_addresses(self) -> tuple[str, ...]:
        addresses = self._names.get(x509.IPAddress, ())
        if not all(isinstance(a, ipaddress.IPv4Address | ipaddress.IPv6Address) for a in addresses):
            raise MalformedInput("certificate.subjectAltName: expected addresses, found a network")
        return tuple(map(str, addresses))

    def key_usage(self) -> frozenset[str]:
        usage = self.value(x509.KeyUsage)
        return frozenset(name for name in _KEY_USAGES if getattr(usage, name)) if usage else frozenset()

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
