"""Is a certificate revoked? Every answer at hand is checked; a verified "revoked" outweighs everything."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from verifier.certificates.certificate import Certificate
from verifier.certificates.crl import check_crl
from verifier.certificates.ocsp import check_ocsp
from verifier.certificates.reasons import Answer
from verifier.errors import VerifierError


class RevocationState(StrEnum):
    """What is known of a certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RevocationStatus:
    """The state with its ground: ``source`` is "OCSP" or "CRL", ``reasons`` why others did not count.

    ``revoked_at`` and ``reason`` (RFC 5280's name of it) are set when revoked, ``fresh_until`` unless
    unknown.
    """

    state: RevocationState
    source: str = ""
    revoked_at: datetime | None = None
    reason: str = ""
    fresh_until: datetime | None = None
    reasons: tuple[str, ...] = ()


def revocation_status(
    certificate: Certificate,
    issuer: Certificate,
    *,
    ocsp: Iterable[bytes],
    crls: Iterable[bytes],
    now: datetime,
) -> RevocationStatus:
    """The state of ``certificate`` at ``now``, by OCSP responses and CRLs in DER; SM2 signatures included.

    ``issuer`` is the one of the validated path. Never raises for what is in the answers: one that is
    malformed, forged, stale or about something else is named in ``reasons``, and nothing usable is UNKNOWN.
    """
    answers: list[tuple[str, Answer]] = []
    reasons: list[str] = []
    for source, check, documents in (("OCSP", check_ocsp, ocsp), ("CRL", check_crl, crls)):
        for document in documents:
            try:
                answers.append((source, check(document, certificate, issuer, now)))
            except VerifierError as error:
                reasons.append(f"{source}: {error}")
    chosen = next((found for found in answers if found[1].revoked), answers[0] if answers else None)
    if chosen is None:
        return RevocationStatus(RevocationState.UNKNOWN, reasons=tuple(reasons))
    source, answer = chosen
    state = RevocationState.REVOKED if answer.revoked else RevocationState.GOOD
    return RevocationStatus(
        state, source, answer.revoked_at, answer.reason, answer.next_update, tuple(reasons)
    )
