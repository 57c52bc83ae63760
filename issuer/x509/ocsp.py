"""OCSP requests read, responses written (RFC 6960), with no decision in between."""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from asn1crypto import core, ocsp, x509

from issuer.errors import IssuerError
from issuer.x509 import signing
from issuer.x509.extensions import key_identifier
from verifier.algorithms import Signer

MAXIMUM_REQUEST = 8192  # octets; a request for one certificate takes about 120
MAXIMUM_QUESTIONS = 32  # certificates asked about in one request
MAXIMUM_NONCE = 32  # RFC 8954 section 2.1
_NONCE = "1.3.6.1.5.5.7.48.1.2"

# RFC 6960 section 4.1.1: the hash is the client's choice. SHA-1 here only names the issuer.
_HASHES: Mapping[str, Callable[[bytes], bytes]] = {
    "1.3.14.3.2.26": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "2.16.840.1.101.3.4.2.1": lambda data: hashlib.sha256(data).digest(),
    "2.16.840.1.101.3.4.2.2": lambda data: hashlib.sha384(data).digest(),
    "2.16.840.1.101.3.4.2.3": lambda data: hashlib.sha512(data).digest(),
}


class MalformedRequest(IssuerError):
    """These bytes are no OCSPRequest that RFC 6960 allows."""


class ErrorStatus(IntEnum):
    """RFC 6960 section 4.2.1: the answers that carry no response."""

    MALFORMED_REQUEST = 1
    INTERNAL_ERROR = 2
    TRY_LATER = 3


@dataclass(frozen=True)
class CertificateId:
    """CertID: which certificate is meant. `der` is repeated in the answer, byte for byte."""

    hash_algorithm: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial: int
    der: bytes

    def names_issuer(self, subject_der: bytes, spki: bytes) -> bool:
        """Whether the hashes are those of this CA's name and key. An unknown hash names nobody."""
        hashed = _HASHES.get(self.hash_algorithm)
        if hashed is None:
            return False
        key_bits = x509.PublicKeyInfo.load(spki)["public_key"].contents[1:]
        return self.issuer_name_hash == hashed(subject_der) and self.issuer_key_hash == hashed(key_bits)


@dataclass(frozen=True)
class OcspRequest:
    certificates: tuple[CertificateId, ...]
    nonce: bytes | None


@dataclass(frozen=True)
class CertificateAnswer:
    """SingleResponse: `revoked_at` None and `known` True is good; `known` False is unknown."""

    certificate: CertificateId
    known: bool
    revoked_at: dt.datetime | None = None
    reason: str | None = None


@dataclass(frozen=True)
class ResponsePlan:
    """Whole seconds, UTC. `next_update` says until when the answer may be kept."""

    answers: tuple[CertificateAnswer, ...]
    nonce: bytes | None
    this_update: dt.datetime
    next_update: dt.datetime


def parse_request(data: bytes) -> OcspRequest:
    """Read a DER OCSPRequest strictly.

    :raises MalformedRequest: for anything else, an unknown critical extension included.
    """
    if len(data) > MAXIMUM_REQUEST:
        raise MalformedRequest(f"an OCSP request has at most {MAXIMUM_REQUEST} octets, this one {len(data)}")
    try:
        request = ocsp.OCSPRequest.load(data, strict=True)
        tbs = request["tbs_request"]
        certificates = tuple(_certificate_id(one) for one in tbs["request_list"])
        nonce = _nonce(tbs["request_extensions"])
    except MalformedRequest:
        raise
    # asn1crypto raises ValueError and TypeError for most input, and on hostile input whatever its
    # parsing stumbles over; any of them means the same thing here.
    except Exception as error:
        raise MalformedRequest(f"not an OCSPRequest: {error}") from error
    if not 1 <= len(certificates) <= MAXIMUM_QUESTIONS:
        raise MalformedRequest(f"ask for 1 to {MAXIMUM_QUESTIONS} certificates, not {len(certificates)}")
    return OcspRequest(certificates, nonce)


def _certificate_id(request: ocsp.Request) -> CertificateId:
    cert_id = request["req_cert"]
    _refuse_critical(request["single_request_extensions"])
    return CertificateId(
        hash_algorithm=cert_id["hash_algorithm"]["algorithm"].dotted,
        issuer_name_hash=cert_id["issuer_name_hash"].native,
        issuer_key_hash=cert_id["issuer_key_hash"].native,
        serial=cert_id["serial_number"].native,
        der=cert_id.dump(),
    )


def _refuse_critical(extensions: core.SequenceOf) -> None:
    for one in () if isinstance(extensions, core.Void) else extensions:
        if one["critical"].native and one["extn_id"].dotted != _NONCE:
            raise MalformedRequest(f"unknown critical extension {one['extn_id'].dotted}")


def _nonce(extensions: core.SequenceOf) -> bytes | None:
    _refuse_critical(extensions)
    for one in () if isinstance(extensions, core.Void) else extensions:
        if one["extn_id"].dotted == _NONCE:
            value = one["extn_value"].parsed.native
            if not isinstance(value, bytes) or not 1 <= len(value) <= MAXIMUM_NONCE:
                raise MalformedRequest(f"a nonce is an OCTET STRING of 1 to {MAXIMUM_NONCE} octets")
            return value
    return None


def _status(answer: CertificateAnswer) -> ocsp.CertStatus:
    if not answer.known:
        return ocsp.CertStatus("unknown", ocsp.StatusUnknown())
    if answer.revoked_at is None:
        return ocsp.CertStatus("good", ocsp.StatusGood())
    info: dict[str, object] = {"revocation_time": answer.revoked_at}
    if answer.reason is not None:
        info["revocation_reason"] = answer.reason
    return ocsp.CertStatus("revoked", ocsp.RevokedInfo(info))


def _single(answer: CertificateAnswer, plan: ResponsePlan) -> ocsp.SingleResponse:
    return ocsp.SingleResponse({
        "cert_id": ocsp.CertId.load(answer.certificate.der),
        "cert_status": _status(answer),
        "this_update": plan.this_update,
        "next_update": plan.next_update,
    })


def sign_response(plan: ResponsePlan, signer: Signer) -> bytes:
    """Return the DER OCSPResponse, successful, signed by the CA itself, responder id byKey."""
    data: dict[str, object] = {
        "responder_id": ocsp.ResponderId("by_key", key_identifier(signer.public_key.spki)),
        "produced_at": plan.this_update,
        "responses": ocsp.Responses([_single(answer, plan) for answer in plan.answers]),
    }
    if plan.nonce is not None:
        nonce = {"extn_id": "nonce", "critical": False, "extn_value": core.OctetString(plan.nonce)}
        data["response_extensions"] = ocsp.ResponseDataExtensions([nonce])
    tbs = ocsp.ResponseData(data)
    basic = ocsp.BasicOCSPResponse({
        "tbs_response_data": tbs,
        "signature_algorithm": signing.algorithm_identifier(signing.scheme_of(signer)),
        "signature": signing.sign(signer, tbs.dump()),
    })
    response = ocsp.OCSPResponse({
        "response_status": "successful",
        "response_bytes": {
            "response_type": "basic_ocsp_response",
            "response": core.ParsableOctetString(basic.dump()),
        },
    })
    return response.dump()  # type: ignore[no-any-return]  # asn1crypto is untyped


def error_response(status: ErrorStatus) -> bytes:
    """Return a DER OCSPResponse that says only what went wrong; such answers are never signed."""
    response = ocsp.OCSPResponse({"response_status": int(status)})
    return response.dump()  # type: ignore[no-any-return]  # asn1crypto is untyped
