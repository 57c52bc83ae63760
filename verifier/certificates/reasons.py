"""What OCSP and CRLs have in common: reasons, freshness, and the answer that remains."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from verifier.errors import VerifierError

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far another's clock may be ahead of ours."""

REMOVE_FROM_CRL: Final = "removeFromCRL"
REASONS: Final = {
    0: "unspecified", 1: "keyCompromise", 2: "cACompromise", 3: "affiliationChanged", 4: "superseded",
    5: "cessationOfOperation", 6: "certificateHold", 8: REMOVE_FROM_CRL, 9: "privilegeWithdrawn",
    10: "aACompromise",
}  # fmt: skip
"""CRLReason, RFC 5280 section 5.3.1."""


class RevocationUnusable(VerifierError):
    """A revocation answer that says nothing about the certificate; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one verified source says: revoked or not, since when and why, and for how long that holds."""

    revoked: bool
    revoked_at: datetime | None
    reason: str
    this_update: datetime
    next_update: datetime


def check_times(what: str, this_update: datetime, next_update: datetime, now: datetime) -> None:
    """Require that thisUpdate is past and nextUpdate to come (RFC 6960 3.2, RFC 5280 6.3.3)."""
    if this_update > now + CLOCK_SKEW:
        raise RevocationUnusable(f"the {what} is dated in the future: {this_update.isoformat()}")
    if next_update < now:
        raise RevocationUnusable(f"the {what} is out of date since {next_update.isoformat()}")
