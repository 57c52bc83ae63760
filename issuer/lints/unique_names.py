"""No name twice."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import LEAF, LintTarget, Rule


def check(target: LintTarget) -> Iterator[str]:
    seen = [one.dump() for one in target.names]
    if len(seen) != len(set(seen)):
        yield "subjectAltName repeats a name"


RULE = Rule(
    "unique-names",
    "BR section 7.1.2.7.12 (minimal, unambiguous subjectAltName)",
    dt.date(2008, 5, 1),
    LEAF,
    check,
)
