"""The checks, in the contract's order: each group in a module of its own."""

from typing import Final

from verifier.judge.case import Check
from verifier.judge.checks import bundle, certificate, connection, revocation, transparency

CERTIFICATE_CHECKS: Final[tuple[Check, ...]] = (
    *certificate.CHECKS,
    *revocation.CHECKS,
    *transparency.CHECKS,
    *bundle.CHECKS,
)
"""What can be said of a certificate without a connection."""

CHECKS: Final[tuple[Check, ...]] = (*connection.CHECKS, *CERTIFICATE_CHECKS)
