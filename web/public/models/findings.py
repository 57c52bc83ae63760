"""A verdict's findings as the lines that pages show."""

from typing import Final

from verifier.judge.verdict import Finding, Outcome
from web.public.language import Text, quoted, say
from web.public.models.logs import Check, explained
from web.public.state import State

_OUTCOMES: Final = {
    Outcome.PASSED: State.TRUSTED,
    Outcome.FAILED: State.REFUSED,
    Outcome.NOTE: State.UNKNOWN,
    Outcome.NOT_REACHED: State.UNKNOWN,
}


def finding_shown(found: Finding) -> Check:
    """Return one finding as a line."""
    code = found.code.value if found.code else ""
    detail = explained(found.detail, code or found.check)
    return Check(
        _OUTCOMES[found.outcome], code, detail, found.reference, quoted(found.title), _compared(found)
    )


def _compared(found: Finding) -> Text | str:
    parts = [quoted(part) for part in (found.subject, found.against) if part]
    if len(parts) < 2:  # noqa: PLR2004  a subject and what it was held against
        return parts[0] if parts else ""
    return say("{subject} against {against}", subject=parts[0], against=parts[1])
