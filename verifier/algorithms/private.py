"""Private keys of every algorithm behind one value, which shows nothing of what it holds."""

from typing import Final, NoReturn, Protocol, Self

from verifier.algorithms import classical, der, pem, sm2
from verifier.algorithms.public import PublicBackend, PublicKey
from verifier.algorithms.schemes import KeyAlgorithm, SignatureScheme
from verifier.algorithms.sm2 import DEFAULT_SM2_ID
from verifier.algorithms.sm2_keys import Sm2Private
from verifier.errors import KeyFormatError, MalformedInput, UnsupportedAlgorithm

MAX_PKCS8_SIZE: Final = 8192  # bytes: an RSA key of 8192 bits takes about 4,700
_PEM_LABEL: Final = "PRIVATE KEY"


class Signer(Protocol):
    """Whatever signs for a public key: a key in memory, in a key store, in a token."""

    @property
    def public_key(self) -> PublicKey: ...

    def sign(self, data: bytes, scheme: SignatureScheme | None = None) -> bytes:
        """Sign ``data``, with the key's default scheme where none is named.

        Raises UnsupportedAlgorithm for a scheme that the key does not make.
        """


class PrivateBackend(Protocol):
    """What an algorithm does with its private key."""

    @property
    def public(self) -> PublicBackend: ...

    def sign(self, data: bytes, scheme: SignatureScheme, sm2_id: bytes) -> bytes: ...
    def decrypt(self, ciphertext: bytes) -> bytes: ...
    def to_pkcs8(self) -> bytes: ...


class PrivateKey:
    """A private key in this process's memory. It is a ``Signer``; usable from several threads at once.

    Its ``repr`` names the public key only, and it is not pickled: only ``to_pkcs8`` and ``to_pem`` write it.
    """

    __slots__ = ("_backend", "public_key")

    public_key: PublicKey

    def __init__(self, backend: PrivateBackend) -> None:
        """For this module; everybody else has ``generate``, ``from_pkcs8`` and ``from_pem``."""
        self._backend = backend
        self.public_key = PublicKey.from_backend(backend.public)

    @classmethod
    def generate(cls, algorithm: KeyAlgorithm, *, bits: int = 2048, curve: str = "P-256") -> Self:
        """A new key; ``bits`` is for RSA (2048 to 8192), ``curve`` for ECDSA (P-256, P-384, P-521).

        Raises UnsupportedAlgorithm for what is not offered, EngineError where SM2 is not to be had.
        """
        if algorithm is KeyAlgorithm.SM2:
            return cls(Sm2Private.generate())
        return cls(classical.generate(algorithm, bits, curve))

    @classmethod
    def from_pkcs8(cls, encoded: bytes) -> Self:
        """A key from the DER of an unencrypted PrivateKeyInfo (RFC 5208). Raises KeyFormatError."""
        if len(encoded) > MAX_PKCS8_SIZE:
            raise KeyFormatError(f"PrivateKeyInfo: expected at most {MAX_PKCS8_SIZE} bytes")
        try:
            algorithm, key = _open_pkcs8(encoded)
            if algorithm.startswith(sm2.ID_EC_PUBLIC_KEY + sm2.CURVE_OID):
                return cls(Sm2Private(*sm2.parse_ec_private_key(key)))
        except KeyFormatError:
            raise
        except MalformedInput as error:
            raise KeyFormatError(str(error)) from None
        return cls(classical.load_pkcs8(encoded))

    @classmethod
    def from_pem(cls, text: bytes) -> Self:
        """A key from PEM labelled PRIVATE KEY (RFC 7468 section 10). Raises KeyFormatError."""
        return cls.from_pkcs8(pem.decode(text, _PEM_LABEL))

    def to_pkcs8(self) -> bytes:
        """The key itself, unencrypted: PrivateKeyInfo in DER."""
        return self._backend.to_pkcs8()

    def to_pem(self) -> bytes:
        """The key itself, unencrypted: PrivateKeyInfo in PEM."""
        return pem.encode(self.to_pkcs8(), _PEM_LABEL)

    def sign(
        self, data: bytes, scheme: SignatureScheme | None = None, *, sm2_id: bytes = DEFAULT_SM2_ID
    ) -> bytes:
        """Sign ``data``: SM2 and ECDSA in DER, ECDSA deterministic (RFC 6979).

        Raises UnsupportedAlgorithm for SHA-1 and for a scheme of another kind of key.
        """
        scheme = scheme or self.public_key.default_scheme
        if scheme.refused or scheme.key_algorithm is not self.public_key.algorithm:
            raise UnsupportedAlgorithm(f"{scheme.name}: the key is {self.public_key.algorithm}")
        return self._backend.sign(data, scheme, sm2_id)

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Decrypt a DER SM2Cipher. Raises DecryptionError, UnsupportedAlgorithm for other keys."""
        return self._backend.decrypt(ciphertext)

    def __repr__(self) -> str:
        return f"<PrivateKey of {self.public_key.algorithm} {self.public_key.pin}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled")


def _open_pkcs8(encoded: bytes) -> tuple[bytes, bytes]:
    """The contents of privateKeyAlgorithm and of privateKey. Raises MalformedInput."""
    outer = der.Reader(encoded, "PKCS#8")
    body = outer.enter(der.SEQUENCE, "PrivateKeyInfo")
    outer.finish()
    if body.integer("version") != 0:
        raise KeyFormatError("PKCS#8.PrivateKeyInfo.version: expected 0")
    algorithm = body.read(der.SEQUENCE, "privateKeyAlgorithm")
    key = body.read(der.OCTET_STRING, "privateKey")
    body.finish()  # attributes are not used by anybody
    return algorithm, key
