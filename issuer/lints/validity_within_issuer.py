"""No certificate outlives the CA that vouches for it."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import ALL_KINDS, LintTarget, Rule


def check(target: LintTarget) -> Iterator[str]:
    issuer = target.issuer
    if issuer is not None and target.certificate.not_after > issuer.not_after:
        yield f"notAfter {target.certificate.not_after} is later than the issuer's {issuer.not_after}"


RULE = Rule(
    "validity-within-issuer",
    "RFC 5280 section 6.1.3 (a)(2), X.509's shell model",
    dt.date(2008, 5, 1),
    ALL_KINDS,
    check,
)
