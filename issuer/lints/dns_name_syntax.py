"""Every dNSName is a host name; a wildcard is the whole leftmost label."""

import datetime as dt
import re
from collections.abc import Iterator

from issuer.lints.rule import LEAF, LintTarget, Rule

MAXIMUM_NAME = 253
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def check(target: LintTarget) -> Iterator[str]:
    for name in target.dns_names:
        labels = name.removeprefix("*.").split(".")
        if len(name) > MAXIMUM_NAME or not all(LABEL.fullmatch(label) for label in labels):
            yield f"dNSName {name!r} is not a host name in preferred syntax"


RULE = Rule(
    "dns-name-syntax",
    "RFC 1034 section 3.5, RFC 1123 section 2.1; BR section 7.1.2.7.12",
    dt.date(2008, 5, 1),
    LEAF,
    check,
)
