"""A server's certificate is short-lived, by the table that the browsers agreed on."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import LEAF, LintTarget, Rule

# BR section 6.3.2, ballot SC-081v3: from this date on, at most so many days.
SCHEDULE = (
    (dt.datetime(2020, 9, 1, tzinfo=dt.UTC), 398),
    (dt.datetime(2026, 3, 15, tzinfo=dt.UTC), 200),
    (dt.datetime(2027, 3, 15, tzinfo=dt.UTC), 100),
    (dt.datetime(2029, 3, 15, tzinfo=dt.UTC), 47),
)


def maximum_validity(not_before: dt.datetime) -> dt.timedelta:
    """Return the longest validity of a certificate that starts then."""
    days = [days for since, days in SCHEDULE if not_before >= since] or [SCHEDULE[0][1]]
    return dt.timedelta(days=days[-1])


def check(target: LintTarget) -> Iterator[str]:
    certificate = target.certificate
    # Section 6.3.2 counts the last second in.
    validity = certificate.not_after - certificate.not_before + dt.timedelta(seconds=1)
    longest = maximum_validity(certificate.not_before)
    if validity > longest:
        yield f"valid for {validity}; at most {longest.days} days from this date on"


RULE = Rule("maximum-validity", "BR section 6.3.2", dt.date(2020, 9, 1), LEAF, check)
