"""The parts of a TBSCertificate as bytes, which cryptography does not give for SM2 and precertificates."""

from collections.abc import Iterator
from dataclasses import dataclass

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
_ISSUER_UNIQUE_ID, _SUBJECT_UNIQUE_ID = 0x81, 0x82
_V3 = 2
_MAX_SERIAL = 20  # octets, RFC 5280 section 4.1.2.2


@dataclass(frozen=True, slots=True)
class Tbs:
    """Fields of a TBSCertificate; ``subject``, ``issuer`` and ``spki`` are whole DER elements."""

    serial: int
    issuer: bytes
    subject: bytes
    spki: bytes
    extensions: tuple[tuple[str, bool, bytes], ...]
    sct_list: bytes | None
    is_precertificate: bool
    without_transparency: bytes
    """The TBSCertificate without SCT list and poison: what an embedded SCT signs (RFC 6962 section 3.2)."""
    related_certificate: bytes | None
    whole: bytes
    """The TBSCertificate as it stands: what the issuer signed."""


@dataclass(frozen=True, slots=True)
class _RawExtension:
    element: bytes
    oid: bytes
    critical: bool
    value: bytes


def split_tbs(certificate: bytes) -> Tbs:
    """The parts of the certificate in ``certificate``. Raises MalformedInput for anything but strict DER."""
    outer = asn1.Reader(certificate, "certificate")
    body = outer.enter(asn1.SEQUENCE, "Certificate")
    outer.finish()
    tbs = body.read(asn1.SEQUENCE, "tbsCertificate")
    return _split(tbs, _element(body, "signatureAlgorithm"))


def without_scts(certificate: bytes, tbs: Tbs) -> bytes:
    """The certificate less its SCT list, for a parser that knows no SM2 in one; its signature no longer fits.

    cryptography reads the list eagerly and fails on the hash code of sm2sig_sm3 (0x0708).
    """
    if tbs.sct_list is None:
        return certificate
    body = asn1.Reader(certificate, "certificate").enter(asn1.SEQUENCE, "Certificate")
    body.read(asn1.SEQUENCE, "tbsCertificate")
    algorithm = _element(body, "signatureAlgorithm")
    signature = asn1.encode(asn1.BIT_STRING, body.read(asn1.BIT_STRING, "signatureValue"))
    body.finish()
    return asn1.encode(asn1.SEQUENCE, tbs.without_transparency, algorithm, signature)


def _split(tbs: bytes, signature_algorithm: bytes) -> Tbs:
    reader = asn1.Reader(tbs, "certificate.tbsCertificate")
    head = [_version(reader)]
    serial = reader.integer("serialNumber")
    if serial.bit_length() > _MAX_SERIAL * 8:
        raise MalformedInput(
            f"certificate.serialNumber: expected at most {_MAX_SERIAL} octets (RFC 5280 4.1.2.2)"
        )
    head.append(asn1.encode_integer(serial))
    parts = {name: _element(reader, name) for name in ("signature", "issuer", "validity", "subject", "spki")}
    if parts["signature"] != signature_algorithm:
        raise MalformedInput(
            "certificate.signature: expected the same as signatureAlgorithm (RFC 5280 4.1.1.2)"
        )
    head.extend(parts.values())
    head.extend(
        asn1.encode(tag, reader.read(tag, "uniqueID"))
        for tag in (_ISSUER_UNIQUE_ID, _SUBJECT_UNIQUE_ID)
        if reader.next_is(tag)
    )
    extensions = tuple(_extensions(reader))
    reader.finish()
    by_oid = {extension.oid: extension for extension in extensions}
    kept = [extension.element for extension in extensions if extension.oid not in {_SCT_LIST, _POISON}]
    tail = asn1.encode(asn1.context(3), asn1.encode(asn1.SEQUENCE, *kept)) if kept else b""
    return Tbs(
        serial=serial,
        issuer=parts["issuer"],
        subject=parts["subject"],
        spki=parts["spki"],
        extensions=tuple((dotted(e.oid), e.critical, e.value) for e in extensions),
        sct_list=_sct_list(by_oid.get(_SCT_LIST)),
        is_precertificate=_is_poisoned(by_oid.get(_POISON)),
        without_transparency=asn1.encode(asn1.SEQUENCE, *head, tail),
        related_certificate=_related(by_oid.get(_RELATED_CERTIFICATE)),
        whole=asn1.encode(asn1.SEQUENCE, tbs),
    )


def _version(reader: asn1.Reader) -> bytes:
    """The explicit version; absent in version 1, as an old root may be."""
    if not reader.next_is(asn1.context(0)):
        return b""
    contents = reader.read(asn1.context(0), "version")
    inner = asn1.Reader(contents, "certificate.tbsCertificate.version")
    if not 0 < inner.integer("version") <= _V3:
        raise MalformedInput("certificate.tbsCertificate.version: expected 1 or 2 (v2, v3)")
    inner.finish()
    return asn1.encode(asn1.context(0), contents)


def _element(reader: asn1.Reader, name: str) -> bytes:
    """The next SEQUENCE whole. Lengths are minimal, so encoding it again gives the very bytes."""
    return asn1.encode(asn1.SEQUENCE, reader.read(asn1.SEQUENCE, name))


def _extensions(reader: asn1.Reader) -> Iterator[_RawExtension]:
    if not reader.next_is(asn1.context(3)):
        return
    wrapper = reader.enter(asn1.context(3), "extensions")
    listed = wrapper.enter(asn1.SEQUENCE, "Extensions")
    wrapper.finish()
    seen: set[bytes] = set()
    while not listed.at_end:
        extension = _extension(listed.read(asn1.SEQUENCE, "Extension"))
        if extension.oid in seen:
            raise MalformedInput(
                f"certificate.extensions: {dotted(extension.oid)} twice (RFC 5280 section 4.2)"
            )
        seen.add(extension.oid)
        yield extension


def _extension(contents: bytes) -> _RawExtension:
    reader = asn1.Reader(contents, "certificate.extensions.Extension")
    oid = asn1.encode(asn1.OBJECT_IDENTIFIER, reader.read(asn1.OBJECT_IDENTIFIER, "extnID"))
    critical = False
    if reader.next_is(_BOOLEAN):
        if reader.read(_BOOLEAN, "critical") != _TRUE:
            raise MalformedInput("certificate.extensions.Extension.critical: expected TRUE or nothing (DER)")
        critical = True
    value = reader.read(asn1.OCTET_STRING, "extnValue")
    reader.finish()
    return _RawExtension(asn1.encode(asn1.SEQUENCE, contents), oid, critical, value)


def _sct_list(extension: _RawExtension | None) -> bytes | None:
    """The TLS-encoded list: extnValue holds an OCTET STRING that holds it (RFC 6962 section 3.3)."""
    if extension is None:
        return None
    reader = asn1.Reader(extension.value, "certificate.extensions.sctList")
    inner = reader.read(asn1.OCTET_STRING, "SignedCertificateTimestampList")
    reader.finish()
    return inner


def _is_poisoned(extension: _RawExtension | None) -> bool:
    if extension is None:
        return False
    if not extension.critical or extension.value != _POISON_VALUE:
        raise MalformedInput("certificate.extensions.poison: expected a critical NULL (RFC 6962 section 3.1)")
    return True


def _related(extension: _RawExtension | None) -> bytes | None:
    """The sibling's SHA-256 from RelatedCertificate ::= SEQUENCE { hashAlgorithm, hashValue } (RFC 9763)."""
    if extension is None:
        return None
    outer = asn1.Reader(extension.value, "certificate.extensions.relatedCertificate")
    body = outer.enter(asn1.SEQUENCE, "RelatedCertificate")
    outer.finish()
    algorithm = body.enter(asn1.SEQUENCE, "hashAlgorithm").read(asn1.OBJECT_IDENTIFIER, "algorithm")
    digest = body.read(asn1.OCTET_STRING, "hashValue")
    body.finish()
    return digest if asn1.encode(asn1.OBJECT_IDENTIFIER, algorithm) == _SHA256 else None
