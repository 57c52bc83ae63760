"""An accusation examined step by step: each says what it establishes; the first that fails ends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from verifier.errors import InvalidProof, InvalidSignature, MalformedInput, UnsupportedAlgorithm
from verifier.transparency.evidence.document import AccusedLog
from verifier.transparency.merkle import MAX_SIZE, verify_consistency, verify_inclusion
from verifier.transparency.moments import MAX_TIMESTAMP
from verifier.transparency.strict_json import JsonObject
from verifier.transparency.tree_head import SignedTreeHead


class Result(StrEnum):
    """What an examination came to."""

    PROVEN = "proven"
    """The log's own signatures show the offence, whoever recorded them."""
    OBSERVED = "observed"
    """The record shows the offence; that the log answered so rests on the recorder's word."""
    NOT_SHOWN = "not-shown"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was checked, as a sentence, and whether it holds."""

    text: str
    holds: bool


class NotShown(Exception):
    """A step did not hold."""


class Case:
    """One evidence file under examination. ``now`` is the examiner's clock."""

    def __init__(self, log: AccusedLog, material: JsonObject, now: datetime) -> None:
        self.log = log
        self.material = material
        self.now = now
        self.steps: list[Step] = []

    def require(self, holds: object, text: str) -> None:
        """Record a step; raises NotShown where it does not hold."""
        self.steps.append(Step(text, bool(holds)))
        if not holds:
            raise NotShown(text)

    # tree heads

    def head(self, name: str = "tree_head") -> SignedTreeHead:
        """The head in the field ``name``, which the log's key must have signed."""
        head = self.unsigned_head(name)
        self.require(
            signed_by(head, self.log),
            f"{self.log.name} signed {head.tree_size} entries at {moment(head)}: {short(head.root_hash)}",
        )
        return head

    def unsigned_head(self, name: str = "tree_head") -> SignedTreeHead:
        """The head in the field ``name``, nothing about it verified."""
        return read_head(self.material.member(name))

    # proofs

    def require_beginning(
        self, first: int, first_root: bytes, head: SignedTreeHead, proof: Sequence[bytes], what: str
    ) -> None:
        """The tree of ``first`` entries with this root must be the beginning of the tree of ``head``."""
        text = f"{what}: the {head.tree_size} entries begin with the {first} of root {short(first_root)}"
        try:
            verify_consistency(first, head.tree_size, first_root, head.root_hash, proof)
        except InvalidProof as error:
            self.require(False, f"{text} ({error})")
        self.require(True, text)

    def require_included(
        self, leaf_hash: bytes, index: int, head: SignedTreeHead, path: Sequence[bytes], what: str
    ) -> None:
        """``leaf_hash`` must be leaf ``index`` of the tree of ``head``."""
        text = f"{what} is entry {index} of the {head.tree_size} that the log signed for"
        try:
            verify_inclusion(leaf_hash, index, head.tree_size, path, head.root_hash)
        except InvalidProof as error:
            self.require(False, f"{text} ({error})")
        self.require(True, text)


def read_head(fields: JsonObject) -> SignedTreeHead:
    """A head as get-sth writes it; ``MalformedInput``."""
    return SignedTreeHead(
        tree_size=fields.integer("tree_size", maximum=MAX_SIZE),
        timestamp=fields.integer("timestamp", maximum=MAX_TIMESTAMP),
        root_hash=fields.base64("sha256_root_hash"),
        signature=fields.base64("tree_head_signature"),
    )


def signed_by(head: SignedTreeHead, log: AccusedLog) -> bool:
    """Did the log's key sign this head?"""
    try:
        head.verify(log.key, log.codepoint)
    except (InvalidSignature, MalformedInput, UnsupportedAlgorithm):
        return False
    return True


def moment(head: SignedTreeHead) -> str:
    """The head's time for people."""
    return f"{head.time:%Y-%m-%d %H:%M:%S} UTC"


def short(digest: bytes) -> str:
    """The beginning of a hash, to tell it from another."""
    return f"{digest.hex()[:16]}…"
