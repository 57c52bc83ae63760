"""OCSP (RFC 6960): a request made, a response read strictly and checked."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from verifier.algorithms import SignatureScheme, sm3
from verifier.algorithms import der as asn1
from verifier.certificates.certificate import Certificate
from verifier.certificates.oid import dotted
from verifier.certificates.path import OCSP_SIGNING_OID
from verifier.certificates.reasons import CLOCK_SKEW, REASONS, Answer, RevocationUnusable, check_times
from verifier.certificates.strength import MINIMUM_BITS
from verifier.errors import MalformedInput, VerifierError

MAX_RESPONSE_SIZE: Final = 64 * 1024
"""Bytes; a response with a delegated responder's certificate is about 2 KiB."""
MAX_AGE_WITHOUT_END: Final = timedelta(days=1)
"""How long an answer without nextUpdate is believed: there is always a newer one (section 4.2.2.1)."""

_BASIC = asn1.encode_oid("1.3.6.1.5.5.7.48.1.1")  # id-pkix-ocsp-basic
_SCT_LIST = asn1.encode_oid("1.3.6.1.4.1.11129.2.4.5")  # RFC 6962 section 3.3
_SHA1 = asn1.encode_oid("1.3.14.3.2.26")
_HASHES: Final[dict[bytes, Callable[[bytes], bytes]]] = {
    _SHA1: lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    asn1.encode_oid("2.16.840.1.101.3.4.2.1"): lambda data: hashlib.sha256(data).digest(),
    asn1.encode_oid("2.16.840.1.101.3.4.2.2"): lambda data: hashlib.sha384(data).digest(),
    asn1.encode_oid("2.16.840.1.101.3.4.2.3"): lambda data: hashlib.sha512(data).digest(),
    asn1.encode_oid("1.2.156.10197.1.401"): sm3,
}
_ENUMERATED, _GENERALIZED_TIME, _BOOLEAN = 0x0A, 0x18, 0x01
_GOOD, _REVOKED, _UNKNOWN = 0x80, 0xA1, 0x82  # CertStatus, implicitly tagged
_STATUS_NAMES = {
    1: "malformedRequest",
    2: "internalError",
    3: "tryLater",
    5: "sigRequired",
    6: "unauthorized",
}


@dataclass(frozen=True, slots=True)
class SingleResponse:
    """One answer of a response. ``status`` is "good", "revoked" or "unknown"."""

    hash_oid: bytes
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial: int
    status: str
    revoked_at: datetime | None
    reason: str
    this_update: datetime
    next_update: datetime | None
    sct_list: bytes | None

    def is_about(self, certificate: Certificate, issuer: Certificate) -> bool:
        """Whether the CertID is this certificate's (section 4.1.1)."""
        digest = _HASHES.get(self.hash_oid)
        return (
            digest is not None
            and self.serial == certificate.serial
            and self.issuer_name_hash == digest(certificate.issuer_der)
            and self.issuer_key_hash == digest(_key_bits(issuer))
        )


@dataclass(frozen=True, slots=True)
class OcspResponse:
    """A successful basic response (section 4.2.1), nothing of it checked yet."""

    tbs: bytes
    responder_name: bytes | None
    responder_key_hash: bytes | None
    produced_at: datetime
    responses: tuple[SingleResponse, ...]
    signature_oid: str
    signature: bytes
    certificates: tuple[Certificate, ...]

    @classmethod
    def parse(cls, data: bytes) -> "OcspResponse":
        """Raises MalformedInput, and RevocationUnusable for the responder's own error answer."""
        if len(data) > MAX_RESPONSE_SIZE:
            raise MalformedInput(f"OCSP: {len(data)} bytes, expected at most {MAX_RESPONSE_SIZE}")
        outer = asn1.Reader(data, "OCSP")
        response = outer.enter(asn1.SEQUENCE, "OCSPResponse")
        outer.finish()
        status = int.from_bytes(response.read(_ENUMERATED, "responseStatus"))
        if status:
            raise RevocationUnusable(f"the OCSP responder answered {_STATUS_NAMES.get(status, status)}")
        wrapped = response.enter(asn1.context(0), "responseBytes")
        response.finish()
        body = wrapped.enter(asn1.SEQUENCE, "ResponseBytes")
        wrapped.finish()
        if _oid(body, "responseType") != _BASIC:
            raise MalformedInput("OCSP.responseType: expected id-pkix-ocsp-basic")
        basic = body.read(asn1.OCTET_STRING, "response")
        body.finish()
        return _basic_response(basic)


def ocsp_request(certificate: Certificate, issuer: Certificate) -> bytes:
    """An unsigned OCSPRequest about ``certificate``, without a nonce so that answers can be cached.

    The CertID's hashes are SHA-1, which is the one that every responder knows (RFC 5019 section 2.1.1); they
    look a certificate up and protect nothing.
    """
    digest = _HASHES[_SHA1]
    cert_id = asn1.encode(
        asn1.SEQUENCE,
        asn1.encode(asn1.SEQUENCE, _SHA1, asn1.encode(asn1.NULL)),
        asn1.encode(asn1.OCTET_STRING, digest(certificate.issuer_der)),
        asn1.encode(asn1.OCTET_STRING, digest(_key_bits(issuer))),
        asn1.encode_integer(certificate.serial),
    )
    request_list = asn1.encode(asn1.SEQUENCE, asn1.encode(asn1.SEQUENCE, cert_id))
    return asn1.encode(asn1.SEQUENCE, asn1.encode(asn1.SEQUENCE, request_list))


def check_ocsp(data: bytes, certificate: Certificate, issuer: Certificate, now: datetime) -> Answer:
    """What the response in ``data`` says of ``certificate``, once everything about it holds (section 3.2).

    1. The response is about this certificate.
    2. Its signature is valid.
    3. The signer is the issuer, or one whom the issuer named for it (section 4.2.2.2).
    4. It is recent: thisUpdate is past, nextUpdate is not (section 4.2.2.1).

    Raises RevocationUnusable or another VerifierError with the reason why it says nothing.
    """
    response = OcspResponse.parse(data)
    answers = [single for single in response.responses if single.is_about(certificate, issuer)]
    if not answers:
        raise RevocationUnusable("the OCSP response is about another certificate")
    _check_signature(response, issuer, now)
    answer = next((single for single in answers if single.status == "revoked"), answers[0])
    end = answer.next_update or answer.this_update + MAX_AGE_WITHOUT_END
    check_times("OCSP response", answer.this_update, end, now)
    if answer.status == "unknown":
        raise RevocationUnusable("the OCSP responder does not know the certificate")
    return Answer(answer.status == "revoked", answer.revoked_at, answer.reason, answer.this_update, end)


def stapled_sct_list(data: bytes, certificate: Certificate, issuer: Certificate) -> bytes | None:
    """The SignedCertificateTimestampList that the response has for ``certificate`` (RFC 6962 section 3.3).

    Logs sign their SCTs, so the response's own signature does not matter here.
    Raises MalformedInput.
    """
    try:
        response = OcspResponse.parse(data)
    except RevocationUnusable:
        return None
    about = (single for single in response.responses if single.is_about(certificate, issuer))
    return next((single.sct_list for single in about if single.sct_list is not None), None)


def _check_signature(response: OcspResponse, issuer: Certificate, now: datetime) -> None:
    signers = [c for c in (issuer, *response.certificates) if _is_responder(response, c)]
    if not signers:
        raise RevocationUnusable("the OCSP response is signed by somebody whose certificate is not there")
    signer = signers[0]
    if signer.public_key != issuer.public_key:
        _check_delegation(signer, issuer, now)
    scheme = SignatureScheme.from_oid(response.signature_oid)
    signer.public_key.verify(response.signature, response.tbs, scheme)


def _check_delegation(responder: Certificate, issuer: Certificate, now: datetime) -> None:
    """Section 4.2.2.2: issued by the very CA, for OCSP signing, and in force."""
    name = f"OCSP responder {responder.display_name}"
    try:
        responder.verify_signed_by(issuer)
    except VerifierError as error:
        raise RevocationUnusable(f"{name} was not named by the issuer: {error}") from error
    if OCSP_SIGNING_OID not in responder.extended_key_usage:
        raise RevocationUnusable(f"{name} has no extendedKeyUsage OCSPSigning")
    if responder.key_usage and "digital_signature" not in responder.key_usage:
        raise RevocationUnusable(f"{name} may not sign (keyUsage)")
    if responder.public_key.bits < MINIMUM_BITS[responder.public_key.algorithm]:
        raise RevocationUnusable(f"{name} has a key of only {responder.public_key.bits} bits")
    if not responder.not_before - CLOCK_SKEW <= now <= responder.not_after:
        raise RevocationUnusable(f"{name} is not in force")


def _is_responder(response: OcspResponse, certificate: Certificate) -> bool:
    if response.responder_name is not None:
        return response.responder_name == certificate.subject_der
    return response.responder_key_hash == _HASHES[_SHA1](_key_bits(certificate))


def _key_bits(certificate: Certificate) -> bytes:
    """The subjectPublicKey without tag, length and unused bits: what a KeyHash is over."""
    body = asn1.Reader(certificate.public_key.spki, "SubjectPublicKeyInfo").enter(asn1.SEQUENCE, "SPKI")
    body.read(asn1.SEQUENCE, "algorithm")
    return body.bit_string("subjectPublicKey")


def _basic_response(data: bytes) -> OcspResponse:
    outer = asn1.Reader(data, "OCSP.BasicOCSPResponse")
    body = outer.enter(asn1.SEQUENCE, "BasicOCSPResponse")
    outer.finish()
    tbs = body.read(asn1.SEQUENCE, "tbsResponseData")
    algorithm = body.enter(asn1.SEQUENCE, "signatureAlgorithm")
    oid = dotted(_oid(algorithm, "algorithm"))
    signature = body.bit_string("signature")
    certificates = tuple(_certificates(body))
    body.finish()
    reader = asn1.Reader(tbs, "OCSP.tbsResponseData")
    if reader.next_is(asn1.context(0)) and reader.enter(asn1.context(0), "version").integer("version") != 0:
        raise MalformedInput("OCSP.tbsResponseData.version: expected v1")
    name, key_hash = _responder_id(reader)
    produced_at = _time(reader, "producedAt")
    listed = reader.enter(asn1.SEQUENCE, "responses")
    responses = list[SingleResponse]()
    while not listed.at_end:
        responses.append(_single_response(listed.enter(asn1.SEQUENCE, "SingleResponse")))
    _extensions(reader, "responseExtensions")
    reader.finish()
    return OcspResponse(
        asn1.encode(asn1.SEQUENCE, tbs),
        name,
        key_hash,
        produced_at,
        tuple(responses),
        oid,
        signature,
        certificates,
    )


def _certificates(body: asn1.Reader) -> Iterator[Certificate]:
    if body.next_is(asn1.context(0)):
        listed = body.enter(asn1.context(0), "certs").enter(asn1.SEQUENCE, "certs")
        while not listed.at_end:
            yield Certificate.parse(asn1.encode(asn1.SEQUENCE, listed.read(asn1.SEQUENCE, "Certificate")))


def _responder_id(reader: asn1.Reader) -> tuple[bytes | None, bytes | None]:
    """The responder's name as a DER Name, or the SHA-1 of its key."""
    if reader.next_is(asn1.context(1)):
        return reader.read(asn1.context(1), "byName"), None
    return None, reader.enter(asn1.context(2), "byKey").read(asn1.OCTET_STRING, "KeyHash")


def _single_response(reader: asn1.Reader) -> SingleResponse:
    cert_id = reader.enter(asn1.SEQUENCE, "certID")
    hash_oid = _oid(cert_id.enter(asn1.SEQUENCE, "hashAlgorithm"), "algorithm")
    name_hash = cert_id.read(asn1.OCTET_STRING, "issuerNameHash")
    key_hash = cert_id.read(asn1.OCTET_STRING, "issuerKeyHash")
    serial = cert_id.integer("serialNumber")
    cert_id.finish()
    status, revoked_at, reason = _status(reader)
    this_update = _time(reader, "thisUpdate")
    next_update = None
    if reader.next_is(asn1.context(0)):
        next_update = _time(reader.enter(asn1.context(0), "nextUpdate"), "nextUpdate")
    extensions = _extensions(reader, "singleExtensions")
    reader.finish()
    return SingleResponse(
        hash_oid, name_hash, key_hash, serial, status, revoked_at, reason, this_update, next_update,
        _inner_octets(extensions.get(_SCT_LIST)),
    )  # fmt: skip


def _status(reader: asn1.Reader) -> tuple[str, datetime | None, str]:
    if reader.next_is(_GOOD):
        reader.read(_GOOD, "good")
        return "good", None, ""
    if reader.next_is(_UNKNOWN):
        reader.read(_UNKNOWN, "unknown")
        return "unknown", None, ""
    info = reader.enter(_REVOKED, "revoked")
    revoked_at = _time(info, "revocationTime")
    reason = 0
    if info.next_is(asn1.context(0)):
        reason = int.from_bytes(
            info.enter(asn1.context(0), "revocationReason").read(_ENUMERATED, "CRLReason")
        )
    info.finish()
    return "revoked", revoked_at, REASONS.get(reason, f"reason {reason}")


def _extensions(reader: asn1.Reader, name: str) -> dict[bytes, bytes]:
    """The [1] extensions, by encoded OID; a critical one that is not known makes the response unusable."""
    found: dict[bytes, bytes] = {}
    if not reader.next_is(asn1.context(1)):
        return found
    listed = reader.enter(asn1.context(1), name).enter(asn1.SEQUENCE, "Extensions")
    while not listed.at_end:
        extension = listed.enter(asn1.SEQUENCE, "Extension")
        oid = _oid(extension, "extnID")
        critical = extension.next_is(_BOOLEAN) and extension.read(_BOOLEAN, "critical") != b"\0"
        found[oid] = extension.read(asn1.OCTET_STRING, "extnValue")
        if critical and oid != _SCT_LIST:
            raise RevocationUnusable(f"the OCSP response has a critical extension {name} that is not known")
    return found


def _inner_octets(value: bytes | None) -> bytes | None:
    if value is None:
        return None
    reader = asn1.Reader(value, "OCSP.singleExtensions.sctList")
    inner = reader.read(asn1.OCTET_STRING, "SignedCertificateTimestampList")
    reader.finish()
    return inner


def _oid(reader: asn1.Reader, name: str) -> bytes:
    return asn1.encode(asn1.OBJECT_IDENTIFIER, reader.read(asn1.OBJECT_IDENTIFIER, name))


def _time(reader: asn1.Reader, name: str) -> datetime:
    """GeneralizedTime in whole seconds and UTC (RFC 5280 section 4.1.2.5.2)."""
    text = reader.read(_GENERALIZED_TIME, name)
    try:
        if len(text) != len("20260101000000Z"):
            raise ValueError("its length is wrong")
        return datetime.strptime(text.decode("ascii"), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise MalformedInput(f"OCSP.{name}: expected YYYYMMDDHHMMSSZ, {error}") from error
