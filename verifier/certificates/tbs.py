"""The parts of a TBSCertificate as bytes, which cryptography does not give for SM2 and precertificates."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from verifier.algorithms import der as asn1
from verifier.certificates.oid import dotted
from verifier.errors import MalformedInput

SCT_LIST = asn1.encode_oid("1.3.6.1.4.1.11129.2.4.2")  # RFC 6962 section 3.3
POISON = asn1.encode_oid("1.3.6.1.4.1.11129.2.4.3")  # RFC 6962 section 3.1
_POISON_VALUE = asn1.encode(asn1.NULL)
_RELATED_CERTIFICATE = asn1.encode_oid("1.3.6.1.5.5.7.1.36")  # RFC 9763 section 4.1
TRANSPARENCY = frozenset({SCT_LIST, POISON})
_BOOLEAN, _TRUE = b"\x01", b"\x01\x01\xff"
_SHA256 = asn1.encode_oid("2.16.840.1.101.3.4.2.1")
_UNIQUE_IDS = (b"\x81", b"\x82")
_VERSION_TAG = bytes((asn1.context(0),))
_VERSIONS = frozenset(asn1.encode(asn1.context(0), asn1.encode_integer(number)) for number in (1, 2))
_OUTER, _TBS, _EXTENSION = (
    "certificate.Certificate",
    "certificate.tbsCertificate",
    "certificate.extensions.Extension",
)
_SIGNATURE_FIELD, _ISSUER_FIELD, _VALIDITY_FIELD = f"{_TBS}.signature", f"{_TBS}.issuer", f"{_TBS}.validity"
_SUBJECT_FIELD, _SPKI_FIELD = f"{_TBS}.subject", f"{_TBS}.spki"
_TBS_FIELD, _ALGORITHM_FIELD = f"{_OUTER}.tbsCertificate", f"{_OUTER}.signatureAlgorithm"
_SERIAL_FIELD, _UNIQUE_FIELD = f"{_TBS}.serialNumber", f"{_TBS}.uniqueID"
_WRAPPER_FIELD, _LIST_FIELD = f"{_TBS}.extensions", f"{_TBS}.extensions.Extensions"
_OID_FIELD, _VALUE_FIELD = f"{_EXTENSION}.extnID", f"{_EXTENSION}.extnValue"
_SHORT, _REMEMBERED = 160, 4096  # bytes of an extension; extensions
_MAX_SERIAL = 20  # octets, RFC 5280 section 4.1.2.2
_SIGN = 0x80  # set in the first octet of a negative INTEGER


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension as it stands in the certificate; ``value`` is the content of extnValue."""

    oid: str
    critical: bool
    value: bytes


class Tbs(NamedTuple):
    """Fields of a TBSCertificate; ``subject``, ``issuer`` and ``spki`` are whole DER elements."""

    serial: int
    issuer: bytes
    subject: bytes
    spki: bytes
    extensions: tuple["Encoded", ...]
    sct_list: bytes | None
    is_precertificate: bool
    without_transparency: bytes
    """The TBSCertificate without SCT list and poison: what an embedded SCT signs (RFC 6962 section 3.2)."""
    related_certificate: bytes | None
    whole: bytes
    """The TBSCertificate as it stands: what the issuer signed."""


class Encoded(NamedTuple):
    """An extension with its encoding, and its OID's."""

    element: bytes
    oid: bytes
    extension: Extension


def split_tbs(certificate: bytes) -> Tbs:
    """The parts of the certificate in ``certificate``. Raises MalformedInput for anything but strict DER."""
    begin, end = asn1.locate(certificate, 0, len(certificate), asn1.SEQUENCE, _OUTER)
    if end != len(certificate):
        raise _left_over("certificate", len(certificate) - end)
    start, stop = asn1.locate(certificate, begin, end, asn1.SEQUENCE, _TBS_FIELD)
    _, algorithm = asn1.locate(certificate, stop, end, asn1.SEQUENCE, _ALGORITHM_FIELD)
    return _split(certificate[begin:stop], start - begin, certificate[stop:algorithm])


def _split(tbs: bytes, start: int, signature_algorithm: bytes) -> Tbs:
    """The fields of RFC 5280 section 4.1, in their order; those of ``tbs`` begin at ``start``."""
    end = len(tbs)
    serial, signature_at = _serial(tbs, _after_version(tbs, start), end)
    _, issuer_at = asn1.locate(tbs, signature_at, end, asn1.SEQUENCE, _SIGNATURE_FIELD)
    if tbs[signature_at:issuer_at] != signature_algorithm:
        raise MalformedInput(
            "certificate.signature: expected the same as signatureAlgorithm (RFC 5280 4.1.1.2)"
        )
    _, validity_at = asn1.locate(tbs, issuer_at, end, asn1.SEQUENCE, _ISSUER_FIELD)
    _, subject_at = asn1.locate(tbs, validity_at, end, asn1.SEQUENCE, _VALIDITY_FIELD)
    _, spki_at = asn1.locate(tbs, subject_at, end, asn1.SEQUENCE, _SUBJECT_FIELD)
    _, unique_at = asn1.locate(tbs, spki_at, end, asn1.SEQUENCE, _SPKI_FIELD)
    extensions_at = _after_unique_ids(tbs, unique_at, end)
    by_oid = _extensions(tbs, extensions_at, end)
    return Tbs(
        serial,
        tbs[issuer_at:validity_at],
        tbs[subject_at:spki_at],
        tbs[spki_at:unique_at],
        tuple(by_oid.values()),
        _sct_list(by_oid.get(SCT_LIST)),
        _is_poisoned(by_oid.get(POISON)),
        _without_transparency(tbs, tbs[start:extensions_at], by_oid),
        _related(by_oid.get(_RELATED_CERTIFICATE)),
        tbs,
    )


def _without_transparency(tbs: bytes, fields: bytes, by_oid: Mapping[bytes, Encoded]) -> bytes:
    """A TBSCertificate less poison and SCT list; ``fields`` stand before its extensions."""
    if SCT_LIST not in by_oid and POISON not in by_oid:
        return tbs
    kept = [element for element, oid, _ in by_oid.values() if oid not in TRANSPARENCY]
    tail = asn1.encode(asn1.context(3), asn1.encode(asn1.SEQUENCE, *kept)) if kept else b""
    return asn1.encode(asn1.SEQUENCE, fields, tail)


def _after_version(tbs: bytes, at: int) -> int:
    """Where the explicit version ends; it is absent in version 1, as an old root may be."""
    if tbs[at : at + 1] != _VERSION_TAG:
        return at
    if tbs[at : at + 5] not in _VERSIONS:
        raise MalformedInput("certificate.tbsCertificate.version: expected 1 or 2 (v2, v3)")
    return at + 5


def _serial(tbs: bytes, at: int, end: int) -> tuple[int, int]:
    """The serial number, and where it ends."""
    start, stop = asn1.locate(tbs, at, end, asn1.INTEGER, _SERIAL_FIELD)
    body = tbs[start:stop]
    if not 0 < len(body) <= _MAX_SERIAL or body[0] >= _SIGN or body[0] == 0:
        serial = asn1.Reader(tbs[at:stop], _TBS).integer("serialNumber")
        if serial.bit_length() > _MAX_SERIAL * 8:
            raise MalformedInput(
                f"certificate.serialNumber: expected at most {_MAX_SERIAL} octets (RFC 5280 4.1.2.2)"
            )
        return serial, stop
    return int.from_bytes(body), stop


def _after_unique_ids(tbs: bytes, at: int, end: int) -> int:
    for tag in _UNIQUE_IDS:
        if tbs[at : at + 1] == tag:
            _, at = asn1.locate(tbs, at, end, tag[0], _UNIQUE_FIELD)
    return at


def _extensions(tbs: bytes, at: int, end: int) -> dict[bytes, Encoded]:
    """The extensions at the end of a TBSCertificate by their encoded OID, in their order."""
    found: dict[bytes, Encoded] = {}
    if at == end:
        return found
    start, stop = asn1.locate(tbs, at, end, asn1.context(3), _WRAPPER_FIELD)
    if stop != end:
        raise _left_over(_TBS, end - stop)
    at, inner = asn1.locate(tbs, start, stop, asn1.SEQUENCE, _LIST_FIELD)
    if inner != stop:
        raise _left_over(_WRAPPER_FIELD, stop - inner)
    while at < stop:
        begin = at
        _, at = asn1.locate(tbs, at, stop, asn1.SEQUENCE, _EXTENSION)
        element = tbs[begin:at]
        extension = _common_extension(element) if at - begin <= _SHORT else split_extension(element)
        if extension.oid in found:
            oid = extension.extension.oid
            raise MalformedInput(f"certificate.extensions: {oid} twice (RFC 5280 section 4.2)")
        found[extension.oid] = extension
    return found


def _left_over(field: str, count: int) -> MalformedInput:
    return MalformedInput(f"{field}: expected nothing more, {count} bytes are left over")


def split_extension(element: bytes) -> Encoded:
    """An Extension in its parts. Raises MalformedInput."""
    end = len(element)
    begin, _ = asn1.locate(element, 0, end, asn1.SEQUENCE, _EXTENSION)
    _, at = asn1.locate(element, begin, end, asn1.OBJECT_IDENTIFIER, _OID_FIELD)
    oid = element[begin:at]
    critical = element[at : at + 1] == _BOOLEAN
    if critical:
        if element[at : at + 3] != _TRUE:
            raise MalformedInput("certificate.extensions.Extension.critical: expected TRUE or nothing (DER)")
        at += 3
    start, stop = asn1.locate(element, at, end, asn1.OCTET_STRING, _VALUE_FIELD)
    if stop != end:
        raise _left_over(_EXTENSION, end - stop)
    return Encoded(element, oid, Extension(dotted(oid), critical, element[start:stop]))


_common_extension = lru_cache(_REMEMBERED)(split_extension)
"""The certificates of one CA repeat most of their extensions byte for byte; the short ones are remembered."""


def _sct_list(found: Encoded | None) -> bytes | None:
    """The TLS-encoded list: extnValue holds an OCTET STRING that holds it (RFC 6962 section 3.3)."""
    if found is None:
        return None
    reader = asn1.Reader(found.extension.value, "certificate.extensions.sctList")
    inner = reader.read(asn1.OCTET_STRING, "SignedCertificateTimestampList")
    reader.finish()
    return inner


def _is_poisoned(found: Encoded | None) -> bool:
    if found is None:
        return False
    if not found.extension.critical or found.extension.value != _POISON_VALUE:
        raise MalformedInput("certificate.extensions.poison: expected a critical NULL (RFC 6962 section 3.1)")
    return True


def _related(found: Encoded | None) -> bytes | None:
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
