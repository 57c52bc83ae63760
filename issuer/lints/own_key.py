"""A leaf does not hold the key of the CA that certifies it."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import LEAF, LintTarget, Rule


def check(target: LintTarget) -> Iterator[str]:
    if target.issuer is not None and target.issuer.public_key.spki == target.certificate.public_key.spki:
        yield "the subject's key is the issuing CA's own"


RULE = Rule("own-key", "BR section 6.1.1.3", dt.date(2008, 5, 1), LEAF, check)
