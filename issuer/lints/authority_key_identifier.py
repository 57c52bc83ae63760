"""authorityKeyIdentifier points at the issuer's key, and is not critical."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import Kind, LintTarget, Rule
from issuer.x509.oids import AUTHORITY_KEY_ID


def check(target: LintTarget) -> Iterator[str]:
    value = target.extension(AUTHORITY_KEY_ID)
    if value is None:
        yield "authorityKeyIdentifier is absent"
    elif target.issuer is not None and value["key_identifier"].native != target.issuer.subject_key_id:
        yield "authorityKeyIdentifier differs from the issuer's subjectKeyIdentifier"
    if target.is_critical(AUTHORITY_KEY_ID):
        yield "authorityKeyIdentifier is critical"


RULE = Rule(
    "authority-key-identifier",
    "RFC 5280 section 4.2.1.1",
    dt.date(2008, 5, 1),
    frozenset({Kind.LEAF, Kind.ISSUING}),
    check,
)
