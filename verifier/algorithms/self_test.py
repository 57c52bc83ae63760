"""The known-answer test that an SM2 engine passes before it is used (GB/T 32918.5 appendices A and C)."""

from typing import Final

from verifier.algorithms import sm2
from verifier.algorithms.engine import Sm2Engine
from verifier.errors import EngineError, InvalidSignature, VerifierError

SCALAR: Final = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
POINT: Final = bytes.fromhex(
    "04"
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
MESSAGE: Final = b"message digest"
DIGEST: Final = bytes.fromhex("f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640")
SIGNATURE: Final = bytes.fromhex(
    "3046"
    "022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
PLAINTEXT: Final = b"encryption standard"
CIPHERTEXT: Final = sm2.Ciphertext(
    x=0x04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73,
    y=0xE858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0,
    hash=bytes.fromhex("59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"),
    cipher_text=bytes.fromhex("21886ca989ca9c7d58087307ca93092d651efa"),
).encode()


def check_engine(engine: Sm2Engine) -> None:
    """Raise EngineError, naming the step, unless the engine gives every known answer.

    1. SM3 and Z give the standard's e. 2. The scalar gives the standard's point. 3. The standard's
    signature verifies. 4. One with a bit flipped does not. 5. A fresh signature verifies. 6. The standard's
    ciphertext decrypts. 7. A fresh ciphertext decrypts.
    """
    hasher = sm2.message_hasher(POINT, sm2.DEFAULT_SM2_ID)
    hasher.update(MESSAGE)
    _expect(hasher.digest() == DIGEST, "digest")
    _expect(engine.public_point(SCALAR) == POINT, "public key")
    public, private = engine.load_public(POINT), engine.load_private(SCALAR, POINT)
    try:
        public.verify_digest(SIGNATURE, DIGEST)
        public.verify_digest(private.sign_digest(DIGEST), DIGEST)
        _expect(private.decrypt(CIPHERTEXT) == PLAINTEXT, "decryption")
        _expect(private.decrypt(public.encrypt(PLAINTEXT)) == PLAINTEXT, "encryption")
    except VerifierError as error:
        raise EngineError(f"self-test: {error}") from error
    _expect_refusal(engine)


def _expect(answer: bool, step: str) -> None:
    if not answer:
        raise EngineError(f"self-test: wrong answer in {step}")


def _expect_refusal(engine: Sm2Engine) -> None:
    flipped = SIGNATURE[:-1] + bytes((SIGNATURE[-1] ^ 1,))
    try:
        engine.load_public(POINT).verify_digest(flipped, DIGEST)
    except InvalidSignature:
        return
    raise EngineError("self-test: a signature with one bit flipped was accepted")
