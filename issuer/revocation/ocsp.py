"""Answering OCSP (RFC 6960; the caching profile is RFC 5019's)."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from issuer.hierarchy import CertificateAuthority
from issuer.profiles import CA_PROFILES
from issuer.revocation.reasons import RevocationReason
from issuer.settings import AuthoritySettings
from issuer.store import IssuerStore, serial_hex
from issuer.x509.ocsp import (
    CertificateAnswer,
    CertificateId,
    ErrorStatus,
    MalformedRequest,
    ResponsePlan,
    error_response,
    parse_request,
    sign_response,
)


@dataclass(frozen=True)
class OcspAnswer:
    """A DER response. `cacheable_until` is None where it must not be kept: errors, and nonces."""

    der: bytes
    this_update: dt.datetime | None
    cacheable_until: dt.datetime | None


class OcspResponder:
    """Answers for one CA, signed by that CA's own key."""

    def __init__(
        self,
        ca: CertificateAuthority,
        store: IssuerStore,
        settings: AuthoritySettings,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._ca = ca
        self._store = store
        self._lifetime = settings.ocsp_lifetime
        self._clock = clock

    def answer(self, request_der: bytes) -> bytes:
        """Return a DER OCSPResponse for any bytes at all."""
        return self.respond(request_der).der

    def respond(self, request_der: bytes) -> OcspAnswer:
        """Like `answer`, with how long the response may be kept."""
        try:
            request = parse_request(request_der)
        except MalformedRequest:
            return OcspAnswer(error_response(ErrorStatus.MALFORMED_REQUEST), None, None)
        now = self._clock().replace(microsecond=0)
        next_update = now + self._lifetime
        answers = tuple(self._status(one) for one in request.certificates)
        der = sign_response(ResponsePlan(answers, request.nonce, now, next_update), self._ca.signer)
        return OcspAnswer(der, now, None if request.nonce is not None else next_update)

    def _status(self, asked: CertificateId) -> CertificateAnswer:
        """Good only for what this CA issued; another issuer or an unissued serial number is unknown."""
        certificate = self._ca.certificate
        if not asked.names_issuer(certificate.subject_der, certificate.public_key.spki) or asked.serial <= 0:
            return CertificateAnswer(asked, known=False)
        serial = serial_hex(asked.serial)
        revocation = self._store.revocation(serial)
        if revocation is not None and revocation.ca == self._ca.name:
            reason = RevocationReason(revocation.reason).asn1_name
            return CertificateAnswer(asked, known=True, revoked_at=revocation.revoked_at, reason=reason)
        return CertificateAnswer(asked, known=self._issued(serial))

    def _issued(self, serial: str) -> bool:
        if self._store.is_issued(self._ca.name, serial):
            return True
        return serial in {self._store.authority_serials().get(name) for name in self._below()}

    def _below(self) -> tuple[str, ...]:
        """The CAs that this one certified."""
        return tuple(profile.name for profile in CA_PROFILES if profile.issuer == self._ca.name)
