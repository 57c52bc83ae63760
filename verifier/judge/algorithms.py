"""Which algorithms a connection used, in the contract's words, from what the handshake agreed on."""

from typing import Final

from verifier.algorithms import KeyAlgorithm
from verifier.certificates import Certificate
from verifier.judge.evidence import Evidence
from verifier.judge.verdict import ALGORITHM_NAMES

TLCP: Final = "TLCP"  # GB/T 38636

_SM2_SIGNATURE = "sm2sig_sm3"  # RFC 8998 section 3.2.1
_SM2_GROUPS = frozenset({"curvesm2", "curvesm2mlkem768"})
_SM4_SUITES = "TLS_SM4_"
_HYBRID_GROUPS = frozenset({
    "x25519mlkem768", "secp256r1mlkem768", "secp384r1mlkem1024", "curvesm2mlkem768",
})  # fmt: skip
_KEY_NAMES = {KeyAlgorithm.RSA: "rsa", KeyAlgorithm.ECDSA: "ecc", KeyAlgorithm.ED25519: "ecc"}


def negotiated(evidence: Evidence, leaf: Certificate) -> tuple[str, ...]:
    """The subset of ``sm2 ecc rsa tlcp pq`` that holds, in that order.

    ``sm2`` only when signature, key agreement and cipher are all national ones: SM2 with X25519 is not.
    """
    key = leaf.public_key.algorithm
    found = {
        "sm2": key is KeyAlgorithm.SM2 and _all_national(evidence),
        "tlcp": evidence.protocol == TLCP,
        "pq": evidence.group.lower() in _HYBRID_GROUPS,
    }
    return tuple(name for name in ALGORITHM_NAMES if found.get(name, _KEY_NAMES.get(key) == name))


def _all_national(evidence: Evidence) -> bool:
    if evidence.protocol == TLCP:
        return True
    return (
        evidence.signature_scheme.lower() == _SM2_SIGNATURE
        and evidence.group.lower() in _SM2_GROUPS
        and evidence.cipher.startswith(_SM4_SUITES)
    )
