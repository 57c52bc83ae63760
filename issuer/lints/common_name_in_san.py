"""A commonName repeats one of the names in subjectAltName."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import LEAF, LintTarget, Rule


def check(target: LintTarget) -> Iterator[str]:
    for part in target.tbs["subject"].chosen:
        for attribute in part:
            name = attribute["value"].native
            if attribute["type"].native == "common_name" and name not in target.dns_names:
                yield f"commonName {name!r} is not among the dNSNames"


RULE = Rule("common-name-in-san", "BR section 7.1.4.3", dt.date(2008, 5, 1), LEAF, check)
