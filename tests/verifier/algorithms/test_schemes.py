import pytest

from verifier.algorithms import KeyAlgorithm, SignatureScheme
from verifier.errors import UnsupportedAlgorithm


@pytest.mark.parametrize("scheme", SignatureScheme)
def test_codes_and_oids_lead_back(scheme: SignatureScheme) -> None:
    assert SignatureScheme.from_code(scheme.value) is scheme
    assert SignatureScheme.from_oid(scheme.oid, digest=scheme.digest) is scheme


def test_facts() -> None:
    assert SignatureScheme.SM2SIG_SM3.oid == "1.2.156.10197.1.501"
    assert SignatureScheme.SM2SIG_SM3.digest == "sm3"
    assert SignatureScheme.ED25519.digest is None
    assert SignatureScheme.RSA_PSS_SHA512.key_algorithm is KeyAlgorithm.RSA
    assert SignatureScheme.RSA_PSS_SHA512.is_pss
    assert {scheme for scheme in SignatureScheme if scheme.refused} == {
        SignatureScheme.ECDSA_SHA1,
        SignatureScheme.RSA_PKCS1_SHA1,
    }


@pytest.mark.parametrize("code", [0, 0x0101, 0x0704, 0x0707, 0xFFFF, -1, 1 << 70])
def test_unknown_codes(code: int) -> None:
    with pytest.raises(UnsupportedAlgorithm):
        SignatureScheme.from_code(code)


def test_pss_needs_its_digest() -> None:
    with pytest.raises(UnsupportedAlgorithm):
        SignatureScheme.from_oid("1.2.840.113549.1.1.10")
    with pytest.raises(UnsupportedAlgorithm):
        SignatureScheme.from_oid("1.2.840.113549.1.1.10", digest="sha1")
    with pytest.raises(UnsupportedAlgorithm):
        SignatureScheme.from_oid("1.2.3")
