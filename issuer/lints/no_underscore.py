"""No dNSName has an underscore."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import LEAF, LintTarget, Rule


def check(target: LintTarget) -> Iterator[str]:
    for name in target.dns_names:
        if "_" in name:
            yield f"dNSName {name!r} has an underscore"


RULE = Rule("no-underscore", "BR section 7.1.2.7.12; SC12 (2019-04-01)", dt.date(2019, 4, 1), LEAF, check)
