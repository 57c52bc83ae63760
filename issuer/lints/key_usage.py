"""keyUsage is critical and exactly what the profile wants."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import ALL_KINDS, LintTarget, Rule
from issuer.x509.oids import KEY_USAGE


def check(target: LintTarget) -> Iterator[str]:
    value = target.extension(KEY_USAGE)
    found = frozenset() if value is None else frozenset(value.native)
    if found != target.key_usage:
        yield f"keyUsage is {sorted(found)}, the profile wants {sorted(target.key_usage)}"
    if value is not None and not target.is_critical(KEY_USAGE):
        yield "keyUsage is not critical"


RULE = Rule(
    "key-usage",
    "RFC 5280 section 4.2.1.3; GB/T 38636 for the encryption certificate",
    dt.date(2008, 5, 1),
    ALL_KINDS,
    check,
)
