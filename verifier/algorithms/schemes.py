"""Key algorithms and signature schemes, with the names and numbers that TLS and X.509 give them."""

from enum import Enum, StrEnum
from typing import Self

from verifier.errors import UnsupportedAlgorithm


class KeyAlgorithm(StrEnum):
    """What kind of key it is."""

    SM2 = "sm2"
    ECDSA = "ecdsa"
    RSA = "rsa"
    ED25519 = "ed25519"


class SignatureScheme(Enum):
    """A signature algorithm with its hash; the value is the TLS SignatureScheme (RFC 8446 section 4.2.3).

    The ECDSA code points name the hash only: a curve is not tied to one, as in TLS 1.2, X.509 and RFC 6962.
    """

    SM2SIG_SM3 = 0x0708  # RFC 8998
    ECDSA_SHA256 = 0x0403
    ECDSA_SHA384 = 0x0503
    ECDSA_SHA512 = 0x0603
    RSA_PKCS1_SHA256 = 0x0401
    RSA_PKCS1_SHA384 = 0x0501
    RSA_PKCS1_SHA512 = 0x0601
    RSA_PSS_SHA256 = 0x0804
    RSA_PSS_SHA384 = 0x0805
    RSA_PSS_SHA512 = 0x0806
    ED25519 = 0x0807
    ECDSA_SHA1 = 0x0203  # known, and refused
    RSA_PKCS1_SHA1 = 0x0201  # known, and refused

    @property
    def key_algorithm(self) -> KeyAlgorithm:
        """The kind of key that makes such signatures."""
        return _KEY_ALGORITHMS[self.name.split("_", 1)[0]]

    @property
    def digest(self) -> str | None:
        """The name that hashlib gives the hash; None for Ed25519, whose hash is part of the algorithm."""
        return None if self is SignatureScheme.ED25519 else self.name.rsplit("_", 1)[1].lower()

    @property
    def is_pss(self) -> bool:
        return "_PSS_" in self.name

    @property
    def refused(self) -> bool:
        """Whether this scheme is known but never accepted: SHA-1 has collisions."""
        return self.digest == "sha1"

    @property
    def oid(self) -> str:
        """The signatureAlgorithm OID of X.509, dotted. RSASSA-PSS has one for every hash."""
        return _OIDS[self]

    @classmethod
    def from_code(cls, code: int) -> Self:
        """The scheme of a TLS code point, or of RFC 6962's hash and signature bytes (hash first).

        Raises UnsupportedAlgorithm.
        """
        try:
            return cls(code)
        except ValueError:
            raise UnsupportedAlgorithm(f"signature scheme: {code:#06x} is not supported") from None

    @classmethod
    def from_oid(cls, oid: str, *, digest: str | None = None) -> "SignatureScheme":
        """The scheme of an X.509 signatureAlgorithm.

        RSASSA-PSS says its hash in the parameters: ``digest`` is hashlib's name of it ("sha256"), and
        the caller has checked that MGF1 uses the same hash and that the salt is as long as the digest.
        Raises UnsupportedAlgorithm.
        """
        for scheme, known in _OIDS.items():
            if known == oid and (not scheme.is_pss or scheme.digest == digest):
                return scheme
        raise UnsupportedAlgorithm(f"signatureAlgorithm: {oid} is not supported")


_KEY_ALGORITHMS = {
    "SM2SIG": KeyAlgorithm.SM2,
    "ECDSA": KeyAlgorithm.ECDSA,
    "RSA": KeyAlgorithm.RSA,
    "ED25519": KeyAlgorithm.ED25519,
}

_RSASSA_PSS = "1.2.840.113549.1.1.10"  # RFC 8017 appendix C

_OIDS = {
    SignatureScheme.SM2SIG_SM3: "1.2.156.10197.1.501",  # GM/T 0006
    SignatureScheme.ECDSA_SHA256: "1.2.840.10045.4.3.2",  # RFC 5758
    SignatureScheme.ECDSA_SHA384: "1.2.840.10045.4.3.3",
    SignatureScheme.ECDSA_SHA512: "1.2.840.10045.4.3.4",
    SignatureScheme.RSA_PKCS1_SHA256: "1.2.840.113549.1.1.11",  # RFC 4055
    SignatureScheme.RSA_PKCS1_SHA384: "1.2.840.113549.1.1.12",
    SignatureScheme.RSA_PKCS1_SHA512: "1.2.840.113549.1.1.13",
    SignatureScheme.RSA_PSS_SHA256: _RSASSA_PSS,
    SignatureScheme.RSA_PSS_SHA384: _RSASSA_PSS,
    SignatureScheme.RSA_PSS_SHA512: _RSASSA_PSS,
    SignatureScheme.ED25519: "1.3.101.112",  # RFC 8410
    SignatureScheme.ECDSA_SHA1: "1.2.840.10045.4.1",
    SignatureScheme.RSA_PKCS1_SHA1: "1.2.840.113549.1.1.5",
}
