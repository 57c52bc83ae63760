"""A certificate with extensions is a version 3 certificate."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import ALL_KINDS, LintTarget, Rule


def check(target: LintTarget) -> Iterator[str]:
    if target.tbs["version"].native != "v3":
        yield f"the version is {target.tbs['version'].native}, not v3"


RULE = Rule("version", "RFC 5280 section 4.1.2.1", dt.date(2008, 5, 1), ALL_KINDS, check)
