"""Every name lies within the issuing CA's constraints, and those are critical."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import Kind, LintTarget, Rule
from issuer.names import is_permitted, permitted_names
from issuer.x509 import oids


def check(target: LintTarget) -> Iterator[str]:
    if target.kind is Kind.ISSUING:
        if target.raw_extension(oids.NAME_CONSTRAINTS) is not None and not target.is_critical(
            oids.NAME_CONSTRAINTS
        ):
            yield "nameConstraints is not critical"
        return
    permitted = None if target.issuer is None else permitted_names(target.issuer)
    if permitted is None:
        return
    for one in target.names:
        name = str(one.native) if one.name == "ip_address" else one.chosen.contents.decode("latin-1")
        if not is_permitted(name, permitted):
            yield f"{name!r} lies outside the issuing CA's name constraints"


RULE = Rule(
    "name-constraints",
    "RFC 5280 section 4.2.1.10",
    dt.date(2008, 5, 1),
    frozenset({Kind.LEAF, Kind.ISSUING}),
    check,
)
