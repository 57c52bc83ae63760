"""Which keys and signatures are too weak to rely on, today: the CA/Browser Forum's lower limits."""

from collections.abc import Iterator
from typing import Final

from verifier.algorithms import KeyAlgorithm
from verifier.certificates.certificate import Certificate
from verifier.certificates.path import Path

MINIMUM_BITS: Final = {
    KeyAlgorithm.RSA: 2048,
    KeyAlgorithm.ECDSA: 256,
    KeyAlgorithm.SM2: 256,
    KeyAlgorithm.ED25519: 0,  # it has one size
}
"""CA/Browser Forum Baseline Requirements, section 6.1.5; SM2 by GM/T 0009."""

_NAMED = {"1.2.840.113549.1.1.4": "MD5 with RSA", "1.2.840.113549.1.1.2": "MD2 with RSA"}


def weaknesses(path: Path) -> tuple[str, ...]:
    """What is too weak in ``path``, one sentence for each; empty when all is well.

    An anchor is trusted as it stands, so its own signature is not looked at (RFC 5280 section 6.1.1 (d)),
    its key is.
    """
    return tuple(_weaknesses(path))


def _weaknesses(path: Path) -> Iterator[str]:
    for certificate in path.certificates:
        key, minimum = certificate.public_key, MINIMUM_BITS[certificate.public_key.algorithm]
        if key.bits < minimum:
            kind = key.algorithm.upper()
            yield f"{certificate.display_name} has an {kind} key of {key.bits} bits, fewer than {minimum}"
    for certificate in path.certificates[:-1]:
        if (weak := _weak_signature(certificate)) is not None:
            yield f"{certificate.display_name} is signed with {weak}, which can be forged"


def _weak_signature(certificate: Certificate) -> str | None:
    scheme = certificate.signature_scheme
    if scheme is None:
        return _NAMED.get(certificate.signature_oid, f"algorithm {certificate.signature_oid}")
    return "SHA-1" if scheme.refused else None
