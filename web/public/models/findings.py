"""A verdict's findings as the lines that pages show."""

from typing import Final

from verifier.judge.verdict import Finding, Outcome
from web.public.models.logs import Check
from web.public.state import State

_OUTCOMES: Final = {
    Outcome.PASSED: State.TRUSTED,
    Outcome.FAILED: State.REFUSED,
    Outcome.NOTE: State.UNKNOWN,
    Outcome.NOT_REACHED: State.UNKNOWN,
}


def finding_shown(found: Finding) -> Check:
    """Return one finding as a line."""
    compared = " against ".join(part for part in (found.subject, found.against) if part)
    code = found.code.value if found.code else ""
    return Check(_OUTCOMES[found.outcome], code, found.detail, found.reference, found.title, compared)
