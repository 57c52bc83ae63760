"""A certificate taken apart for the index."""

import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from ipaddress import ip_address

from monitor.index.names import fold
from monitor.store.rows import CertificateRow
from monitor.values import to_ms
from monitor.watching.names import attributes
from verifier.certificates import Certificate
from verifier.certificates.other_names import located
from verifier.errors import MalformedInput

_DNS_NAME = re.compile(r"(\*\.)?([a-z0-9_-]+\.)+[a-z0-9-]+")
_NAME_LIKE = re.compile(rb"(?:\*\.)?(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z0-9-]{1,63}")
_MAIL_LIKE = re.compile(rb"[!-?A-~]{1,64}@(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z0-9-]{1,63}")
_LENGTH = rb"(?:[\x00-\x7f]|\x81.|\x82..)"
_ALTERNATIVE_NAME = re.compile(  # its OID, perhaps TRUE, then an OCTET STRING that holds a SEQUENCE
    rb"\x06\x03\x55\x1d\x11(?:\x01\x01.)?\x04" + _LENGTH + rb"\x30" + _LENGTH, re.DOTALL
)
_COMMON_NAME = re.compile(rb"\x06\x03\x55\x04\x03[\x0c\x13\x16].", re.DOTALL)  # OID, string, its length
DNS_NAME_TAG = b"\x82"  # GeneralName dNSName, RFC 5280 section 4.2.1.6
_MAIL, _ADDRESS, _GENERAL_NAMES = 0x81, 0x87, frozenset((*range(0x80, 0x89), 0xA0, 0xA3, 0xA4, 0xA5))
_ADDRESS_SIZES = (4, 16)
_LONG_FORM = 0x80
MAX_READ_NAMES = 100
EMAIL_ADDRESS = "1.2.840.113549.1.9.1"  # PKCS #9 emailAddress, in a subject
_ISSUERS = 256  # remembered; a log has fewer CAs that are busy at the same time


def certificate_row(
    certificate: Certificate, chain: tuple[bytes, ...], fingerprint: bytes | None = None
) -> CertificateRow:
    """Return everything that the index keeps of ``certificate``, whose fingerprint may be known already."""
    issuer_sha256, issuer_key = _issuer(chain[0]) if chain else (None, None)
    key = certificate.public_key
    return CertificateRow(  # by position: two dozen keywords would take as long as all the rest
        fingerprint or certificate.fingerprint,
        certificate.is_precertificate,
        certificate.der,
        chain,
        sha256(certificate.precertificate_tbs).digest(),
        serial_bytes(certificate.serial),
        certificate.subject,
        certificate.common_name,
        certificate.organisation,
        certificate.issuer,
        to_ms(certificate.not_before),
        to_ms(certificate.not_after),
        key.algorithm.value,
        key.bits,
        key.key_id,
        names_of(certificate),
        certificate.related_certificate,
        certificate.crl_urls[0] if certificate.crl_urls else None,
        certificate.subject_key_id,
        certificate.authority_key_id,
        issuer_sha256,
        issuer_key,
    )


def names_of(certificate: Certificate) -> tuple[str, ...]:
    """Return the names that the certificate is found by, each once, in its own order."""
    names = [*certificate.dns_names, *certificate.ip_addresses, *certificate.email_addresses]
    if certificate.common_name not in certificate.dns_names:
        common = certificate.common_name.strip().lower()
        if _DNS_NAME.fullmatch(common) or "@" in common:
            names.append(common)
    names += [place for name in certificate.other_names for place in located(name)]
    if EMAIL_ADDRESS in certificate.subject:
        names += [text for kind, text in attributes(certificate.subject) if kind == EMAIL_ADDRESS]
    return tuple(dict.fromkeys(fold(name) for name in names if name.strip()))


@lru_cache(_ISSUERS)
def _issuer(der: bytes) -> tuple[bytes, bytes | None]:
    """Return the SHA-256 of an issuer's certificate and of its key, where that can be read."""
    try:
        return sha256(der).digest(), Certificate.parse(der).public_key.key_id
    except MalformedInput:
        return sha256(der).digest(), None


def serial_bytes(serial: int) -> bytes:
    """Return a serial number in big-endian bytes without leading zeros."""
    magnitude = abs(serial)
    return magnitude.to_bytes(max(1, (magnitude.bit_length() + 7) // 8))


def readable_names(data: bytes) -> tuple[str, ...]:
    """Return what look like names in a certificate that could not be parsed, at most a hundred.

    They are host names wherever a GeneralName of that kind may be, common names that look like one, and the
    mail and IP addresses of what can still be read of subjectAltName.
    """
    found: dict[str, None] = {}
    for name in _candidates(data):
        found[name] = None
        if len(found) == MAX_READ_NAMES:
            break
    return tuple(found)


def _candidates(data: bytes) -> Iterator[str]:
    for begun in _ALTERNATIVE_NAME.finditer(data):
        yield from _general_names(data, begun.end())
    at = data.find(DNS_NAME_TAG)
    while at >= 0:
        yield from _like_a_host(data, at + 1)
        at = data.find(DNS_NAME_TAG, at + 1)
    for attribute in _COMMON_NAME.finditer(data):
        yield from _like_a_host(data, attribute.end() - 1)


def _general_names(data: bytes, at: int) -> Iterator[str]:
    """The names from ``at`` on, as long as they follow each other (RFC 5280 section 4.2.1.6)."""
    while at + 1 < len(data) and data[at] in _GENERAL_NAMES and data[at + 1] < _LONG_FORM:
        kind, value = data[at], data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
        if kind == _MAIL and _MAIL_LIKE.fullmatch(value):
            yield fold(value.decode("ascii"))
        elif kind == _ADDRESS and len(value) in _ADDRESS_SIZES:
            yield str(ip_address(value))


def _like_a_host(data: bytes, at: int) -> Iterator[str]:
    """The host name behind its length at ``at``, if it is one and whole."""
    end = at + 1 + data[at] if at < len(data) else len(data) + 1
    if end <= len(data) and _NAME_LIKE.fullmatch(data, at + 1, end):
        yield fold(data[at + 1 : end].decode("ascii"))
