"""notBefore is the time of issuance, less a little for slow clocks."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import LEAF, LintTarget, Rule

ALLOWANCE = dt.timedelta(hours=48)


def check(target: LintTarget) -> Iterator[str]:
    if abs(target.now - target.certificate.not_before) > ALLOWANCE:
        yield f"notBefore {target.certificate.not_before} is more than 48 hours from the time of issuance"


RULE = Rule(
    "validity-backdated",
    "Mozilla Root Store Policy section 5.1 (dates manipulated); BR section 7.1.2.7",
    dt.date(2023, 9, 15),
    LEAF,
    check,
)
