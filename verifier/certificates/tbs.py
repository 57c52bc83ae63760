"""The parts of a TBSCertificate as bytes, which cryptography does not give for SM2 and precertificates."""

from dataclasses import dataclass
from functools import lru_cache

from verifier.algorithms import der as asn1
from verifier.certificates.oid import dotted
from verifier.errors import MalformedInput

_SCT_LIST = asn1.encode_oid("1.3.6.1.4.1.11129.2.4.2")  # RFC 6962 section 3.3
_POISON = asn1.encode_oid("1.3.6.1.4.1.11129.2.4.3")  # RFC 6962 section 3.1
_POISON_VALUE = asn1.encode(asn1.NULL)
_RELATED_CERTIFICATE = asn1.encode_oid("1.3.6.1.5.5.7.1.36")  # RFC 9763 section 4.1
_BOOLEAN = 0x01
_TRUE = b"\xff"
_SHA256 = asn1.encode_oid("2.16.840.1.101.3.4.2.1")
_UNIQUE_IDS = (0x81, 0x82)
_VERSIONS = frozenset(asn1.encode(asn1.context(0), asn1.encode_integer(number)) for number in (1, 2))
_PARTS = ("signature", "issuer", "validity", "subject", "spki")
_SHORT, _REMEMBERED = 160, 1024  # bytes of an extension; extensions
_MAX_SERIAL = 20  # octets, RFC 5280 section 4.1.2.2


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension as it stands in the certificate; ``value`` is the content of extnValue."""

    oid: str
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class Tbs:
    """Fields of a TBSCertificate; ``subject``, ``issuer`` and ``spki`` are whole DER elements."""

    serial: int
    issuer: bytes
    subject: bytes
    spki: bytes
    extensions: tuple[Extension, ...]
    sct_list: bytes | None
    is_precertificate: bool
    without_transparency: bytes
    """The TBSCertificate without SCT list and poison: what an embedded SCT signs (RFC 6962 section 3.2)."""
    related_certificate: bytes | None
    whole: bytes
    """The TBSCertificate as it stands: what the issuer signed."""


@dataclass(frozen=True, slots=True)
class _Encoded:
    """An extension with its encoding, and its OID's."""

    element: bytes
    oid: bytes
    extension: Extension


def split_tbs(certificate: bytes) -> Tbs:
    """The parts of the certificate in ``certificate``. Raises MalformedInput for anything but strict DER."""
    outer = asn1.Reader(certificate, "certificate")
    body = outer.enter(asn1.SEQUENCE, "Certificate")
    outer.finish()
    tbs = body.whole(asn1.SEQUENCE, "tbsCertificate")
    return _split(tbs, body.whole(asn1.SEQUENCE, "signatureAlgorithm"))


def without_scts(certificate: bytes, tbs: Tbs) -> bytes:
    """The certificate less its SCT list, for a parser that knows no SM2 in one; its signature no longer fits.

    cryptography reads the list eagerly and fails on the hash code of sm2sig_sm3 (0x0708).
    """
    if tbs.sct_list is None:
        return certificate
    body = asn1.Reader(certificate, "certificate").enter(asn1.SEQUENCE, "Certificate")
    body.read(asn1.SEQUENCE, "tbsCertificate")
    algorithm = body.whole(asn1.SEQUENCE, "signatureAlgorithm")
    signature = asn1.encode(asn1.BIT_STRING, body.read(asn1.BIT_STRING, "signatureValue"))
    body.finish()
    return asn1.encode(asn1.SEQUENCE, tbs.without_transparency, algorithm, signature)


def _split(tbs: bytes, signature_algorithm: bytes) -> Tbs:
    reader = asn1.Reader(tbs, "certificate").enter(asn1.SEQUENCE, "tbsCertificate")
    version = _version(reader)
    serial = reader.integer("serialNumber")
    if serial.bit_length() > _MAX_SERIAL * 8:
        raise MalformedInput(
            f"certificate.serialNumber: expected at most {_MAX_SERIAL} octets (RFC 5280 4.1.2.2)"
        )
    signature, issuer, validity, subject, spki = (reader.whole(asn1.SEQUENCE, name) for name in _PARTS)
    if signature != signature_algorithm:
        raise MalformedInput(
            "certificate.signature: expected the same as signatureAlgorithm (RFC 5280 4.1.1.2)"
        )
    unique = [reader.whole(tag, "uniqueID") for tag in _UNIQUE_IDS if reader.next_is(tag)]
    extensions = _extensions(reader)
    reader.finish()
    by_oid = {extension.oid: extension for extension in extensions}
    without = tbs
    if _SCT_LIST in by_oid or _POISON in by_oid:
        kept = [one.element for one in extensions if one.oid not in {_SCT_LIST, _POISON}]
        tail = asn1.encode(asn1.context(3), asn1.encode(asn1.SEQUENCE, *kept)) if kept else b""
        head = (version, asn1.encode_integer(serial), signature, issuer, validity, subject, spki, *unique)
        without = asn1.encode(asn1.SEQUENCE, *head, tail)
    return Tbs(
        serial=serial,
        issuer=issuer,
        subject=subject,
        spki=spki,
        extensions=tuple([one.extension for one in extensions]),
        sct_list=_sct_list(by_oid.get(_SCT_LIST)),
        is_precertificate=_is_poisoned(by_oid.get(_POISON)),
        without_transparency=without,
        related_certificate=_related(by_oid.get(_RELATED_CERTIFICATE)),
        whole=tbs,
    )


def _version(reader: asn1.Reader) -> bytes:
    """The explicit version; absent in version 1, as an old root may be."""
    if not reader.next_is(asn1.context(0)):
        return b""
    element = reader.whole(asn1.context(0), "version")
    if element not in _VERSIONS:
        raise MalformedInput("certificate.tbsCertificate.version: expected 1 or 2 (v2, v3)")
    return element


def _extensions(reader: asn1.Reader) -> list[_Encoded]:
    found: list[_Encoded] = []
    if not reader.next_is(asn1.context(3)):
        return found
    wrapper = reader.enter(asn1.context(3), "extensions")
    listed = wrapper.enter(asn1.SEQUENCE, "Extensions")
    wrapper.finish()
    seen: set[bytes] = set()
    while not listed.at_end:
        element = listed.whole(asn1.SEQUENCE, "Extension")
        extension = _common_extension(element) if len(element) <= _SHORT else _extension(element)
        if extension.oid in seen:
            raise MalformedInput(
                f"certificate.extensions: {extension.extension.oid} twice (RFC 5280 section 4.2)"
            )
        seen.add(extension.oid)
        found.append(extension)
    return found


def _extension(element: bytes) -> _Encoded:
    reader = asn1.Reader(element, "certificate.extensions").enter(asn1.SEQUENCE, "Extension")
    oid = reader.whole(asn1.OBJECT_IDENTIFIER, "extnID")
    critical = False
    if reader.next_is(_BOOLEAN):
        if reader.read(_BOOLEAN, "critical") != _TRUE:
            raise MalformedInput("certificate.extensions.Extension.critical: expected TRUE or nothing (DER)")
        critical = True
    value = reader.read(asn1.OCTET_STRING, "extnValue")
    reader.finish()
    return _Encoded(element, oid, Extension(dotted(oid), critical, value))


_common_extension = lru_cache(_REMEMBERED)(_extension)
"""The certificates of one CA repeat most of their extensions byte for byte; the short ones are remembered."""


def _sct_list(found: _Encoded | None) -> bytes | None:
    """The TLS-encoded list: extnValue holds an OCTET STRING that holds it (RFC 6962 section 3.3)."""
    if found is None:
        return None
    reader = asn1.Reader(found.extension.value, "certificate.extensions.sctList")
    inner = reader.read(asn1.OCTET_STRING, "SignedCertificateTimestampList")
    reader.finish()
    return inner


def _is_poisoned(found: _Encoded | None) -> bool:
    if found is None:
        return False
    if not found.extension.critical or found.extension.value != _POISON_VALUE:
        raise MalformedInput("certificate.extensions.poison: expected a critical NULL (RFC 6962 section 3.1)")
    return True


def _related(found: _Encoded | None) -> bytes | None:
    """The sibling's SHA-256 from RelatedCertificate ::= SEQUENCE { hashAlgorithm, hashValue } (RFC 9763)."""
    if found is None:
        return None
    outer = asn1.Reader(found.extension.value, "certificate.extensions.relatedCertificate")
    body = outer.enter(asn1.SEQUENCE, "RelatedCertificate")
    outer.finish()
    algorithm = body.enter(asn1.SEQUENCE, "hashAlgorithm").read(asn1.OBJECT_IDENTIFIER, "algorithm")
    digest = body.read(asn1.OCTET_STRING, "hashValue")
    body.finish()
    return digest if asn1.encode(asn1.OBJECT_IDENTIFIER, algorithm) == _SHA256 else None
