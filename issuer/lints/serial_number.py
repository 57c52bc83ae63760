"""The serial number is positive, short enough and unpredictable."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import ALL_KINDS, LintTarget, Rule

MAXIMUM_BITS = 159  # 20 octets, and DER's INTEGER needs its sign bit
ENTROPY_BITS = 64


def check(target: LintTarget) -> Iterator[str]:
    serial = target.certificate.serial
    if serial <= 0:
        yield "the serial number is not positive"
    if serial.bit_length() > MAXIMUM_BITS:
        yield f"the serial number has more than {(MAXIMUM_BITS + 1) // 8} octets"
    if serial.bit_length() < ENTROPY_BITS:
        yield f"the serial number has {serial.bit_length()} bits, fewer than {ENTROPY_BITS} of entropy"


RULE = Rule(
    "serial-number",
    "RFC 5280 section 4.1.2.2; BR section 7.1.2",
    dt.date(2016, 9, 30),
    ALL_KINDS,
    check,
)
