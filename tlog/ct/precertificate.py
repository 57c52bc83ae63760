"""The TBSCertificate that a precertificate stands for when a precertificate signing certificate issued it."""

from typing import Final

from verifier.algorithms import der
from verifier.certificates import Certificate

PRECERTIFICATE_SIGNING: Final = "1.3.6.1.4.1.11129.2.4.4"
"""The extendedKeyUsage of RFC 6962 section 3.1 that marks such a certificate."""

_AUTHORITY_KEY_ID: Final = "2.5.29.35"
_EXTENSIONS: Final = der.context(3)
_VERSION: Final = der.context(0)
_UNIQUE_IDS: Final = (0x81, 0x82)
_BOOLEAN: Final = 0x01


def is_signing_certificate(certificate: Certificate) -> bool:
    """Whether this certificate exists only to sign precertificates."""
    return PRECERTIFICATE_SIGNING in certificate.extended_key_usage


def tbs_of_final_issuer(precertificate: Certificate, signing: Certificate) -> bytes:
    """Return the TBS without poison, with issuer and authority key identifier of the final certificate.

    RFC 6962 section 3.2: both are changed to those of the certificate that issued ``signing``, as the final
    certificate will have them. Raises MalformedInput for bytes that are no TBSCertificate.
    """
    outer = der.Reader(precertificate.precertificate_tbs, "TBSCertificate")
    body = outer.enter(der.SEQUENCE, "TBSCertificate")
    outer.finish()
    parts = [_copy(body, _VERSION)] if body.next_is(_VERSION) else []
    parts += [_copy(body, der.INTEGER), _copy(body, der.SEQUENCE)]
    body.read(der.SEQUENCE, "issuer")
    parts += [signing.issuer_der, *(_copy(body, der.SEQUENCE) for _ in ("validity", "subject", "key"))]
    parts += [_copy(body, tag) for tag in _UNIQUE_IDS if body.next_is(tag)]
    if body.next_is(_EXTENSIONS):
        parts.append(_with_authority_key(body.enter(_EXTENSIONS, "extensions"), signing))
    body.finish()
    return der.encode(der.SEQUENCE, *parts)


def _with_authority_key(wrapper: der.Reader, signing: Certificate) -> bytes:
    """Copy the extensions, the authority key identifier's value being that of ``signing``."""
    listed = wrapper.enter(der.SEQUENCE, "Extensions")
    wrapper.finish()
    value = next((item.value for item in signing.extensions if item.oid == _AUTHORITY_KEY_ID), None)
    parts = []
    while not listed.at_end:
        extension = listed.read(der.SEQUENCE, "Extension")
        parts.append(_replaced(extension, value) if value else der.encode(der.SEQUENCE, extension))
    return der.encode(_EXTENSIONS, der.encode(der.SEQUENCE, *parts))


def _replaced(extension: bytes, value: bytes) -> bytes:
    reader = der.Reader(extension, "Extension")
    oid = _copy(reader, der.OBJECT_IDENTIFIER)
    if oid != der.encode_oid(_AUTHORITY_KEY_ID):
        return der.encode(der.SEQUENCE, extension)
    critical = _copy(reader, _BOOLEAN) if reader.next_is(_BOOLEAN) else b""
    return der.encode(der.SEQUENCE, oid, critical, der.encode(der.OCTET_STRING, value))


def _copy(reader: der.Reader, tag: int) -> bytes:
    """The next element whole: lengths are minimal, so encoding it again gives the very bytes."""
    return der.encode(tag, reader.read(tag, f"element {tag:#04x}"))
