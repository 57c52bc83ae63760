"""The subject's key is of a kind and a size that still holds."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import ALL_KINDS, LintTarget, Rule
from verifier.algorithms import KeyAlgorithm

MINIMUM_RSA_BITS = 2048
ECDSA_BITS = frozenset({256, 384, 521})


def check(target: LintTarget) -> Iterator[str]:
    key = target.certificate.public_key
    match key.algorithm:
        case KeyAlgorithm.RSA:
            if key.bits < MINIMUM_RSA_BITS or key.bits % 8:
                yield f"an RSA key of {key.bits} bits; at least {MINIMUM_RSA_BITS}, in whole octets"
        case KeyAlgorithm.ECDSA:
            if key.bits not in ECDSA_BITS:
                yield f"an ECDSA key of {key.bits} bits; only P-256, P-384 and P-521"
        case KeyAlgorithm.SM2:
            pass
        case _:
            yield f"a key of kind {key.algorithm} is not certified"


RULE = Rule("key-strength", "BR section 6.1.5; GM/T 0006 for SM2", dt.date(2008, 5, 1), ALL_KINDS, check)
