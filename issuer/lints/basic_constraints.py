"""A CA says that it is one, a leaf that it is none; an issuing CA ends the path."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import ALL_KINDS, Kind, LintTarget, Rule
from issuer.x509.oids import BASIC_CONSTRAINTS


def check(target: LintTarget) -> Iterator[str]:
    value = target.extension(BASIC_CONSTRAINTS)
    claims_ca = value is not None and bool(value["ca"].native)
    if claims_ca is not (target.kind is not Kind.LEAF):
        yield f"basicConstraints cA is {claims_ca} in a {target.kind} certificate"
    if claims_ca and not target.is_critical(BASIC_CONSTRAINTS):
        yield "basicConstraints is not critical in a CA certificate"
    if target.kind is Kind.ISSUING and (value is None or value["path_len_constraint"].native != 0):
        yield "the issuing CA has no pathLenConstraint of 0"


RULE = Rule(
    "basic-constraints",
    "RFC 5280 section 4.2.1.9; BR section 7.1.2.10.4",
    dt.date(2008, 5, 1),
    ALL_KINDS,
    check,
)
