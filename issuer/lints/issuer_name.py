"""The issuer's name is, octet for octet, the subject of the CA's certificate."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import ALL_KINDS, LintTarget, Rule


def check(target: LintTarget) -> Iterator[str]:
    signer = target.certificate if target.issuer is None else target.issuer
    if target.certificate.issuer_der != signer.subject_der:
        yield "the issuer's name differs from the CA's subject"


RULE = Rule("issuer-name", "RFC 5280 section 4.1.2.4 and 6.1.3 (a)(4)", dt.date(2008, 5, 1), ALL_KINDS, check)
