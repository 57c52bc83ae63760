"""Public keys of every algorithm behind one value: strict bytes in, signatures verified."""

import hashlib
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

from verifier.algorithms import classical, pem, sm2
from verifier.algorithms.schemes import KeyAlgorithm, SignatureScheme
from verifier.algorithms.sm2 import DEFAULT_SM2_ID
from verifier.algorithms.sm2_keys import Sm2Public
from verifier.errors import InvalidSignature, KeyFormatError, UnsupportedAlgorithm

MAX_SPKI_SIZE: Final = 4096  # bytes: an RSA key of 16384 bits takes about 2,090
_PEM_LABEL: Final = "PUBLIC KEY"


class PublicBackend(Protocol):
    """What an algorithm knows of its public key and does with it."""

    @property
    def algorithm(self) -> KeyAlgorithm: ...
    @property
    def default_scheme(self) -> SignatureScheme: ...
    @property
    def bits(self) -> int: ...
    @property
    def curve(self) -> str | None: ...
    @property
    def spki(self) -> bytes: ...

    def verify(self, signature: bytes, data: bytes, scheme: SignatureScheme, sm2_id: bytes) -> None: ...
    def encrypt(self, plaintext: bytes) -> bytes: ...


@dataclass(frozen=True, repr=False)
class PublicKey:
    """A public key, made by ``from_spki``; two are equal when their SubjectPublicKeyInfo is.

    ``bits`` is the size of the RSA modulus, of the field otherwise; ``curve`` is "SM2", "P-256", "P-384",
    "P-521", or None where the algorithm leaves no choice. Usable from several threads at once.
    """

    algorithm: KeyAlgorithm
    spki: bytes
    bits: int
    curve: str | None
    _backend: PublicBackend = field(compare=False)

    @classmethod
    def from_backend(cls, backend: PublicBackend) -> Self:
        """For the keys of this package; everybody else has bytes and ``from_spki``."""
        return cls(backend.algorithm, backend.spki, backend.bits, backend.curve, backend)

    @classmethod
    def from_spki(cls, spki: bytes) -> Self:
        """A key from the DER of its SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).

        The encoding must be the one and only: canonical DER, an uncompressed point that is on its curve,
        nothing left over. Raises KeyFormatError.
        """
        if len(spki) > MAX_SPKI_SIZE:
            raise KeyFormatError(f"SubjectPublicKeyInfo: expected at most {MAX_SPKI_SIZE} bytes")
        if sm2.names_curve(spki):
            return cls.from_backend(Sm2Public(sm2.parse_spki(spki)))
        return cls.from_backend(classical.load_spki(spki))

    @classmethod
    def from_pem(cls, text: bytes) -> Self:
        """A key from PEM (RFC 7468 section 13). Raises KeyFormatError."""
        return cls.from_spki(pem.decode(text, _PEM_LABEL))

    def to_pem(self) -> bytes:
        """The SubjectPublicKeyInfo in PEM."""
        return pem.encode(self.spki, _PEM_LABEL)

    @property
    def key_id(self) -> bytes:
        """SHA-256 of the SubjectPublicKeyInfo: a log's LogID (RFC 6962 section 3.2), a pin's hash."""
        return hashlib.sha256(self.spki).digest()

    @property
    def pin(self) -> str:
        """``key_id`` as policies write it: "sha256:" and 64 hex digits."""
        return f"sha256:{self.key_id.hex()}"

    @property
    def default_scheme(self) -> SignatureScheme:
        """The scheme that keys of this kind sign with when none is named."""
        return self._backend.default_scheme

    def verify(
        self,
        signature: bytes,
        data: bytes,
        scheme: SignatureScheme | None = None,
        *,
        sm2_id: bytes = DEFAULT_SM2_ID,
    ) -> None:
        """Check a signature over ``data``; returns nothing, or raises.

        SM2 and ECDSA signatures are canonical DER. ``sm2_id`` is the SM2 signer's identifier, where it is
        not the default one. Raises InvalidSignature, also when ``scheme`` is one of another kind of key,
        and UnsupportedAlgorithm for SHA-1.
        """
        scheme = scheme or self.default_scheme
        if scheme.refused:
            raise UnsupportedAlgorithm(f"{scheme.name}: signatures over SHA-1 are not accepted")
        if scheme.key_algorithm is not self.algorithm:
            raise InvalidSignature(f"{scheme.name}: the key is {self.algorithm}, it makes no such signature")
        self._backend.verify(signature, data, scheme, sm2_id)

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt to this SM2 key: DER SM2Cipher, C1 C3 C2 (GM/T 0009 section 7.2).

        Raises UnsupportedAlgorithm for other keys, MalformedInput for an empty plaintext.
        """
        return self._backend.encrypt(plaintext)

    def __repr__(self) -> str:
        return f"<PublicKey {self.curve or self.algorithm} {self.bits} bits {self.pin}>"

    def __reduce__(self) -> tuple[object, tuple[bytes]]:
        return PublicKey.from_spki, (self.spki,)
