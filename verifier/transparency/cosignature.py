"""Cosignatures: a witness's word that it saw a checkpoint grow consistently (C2SP tlog-cosignature).

The Ed25519 form, ``cosignature/v1``, note signature type 0x04.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from verifier.algorithms import PublicKey, Signer
from verifier.errors import InvalidSignature, MalformedInput
from verifier.transparency import wire
from verifier.transparency.checkpoint import Checkpoint
from verifier.transparency.moments import MAX_TIMESTAMP
from verifier.transparency.note import (
    NoteSignature,
    check_key_name,
    key_id,
    parse_verifier_key,
    verifier_key,
)
from verifier.transparency.raw_ed25519 import from_raw, to_raw

COSIGNATURE_V1: Final = 0x04  # signed-note's registry of signature types

_ED25519_SIGNATURE_SIZE = 64  # bytes
_MAX_SECONDS = MAX_TIMESTAMP // 1000


@dataclass(frozen=True, slots=True)
class Witness:
    """A cosigner as clients are configured with it: its name and its Ed25519 key."""

    name: str
    key: PublicKey

    def __post_init__(self) -> None:
        check_key_name(self.name)
        to_raw(self.key)

    @property
    def key_id(self) -> bytes:
        """The id on its signature lines."""
        return key_id(self.name, COSIGNATURE_V1, to_raw(self.key))

    def encode(self) -> str:
        """Its verifier key (vkey): name, key id and key in one line."""
        return verifier_key(self.name, self.key_id, COSIGNATURE_V1, to_raw(self.key))

    @classmethod
    def parse(cls, text: str) -> "Witness":
        """From a verifier key of type 0x04; ``MalformedInput``."""
        name, identifier, kind, material = parse_verifier_key(text)
        if kind != COSIGNATURE_V1:
            raise MalformedInput(f"verifier key: expected type 0x04, a witness's, got {kind:#04x}")
        witness = cls(name, from_raw(material))
        if witness.key_id != identifier:
            raise MalformedInput("verifier key: expected the id of this name and key")
        return witness


@dataclass(frozen=True, slots=True)
class Cosignature:
    """What a witness signed: when, in seconds since 1970, and the signature."""

    timestamp: int
    signature: bytes

    @property
    def time(self) -> datetime:
        """The timestamp as an aware datetime."""
        return datetime.fromtimestamp(self.timestamp, UTC)

    @classmethod
    def parse(cls, data: bytes) -> "Cosignature":
        """From what follows the key id in a signature line; ``MalformedInput``."""
        reader = wire.Reader(data, "cosignature")
        timestamp = _check_seconds(reader.uint(8, "timestamp"))
        signature = reader.fixed(_ED25519_SIGNATURE_SIZE, "signature")
        reader.finish()
        return cls(timestamp, signature)

    def encode(self) -> bytes:
        """What follows the key id; ``MalformedInput`` for values that it cannot have."""
        signature = wire.fixed(self.signature, _ED25519_SIGNATURE_SIZE, "cosignature.signature")
        return _check_seconds(self.timestamp).to_bytes(8) + signature


def verify_cosignature(checkpoint: Checkpoint, witness: Witness) -> datetime:
    """When ``witness`` saw ``checkpoint`` as the largest consistent tree of its log.

    Raises ``InvalidSignature`` where it did not sign, or where any line under its name and key id does not
    verify; ``MalformedInput`` for a line of the wrong form. Whether that is recent is the caller's to say.
    """
    wanted = (witness.name, witness.key_id)
    lines = [line for line in checkpoint.signatures if (line.name, line.key_id) == wanted]
    if not lines:
        raise InvalidSignature(f"checkpoint: expected a cosignature of {witness.name}")
    cosignatures = [Cosignature.parse(line.signature) for line in lines]
    for cosignature in cosignatures:
        witness.key.verify(cosignature.signature, _message(checkpoint, cosignature.timestamp))
    return max(cosignature.time for cosignature in cosignatures)


def cosign(checkpoint: Checkpoint, name: str, signer: Signer, timestamp: int) -> NoteSignature:
    """A witness's line for a checkpoint, at ``timestamp`` seconds since 1970.

    The caller has verified the checkpoint and its consistency with the last one it cosigned, and has stored
    it, before it lets the line out of its hands.
    """
    witness = Witness(name, signer.public_key)
    signature = signer.sign(_message(checkpoint, _check_seconds(timestamp)))
    return NoteSignature(name, witness.key_id, Cosignature(timestamp, signature).encode())


def _message(checkpoint: Checkpoint, timestamp: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp}\n{checkpoint.body}".encode()


def _check_seconds(timestamp: int) -> int:
    """The specification allows up to 2**63 - 1; after the year 9999 no clock of ours can say it."""
    if not 0 <= timestamp <= _MAX_SECONDS:
        raise MalformedInput(f"cosignature.timestamp: expected 0 to {_MAX_SECONDS} seconds, got {timestamp}")
    return timestamp
