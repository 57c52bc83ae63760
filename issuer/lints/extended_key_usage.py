"""A server's certificate says so, and claims no purpose that is not its own."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import Kind, LintTarget, Rule
from issuer.x509 import oids


def check(target: LintTarget) -> Iterator[str]:
    value = target.extension(oids.EXTENDED_KEY_USAGE)
    purposes = set() if value is None else {one.dotted for one in value}
    if not purposes:
        yield "extKeyUsage is absent: the certificate would be good for any purpose"
    if oids.ANY_EXTENDED_KEY_USAGE in purposes:
        yield "extKeyUsage holds anyExtendedKeyUsage"
    if target.issuer is not None and target.issuer.extended_key_usage:
        for purpose in sorted(purposes - target.issuer.extended_key_usage):
            yield f"extKeyUsage {purpose} is not among the issuing CA's"


RULE = Rule(
    "extended-key-usage",
    "RFC 5280 section 4.2.1.12; BR section 7.1.2.7.10",
    dt.date(2008, 5, 1),
    frozenset({Kind.LEAF, Kind.ISSUING}),
    check,
)
