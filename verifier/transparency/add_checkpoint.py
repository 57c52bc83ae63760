"""What a log sends to a witness and what it gets back (C2SP tlog-witness), as values; HTTP is theirs.

For whoever asks a witness and for whoever is one.
"""

from dataclasses import dataclass
from typing import Final

from verifier.errors import MalformedInput
from verifier.transparency import wire
from verifier.transparency.checkpoint import Checkpoint, parse_size
from verifier.transparency.note import NoteSignature
from verifier.transparency.strict_json import decode_base64, encode_base64

MAX_PROOF: Final = 63  # hashes; tlog-witness allows no more, and no tree of below 2**63 leaves needs more
MAX_REQUEST_SIZE: Final = 128 << 10  # bytes: a proof, and a checkpoint with 16 signatures of 5 kB each
MAX_ANSWER_SIZE: Final = 64 << 10  # bytes
SIZE_TYPE: Final = "text/x.tlog.size"
"""The content type of the answer 409, whose body is the size that the witness has."""

_OLD = "old "


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A checkpoint to be cosigned, and the proof that it continues the tree of ``old_size`` entries.

    Nothing in it is verified.
    """

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint

    def encode(self) -> bytes:
        """The body of a request; ``MalformedInput`` where ``parse`` would refuse it."""
        lines = [f"{_OLD}{self.old_size}", *map(encode_base64, self.proof)]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + self.checkpoint.encode()

    @classmethod
    def parse(cls, body: bytes) -> "AddCheckpoint":
        """From the body of a request; ``MalformedInput``."""
        if len(body) > MAX_REQUEST_SIZE:
            raise MalformedInput(f"add-checkpoint: expected at most {MAX_REQUEST_SIZE} bytes")
        head, separator, note = body.partition(b"\n\n")
        if not separator:
            raise MalformedInput("add-checkpoint: expected an old size, a proof, an empty line, a checkpoint")
        try:
            old, *proof = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise MalformedInput("add-checkpoint: expected ASCII before the empty line") from None
        if not old.startswith(_OLD):
            raise MalformedInput(f"add-checkpoint: expected a first line like 'old 0', got {old[:40]!r}")
        if len(proof) > MAX_PROOF:
            raise MalformedInput(f"add-checkpoint: expected at most {MAX_PROOF} hashes, got {len(proof)}")
        return cls(
            parse_size(old.removeprefix(_OLD), "add-checkpoint.old size"),
            tuple(map(_hash, proof)),
            Checkpoint.parse(note),
        )


def parse_cosignatures(body: bytes) -> tuple[NoteSignature, ...]:
    """The signature lines of an answer 200, at least one, not verified; ``MalformedInput``."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise MalformedInput("add-checkpoint answer: expected UTF-8") from None
    if not text.endswith("\n"):
        raise MalformedInput("add-checkpoint answer: expected signature lines")
    return tuple(NoteSignature.parse(line) for line in text[:-1].split("\n"))


def _hash(line: str) -> bytes:
    try:
        return wire.fixed(decode_base64(line), wire.HASH_SIZE, "add-checkpoint.proof")
    except MalformedInput as error:
        raise MalformedInput(f"add-checkpoint.proof: {error}") from None
