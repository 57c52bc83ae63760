"""Checkpoints: tree heads as signed notes (C2SP tlog-checkpoint), with the log's RFC 6962 signature.

static-ct-api carries a tree head's signature and timestamp in a note signature of type 0x05, so a checkpoint
and a get-sth answer are two forms of one value. Witnesses add lines of their own: see ``cosignature``.
"""

import re
from dataclasses import dataclass
from typing import Final

from verifier.algorithms import PublicKey
from verifier.errors import InvalidSignature, MalformedInput
from verifier.transparency import wire
from verifier.transparency.digitally_signed import DigitallySigned
from verifier.transparency.merkle import MAX_SIZE
from verifier.transparency.note import NoteSignature, encode_note, key_id, parse_note
from verifier.transparency.strict_json import decode_base64, encode_base64
from verifier.transparency.tree_head import SignedTreeHead

RFC6962_SIGNATURE: Final = 0x05  # signed-note's registry of signature types

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_BODY_LINES = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of its tree, and who signed it. Nothing in it is verified."""

    origin: str
    size: int
    root_hash: bytes
    signatures: tuple[NoteSignature, ...]
    extensions: tuple[str, ...] = ()

    @property
    def body(self) -> str:
        """The note's text: what every signature is over."""
        lines = (self.origin, str(self.size), encode_base64(self.root_hash), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    def encode(self) -> bytes:
        """The checkpoint as it is published; ``MalformedInput`` where ``parse`` would refuse it."""
        data = encode_note(self.body, self.signatures)
        if self.parse(data) != self:
            raise MalformedInput("checkpoint: expected lines that are not empty and have no line end in them")
        return data

    @classmethod
    def parse(cls, data: bytes) -> "Checkpoint":
        """A checkpoint and nothing more; ``MalformedInput``."""
        text, signatures = parse_note(data)
        lines = text[:-1].split("\n")
        if len(lines) < _BODY_LINES or not all(lines):
            raise MalformedInput("checkpoint: expected origin, size and root hash, and no empty line")
        origin, size, root, *extensions = lines
        return cls(
            origin, parse_size(size, "checkpoint.size"), _parse_root(root), signatures, tuple(extensions)
        )


def parse_checkpoint(data: bytes) -> Checkpoint:
    """``Checkpoint.parse``; ``MalformedInput``."""
    return Checkpoint.parse(data)


def tree_head_to_checkpoint(head: SignedTreeHead, origin: str, log_id: bytes) -> Checkpoint:
    """A log's tree head as a checkpoint; no key is needed, the signature is the same."""
    signature = wire.uint(head.timestamp, 8, "timestamp") + head.signature
    line = NoteSignature(origin, key_id(origin, RFC6962_SIGNATURE, log_id), signature)
    return Checkpoint(origin, head.tree_size, head.root_hash, (line,))


def checkpoint_to_tree_head(checkpoint: Checkpoint, origin: str, log_id: bytes) -> SignedTreeHead:
    """The tree head that the log itself signed in a checkpoint, not verified.

    Raises ``InvalidSignature`` where it is another log's or not signed by this one once, ``MalformedInput``
    where the signature has not the form of static-ct-api, which allows no extension lines.
    """
    if checkpoint.origin != origin:
        raise InvalidSignature(f"checkpoint.origin: expected {origin!r}, got {checkpoint.origin!r}")
    if checkpoint.extensions:
        raise MalformedInput("checkpoint: expected no extension lines under an RFC 6962 signature")
    wanted = key_id(origin, RFC6962_SIGNATURE, log_id)
    lines = [line for line in checkpoint.signatures if (line.name, line.key_id) == (origin, wanted)]
    if len(lines) != 1:
        raise InvalidSignature(f"checkpoint: expected one signature of the log, got {len(lines)}")
    reader = wire.Reader(lines[0].signature, "RFC6962NoteSignature")
    timestamp = reader.uint(8, "timestamp")
    signed = DigitallySigned.read(reader)
    reader.finish()
    return SignedTreeHead(checkpoint.size, timestamp, checkpoint.root_hash, signed.encode())


def verify_checkpoint(
    data: bytes, origin: str, key: PublicKey, codepoint: int | None = None
) -> SignedTreeHead:
    """The tree head in a checkpoint that the log ``origin`` with this key signed.

    Raises ``MalformedInput`` or ``InvalidSignature``. The signature does not cover the origin (static-ct-api
    says so too): that it is this log's rests on the key. The caller must still check freshness, consistency
    with every head seen before, and as many cosignatures as it asks for.
    """
    head = checkpoint_to_tree_head(Checkpoint.parse(data), origin, key.key_id)
    head.verify(key, codepoint)
    return head


def parse_size(text: str, field: str) -> int:
    """A tree's size in decimal without leading zeroes; ``MalformedInput`` naming the field."""
    if not _SIZE.fullmatch(text) or (size := int(text)) > MAX_SIZE:
        raise MalformedInput(f"{field}: expected 0 to {MAX_SIZE} in decimal without leading zeroes")
    return size


def _parse_root(text: str) -> bytes:
    try:
        root = decode_base64(text)
    except MalformedInput as error:
        raise MalformedInput(f"checkpoint.root hash: {error}") from None
    return wire.fixed(root, wire.HASH_SIZE, "checkpoint.root hash")
