"""The checks, in the contract's order: each group in a module of its own."""

from typing import Final

from verifier.judge.case import Check
from verifier.judge.checks import bundle, certificate, connection, revocation, transparency

CHECKS: Final[tuple[Check, ...]] = (
    *connection.CHECKS,
    *certificate.CHECKS,
    *revocation.CHECKS,
    *transparency.CHECKS,
    *bundle.CHECKS,
)
