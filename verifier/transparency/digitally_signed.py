"""How a log signs: DigitallySigned (RFC 5246 section 4.7) with the algorithms of RFC 6962 section 2.1.4.

The RFC knows ECDSA on P-256 and RSA of 2048 bits or more, both with SHA-256; SM2 with SM3 is added under
sm2sig_sm3, RFC 8998's code point. A log that writes SM2 under another code point says so in its log list.
"""

from dataclasses import dataclass
from typing import Final

from verifier.algorithms import KeyAlgorithm, PublicKey, SignatureScheme, Signer
from verifier.errors import InvalidSignature, UnsupportedAlgorithm
from verifier.transparency import wire

LEGACY_SM2_CODEPOINT: Final = 0x0704  # SM3 and SM2 as hash and signature bytes, before RFC 8998

_MIN_RSA_BITS = 2048
_SCHEMES = {
    KeyAlgorithm.SM2: SignatureScheme.SM2SIG_SM3,
    KeyAlgorithm.ECDSA: SignatureScheme.ECDSA_SHA256,
    KeyAlgorithm.RSA: SignatureScheme.RSA_PKCS1_SHA256,
}


@dataclass(frozen=True, slots=True)
class DigitallySigned:
    """A signature behind its algorithm: ``code`` is hash and signature byte, or a SignatureScheme."""

    code: int
    signature: bytes

    def encode(self) -> bytes:
        """The structure's bytes; ``MalformedInput`` for values that do not fit."""
        code = wire.uint(self.code, 2, "DigitallySigned.algorithm")
        return code + wire.vector(self.signature, wire.UINT16_MAX, "DigitallySigned.signature")

    @classmethod
    def read(cls, reader: wire.Reader) -> "DigitallySigned":
        """The structure as the next field of another; ``MalformedInput``."""
        return cls(reader.uint(2, "algorithm"), reader.vector(wire.UINT16_MAX, "signature", minimum=1))

    @classmethod
    def parse(cls, data: bytes) -> "DigitallySigned":
        """The structure and nothing more; ``MalformedInput``."""
        reader = wire.Reader(data, "DigitallySigned")
        signed = cls.read(reader)
        reader.finish()
        return signed


def encode_digitally_signed(scheme: SignatureScheme | int, signature: bytes) -> bytes:
    """A signature in its DigitallySigned form; ``scheme`` may be a bare code point."""
    code = scheme if isinstance(scheme, int) else scheme.value
    return DigitallySigned(code, signature).encode()


def parse_digitally_signed(data: bytes) -> DigitallySigned:
    """``DigitallySigned.parse``; ``MalformedInput``."""
    return DigitallySigned.parse(data)


def log_scheme(key: PublicKey) -> SignatureScheme:
    """The scheme of a log with this key; ``UnsupportedAlgorithm`` for a key no log may have."""
    scheme = _SCHEMES.get(key.algorithm)
    if scheme is None:
        raise UnsupportedAlgorithm(f"log key: expected SM2, ECDSA or RSA, got {key.algorithm}")
    if key.algorithm is KeyAlgorithm.ECDSA and key.curve != "P-256":
        raise UnsupportedAlgorithm(f"log key: expected the curve P-256, got {key.curve}")
    if key.algorithm is KeyAlgorithm.RSA and key.bits < _MIN_RSA_BITS:
        raise UnsupportedAlgorithm(f"log key: expected at least {_MIN_RSA_BITS} bits, got {key.bits}")
    return scheme


def sign(data: bytes, signer: Signer, codepoint: int | None = None) -> DigitallySigned:
    """``data`` signed as a log signs; ``codepoint`` where the log writes another than the scheme's own."""
    scheme = log_scheme(signer.public_key)
    return DigitallySigned(scheme.value if codepoint is None else codepoint, signer.sign(data, scheme))


def verify(signed: DigitallySigned, data: bytes, key: PublicKey, codepoint: int | None = None) -> None:
    """Check a log's signature over ``data``. Raises ``InvalidSignature``, for every reason there is.

    The algorithm that the signature names must be the key's one scheme, or ``codepoint`` where the log is
    known to write another: a signature never chooses how it is verified.
    """
    try:
        scheme = log_scheme(key)
    except UnsupportedAlgorithm as error:
        raise InvalidSignature(str(error)) from error
    expected = scheme.value if codepoint is None else codepoint
    if signed.code != expected:
        raise InvalidSignature(
            f"DigitallySigned.algorithm: expected {expected:#06x} for the log's {key.algorithm} key, "
            f"got {signed.code:#06x}"
        )
    key.verify(signed.signature, data, scheme)
