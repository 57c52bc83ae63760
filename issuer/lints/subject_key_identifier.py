"""subjectKeyIdentifier is derived from the key itself, and is not critical."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import ALL_KINDS, LintTarget, Rule
from issuer.x509.extensions import key_identifier
from issuer.x509.oids import SUBJECT_KEY_ID


def check(target: LintTarget) -> Iterator[str]:
    value = target.extension(SUBJECT_KEY_ID)
    if value is None:
        yield "subjectKeyIdentifier is absent"
    elif value.native != key_identifier(target.certificate.public_key.spki):
        yield "subjectKeyIdentifier is not the SHA-1 of this key"
    if target.is_critical(SUBJECT_KEY_ID):
        yield "subjectKeyIdentifier is critical"


RULE = Rule("subject-key-identifier", "RFC 5280 section 4.2.1.2", dt.date(2008, 5, 1), ALL_KINDS, check)
