"""The trust bundle: what all of this was held against is recent enough."""

from typing import Final

from verifier.judge.case import Case, Check, Result, day, failed, passed
from verifier.judge.verdict import Code


def _fresh(case: Case) -> Result:
    """A stale bundle refuses every site: pins and distrust that came since would be missing."""
    end = case.trust.expires_at
    if end is None:
        return passed("What is trusted is configured on this machine and needs no refreshing.")
    if case.now > end:
        text = f"The list of what to trust ran out on {day(end)} and could not be renewed since."
        return failed(text, day(end), day(case.now))
    return passed(f"The list of what to trust is recent; it holds until {day(end)}.", day(end), day(case.now))


CHECKS: Final = (
    Check(
        "trust-bundle",
        "Recent trust",
        Code.TRUST_BUNDLE_STALE,
        "mingjing trust bundle",
        _fresh,
        without_tls=True,
    ),
)
