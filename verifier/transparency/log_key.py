"""Keys of logs, as whoever checks the checkpoints of many is configured with them (C2SP signed-note).

Two signature types: 0x05, an RFC 6962 TreeHeadSignature with an SM2, ECDSA or RSA key (static-ct-api), and
0x01, a plain Ed25519 signature over the note's text.
"""

from dataclasses import dataclass
from typing import Final

from verifier.algorithms import KeyAlgorithm, PublicKey
from verifier.errors import InvalidSignature, MalformedInput
from verifier.transparency.checkpoint import RFC6962_SIGNATURE, Checkpoint, checkpoint_to_tree_head
from verifier.transparency.digitally_signed import log_scheme
from verifier.transparency.note import NoteSignature, check_key_name, key_id, parse_verifier_key, verifier_key
from verifier.transparency.raw_ed25519 import from_raw, to_raw

ED25519_SIGNATURE: Final = 0x01  # signed-note's registry of signature types


@dataclass(frozen=True, slots=True)
class LogKey:
    """One key of the log with this origin, which is also the key's name where ``named`` gives no other.

    A key's name *should* be the origin (tlog-checkpoint, Signatures); of type 0x05 it must (static-ct-api).
    ``codepoint`` is what the log writes before its signatures, where that is not what its kind of key calls
    for. Raises ``MalformedInput`` for a name that no key has, ``UnsupportedAlgorithm`` for a key that no log
    may have.
    """

    origin: str
    key: PublicKey
    codepoint: int | None = None
    named: str | None = None

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if not self.origin or not self.origin.isprintable():
            raise MalformedInput(f"origin: expected one line of text, got {self.origin!r}")
        if self.kind == RFC6962_SIGNATURE:
            log_scheme(self.key)
            if self.name != self.origin:
                raise MalformedInput(
                    f"origin: expected {self.name!r}, the name of the key, which is of type 0x05;"
                    f" got {self.origin!r}"
                )

    @property
    def name(self) -> str:
        """The key's name, as it stands on its signature lines."""
        return self.origin if self.named is None else self.named

    @property
    def kind(self) -> int:
        """The signature type: 0x01 for an Ed25519 key, 0x05 for the others."""
        return ED25519_SIGNATURE if self.key.algorithm is KeyAlgorithm.ED25519 else RFC6962_SIGNATURE

    @property
    def key_id(self) -> bytes:
        """The id on its signature lines; of type 0x05 it is made of the LogID."""
        material = to_raw(self.key) if self.kind == ED25519_SIGNATURE else self.key.key_id
        return key_id(self.name, self.kind, material)

    def encode(self) -> str:
        """The verifier key (vkey). Type 0x05 carries the SubjectPublicKeyInfo, as others write it too."""
        material = to_raw(self.key) if self.kind == ED25519_SIGNATURE else self.key.spki
        return verifier_key(self.name, self.key_id, self.kind, material)

    @classmethod
    def parse(cls, text: str, origin: str | None = None) -> "LogKey":
        """From a verifier key of type 0x01 or 0x05; ``MalformedInput``, ``UnsupportedAlgorithm``.

        ``origin`` is the log's where that is not the name of its key.
        """
        name, identifier, kind, material = parse_verifier_key(text)
        if kind == ED25519_SIGNATURE:
            key = from_raw(material)
        elif kind == RFC6962_SIGNATURE:
            key = PublicKey.from_spki(material)
        else:
            raise MalformedInput(f"verifier key: expected type 0x01 or 0x05, got {kind:#04x}")
        named = None if origin in {None, name} else name
        found = cls(name if origin is None else origin, key, named=named)
        if found.key_id != identifier or found.kind != kind:
            raise MalformedInput("verifier key: expected the id of this name and key")
        return found

    def signatures(self, checkpoint: Checkpoint) -> tuple[NoteSignature, ...]:
        """The lines of a checkpoint that are under this key's name and id, not verified."""
        wanted = (self.name, self.key_id)
        return tuple(line for line in checkpoint.signatures if (line.name, line.key_id) == wanted)

    def verify(self, checkpoint: Checkpoint) -> None:
        """Check that this key signed: at least one line, and every line under its name and id holds.

        Raises ``InvalidSignature``, or ``MalformedInput`` for a line of the wrong form. The caller must still
        check consistency with every checkpoint seen before.
        """
        lines = self.signatures(checkpoint)
        if checkpoint.origin != self.origin or not lines:
            raise InvalidSignature(f"checkpoint: expected a signature of {self.origin}")
        if self.kind == RFC6962_SIGNATURE:
            head = checkpoint_to_tree_head(checkpoint, self.origin, self.key.key_id)
            head.verify(self.key, self.codepoint)
            return
        for line in lines:
            self.key.verify(line.signature, checkpoint.body.encode())
