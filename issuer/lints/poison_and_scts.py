"""A precertificate is poisoned and carries no SCT; a certificate is the reverse."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import LEAF, LintTarget, Rule
from issuer.x509 import oids


def check(target: LintTarget) -> Iterator[str]:
    poisoned = target.raw_extension(oids.POISON) is not None
    has_scts = target.raw_extension(oids.SCT_LIST) is not None
    if poisoned is not target.precertificate:
        yield "the poison extension stands in a certificate, or is missing from a precertificate"
    if poisoned and not target.is_critical(oids.POISON):
        yield "the poison extension is not critical"
    if has_scts is target.precertificate:
        yield "the SCT list is missing from a certificate, or stands in a precertificate"


RULE = Rule("poison-and-scts", "RFC 6962 section 3.1 and 3.3", dt.date(2013, 6, 1), LEAF, check)
