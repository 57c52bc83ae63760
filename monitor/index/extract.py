"""A certificate taken apart for the index."""

import re
from functools import lru_cache
from hashlib import sha256

from monitor.index.names import fold
from monitor.store.rows import CertificateRow
from monitor.values import to_ms
from monitor.watching.names import attributes
from verifier.certificates import Certificate
from verifier.errors import MalformedInput

_DNS_NAME = re.compile(r"(\*\.)?([a-z0-9_-]+\.)+[a-z0-9-]+")
_NAME_LIKE = re.compile(rb"(?:\*\.)?(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z0-9-]{1,63}")
DNS_NAME_TAG = b"\x82"  # GeneralName dNSName, RFC 5280 section 4.2.1.6
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
    """Return what look like DNS names in a certificate that could not be parsed."""
    found: dict[str, None] = {}
    at = data.find(DNS_NAME_TAG)
    while at >= 0 and len(found) < MAX_READ_NAMES:
        name = data[at + 2 : at + 2 + data[at + 1]] if at + 1 < len(data) else b""
        if _NAME_LIKE.fullmatch(name):
            found[fold(name.decode("ascii"))] = None
        at = data.find(DNS_NAME_TAG, at + 1)
    return tuple(found)
