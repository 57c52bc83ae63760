"""Ed25519 keys as signed notes carry them: the 32 bytes of RFC 8032, without a SubjectPublicKeyInfo."""

from typing import Final

from verifier.algorithms import KeyAlgorithm, PublicKey
from verifier.errors import KeyFormatError, MalformedInput, UnsupportedAlgorithm

KEY_SIZE: Final = 32  # bytes
_SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")  # RFC 8410 section 4: all but the key itself


def to_raw(key: PublicKey) -> bytes:
    """The key's 32 bytes; ``UnsupportedAlgorithm`` for a key of another kind."""
    if key.algorithm is not KeyAlgorithm.ED25519:
        raise UnsupportedAlgorithm(f"witness key: expected Ed25519, got {key.algorithm}")
    if not key.spki.startswith(_SPKI_PREFIX):
        raise KeyFormatError("witness key: expected the SubjectPublicKeyInfo of RFC 8410")
    return key.spki.removeprefix(_SPKI_PREFIX)


def from_raw(raw: bytes) -> PublicKey:
    """The key of these bytes; ``MalformedInput``."""
    if len(raw) != KEY_SIZE:
        raise MalformedInput(f"verifier key: expected an Ed25519 key of {KEY_SIZE} bytes, got {len(raw)}")
    return PublicKey.from_spki(_SPKI_PREFIX + raw)
