"""UTCTime until 2049, GeneralizedTime after, and an order that makes sense."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import ALL_KINDS, LintTarget, Rule

FIRST_GENERALIZED_YEAR = 2050


def check(target: LintTarget) -> Iterator[str]:
    for field in ("not_before", "not_after"):
        time = target.tbs["validity"][field]
        if (time.name == "utc_time") != (time.chosen.native.year < FIRST_GENERALIZED_YEAR):
            yield f"{field} of year {time.chosen.native.year} is written as {time.name}"
    if target.certificate.not_after <= target.certificate.not_before:
        yield "notAfter is not later than notBefore"


RULE = Rule("validity-encoding", "RFC 5280 section 4.1.2.5", dt.date(2008, 5, 1), ALL_KINDS, check)
