"""The subject's names stand in subjectAltName, critical exactly where the subject is empty."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import LEAF, LintTarget, Rule
from issuer.x509.oids import SUBJECT_ALT_NAME


def check(target: LintTarget) -> Iterator[str]:
    if not target.names:
        yield "subjectAltName is absent or empty"
        return
    kinds = {one.name for one in target.names} - {"dns_name", "ip_address"}
    if kinds:
        yield f"subjectAltName holds {', '.join(sorted(kinds))}; only dNSName and iPAddress are verified"
    empty_subject = not len(target.tbs["subject"].chosen)
    if target.is_critical(SUBJECT_ALT_NAME) is not empty_subject:
        yield "subjectAltName is critical with a subject, or not critical without one"


RULE = Rule(
    "subject-alt-name",
    "RFC 5280 section 4.2.1.6; BR section 7.1.2.7.12",
    dt.date(2008, 5, 1),
    LEAF,
    check,
)
