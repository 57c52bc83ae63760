"""SM2 keys as ``PublicKey`` and ``PrivateKey`` use them: message digests here, points in the engine."""

from functools import cached_property

from verifier.algorithms import sm2
from verifier.algorithms.engine import Sm2PrivateHandle, Sm2PublicHandle, sm2_engine
from verifier.algorithms.hashes import Hasher
from verifier.algorithms.schemes import KeyAlgorithm, SignatureScheme
from verifier.errors import DecryptionError, InvalidSignature, KeyFormatError, MalformedInput


class Sm2Public:
    """A public key; the engine's handle and Z of the default identifier are made at first use and kept."""

    algorithm = KeyAlgorithm.SM2
    default_scheme = SignatureScheme.SM2SIG_SM3
    bits = sm2.BITS
    curve = "SM2"

    def __init__(self, point: bytes) -> None:
        self.point = point

    @property
    def spki(self) -> bytes:
        return sm2.encode_spki(self.point)

    @cached_property
    def _handle(self) -> Sm2PublicHandle:
        return sm2_engine().load_public(self.point)

    @cached_property
    def _default_hasher(self) -> Hasher:
        return sm2.message_hasher(self.point, sm2.DEFAULT_SM2_ID)

    def digest(self, data: bytes, sm2_id: bytes) -> bytes:
        """e, what is signed for ``data`` (GB/T 32918.2 section 6.1, steps A1 and A2)."""
        if sm2_id == sm2.DEFAULT_SM2_ID:
            hasher = self._default_hasher.copy()
        else:
            hasher = sm2.message_hasher(self.point, sm2_id)
        hasher.update(data)
        return hasher.digest()

    def verify(self, signature: bytes, data: bytes, scheme: SignatureScheme, sm2_id: bytes) -> None:
        """Check a signature; say so where it was made with an empty identifier, and refuse it."""
        del scheme  # there is one
        sm2.parse_signature(signature)
        try:
            self._handle.verify_digest(signature, self.digest(data, sm2_id))
        except InvalidSignature:
            if sm2_id and self._verifies_without_id(signature, data):
                raise InvalidSignature(
                    "SM2 signature: it verifies with an empty identifier only (OpenSSL before 4.0 made such)"
                ) from None
            raise

    def _verifies_without_id(self, signature: bytes, data: bytes) -> bool:
        try:
            self._handle.verify_digest(signature, self.digest(data, b""))
        except InvalidSignature:
            return False
        return True

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt at least one byte; a key stream of zeros is not used (GB/T 32918.4, step A5)."""
        if not plaintext:
            raise MalformedInput("plaintext: expected at least one byte")
        while True:
            ciphertext = self._handle.encrypt(plaintext)
            if sm2.Ciphertext.parse(ciphertext).cipher_text != plaintext:
                return ciphertext


class Sm2Private:
    """A private key; the scalar is kept for ``to_pkcs8`` alone."""

    def __init__(self, scalar: bytes, point: bytes | None = None) -> None:
        engine = sm2_engine()
        derived = engine.public_point(scalar)
        if point not in {None, derived}:
            raise KeyFormatError("PrivateKeyInfo: expected a public key that belongs to the private one")
        self._scalar = scalar
        self._handle: Sm2PrivateHandle = engine.load_private(scalar, derived)
        self.public = Sm2Public(derived)

    @classmethod
    def generate(cls) -> "Sm2Private":
        return cls(sm2_engine().generate())

    def sign(self, data: bytes, scheme: SignatureScheme, sm2_id: bytes) -> bytes:
        del scheme  # there is one
        return self._handle.sign_digest(self.public.digest(data, sm2_id))

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Decrypt a DER SM2Cipher (GB/T 32918.4 section 7.1; step B4 refuses a key stream of zeros)."""
        text = sm2.Ciphertext.parse(ciphertext).cipher_text
        plaintext = self._handle.decrypt(ciphertext)
        if plaintext == text:
            raise DecryptionError("SM2 ciphertext: it does not decrypt with this key")
        return plaintext

    def to_pkcs8(self) -> bytes:
        return sm2.encode_pkcs8(self._scalar, self.public.point)
