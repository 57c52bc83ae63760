"""No extension twice, and none critical that a verifier may not know."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import ALL_KINDS, LintTarget, Rule
from issuer.x509 import oids

MAY_BE_CRITICAL = frozenset({
    oids.KEY_USAGE,
    oids.SUBJECT_ALT_NAME,
    oids.BASIC_CONSTRAINTS,
    oids.NAME_CONSTRAINTS,
    oids.POISON,
})


def check(target: LintTarget) -> Iterator[str]:
    found = [one["extn_id"].dotted for one in target.tbs["extensions"]]
    if len(found) != len(set(found)):
        yield "an extension is repeated"
    for oid in sorted({one for one in found if target.is_critical(one)} - MAY_BE_CRITICAL):
        yield f"extension {oid} is critical"


RULE = Rule("unique-extensions", "RFC 5280 section 4.2", dt.date(2008, 5, 1), ALL_KINDS, check)
