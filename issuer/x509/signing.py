"""AlgorithmIdentifiers, and signing DER structures through a Signer."""

from asn1crypto import algos, core

from verifier.algorithms import SignatureScheme, Signer

# RFC 4055 section 5: PKCS #1 v1.5 identifiers carry NULL parameters. RFC 5758 (ECDSA), RFC 8410 (Ed25519)
# and SM2-with-SM3 as OpenSSL and GmSSL write it carry none.
_NULL_PARAMETERS = frozenset({
    SignatureScheme.RSA_PKCS1_SHA256,
    SignatureScheme.RSA_PKCS1_SHA384,
    SignatureScheme.RSA_PKCS1_SHA512,
})


def scheme_of(signer: Signer) -> SignatureScheme:
    """Return the scheme in which this issuer's keys sign X.509 structures."""
    return signer.public_key.default_scheme


def algorithm_identifier(scheme: SignatureScheme) -> algos.SignedDigestAlgorithm:
    value: dict[str, object] = {"algorithm": scheme.oid}
    if scheme in _NULL_PARAMETERS:
        value["parameters"] = core.Null()
    return algos.SignedDigestAlgorithm(value)


def sign(signer: Signer, data: bytes) -> core.OctetBitString:
    """Return the BIT STRING that stands as signatureValue over `data`."""
    return core.OctetBitString(signer.sign(data, scheme_of(signer)))
