"""Signed tree heads, a log's word for what it holds (RFC 6962 section 3.5)."""

from dataclasses import dataclass
from datetime import datetime

from verifier.algorithms import PublicKey, Signer
from verifier.errors import MalformedInput
from verifier.transparency import digitally_signed, moments, wire
from verifier.transparency.digitally_signed import DigitallySigned
from verifier.transparency.merkle import MAX_SIZE

_TREE_HASH = b"\x00\x01"  # Version v1, SignatureType tree_hash


@dataclass(frozen=True, slots=True)
class SignedTreeHead:
    """A tree's size and root at a time (milliseconds since 1970), and the log's signature over them.

    ``signature`` is DigitallySigned as get-sth has it. The signature does not cover which log it is: a key
    belongs to one log only.
    """

    tree_size: int
    timestamp: int
    root_hash: bytes
    signature: bytes

    def __post_init__(self) -> None:
        tree_head_signature_input(self.tree_size, self.timestamp, self.root_hash)

    @property
    def time(self) -> datetime:
        """The timestamp as an aware datetime."""
        return moments.to_datetime(self.timestamp)

    def signature_input(self) -> bytes:
        """The bytes that the signature is over."""
        return tree_head_signature_input(self.tree_size, self.timestamp, self.root_hash)

    def verify(self, key: PublicKey, codepoint: int | None = None) -> None:
        """Check the log's signature. Raises ``InvalidSignature``, or ``MalformedInput`` for its form.

        The caller must still check freshness, and consistency with every head seen before.
        """
        signed = DigitallySigned.parse(self.signature)
        digitally_signed.verify(signed, self.signature_input(), key, codepoint)


def tree_head_signature_input(tree_size: int, timestamp: int, root_hash: bytes) -> bytes:
    """TreeHeadSignature's content; ``MalformedInput`` for values that no tree head can have."""
    if not 0 <= tree_size <= MAX_SIZE:
        raise MalformedInput(f"tree head.tree_size: expected 0 to {MAX_SIZE}, got {tree_size}")
    return b"".join((
        _TREE_HASH,
        moments.check_timestamp(timestamp, "tree head.timestamp").to_bytes(8),
        tree_size.to_bytes(8),
        wire.fixed(root_hash, wire.HASH_SIZE, "tree head.root_hash"),
    ))


def sign_tree_head(
    tree_size: int, timestamp: int, root_hash: bytes, signer: Signer, codepoint: int | None = None
) -> SignedTreeHead:
    """A tree head signed by its log; the caller has made sure that it is consistent with the last one."""
    data = tree_head_signature_input(tree_size, timestamp, root_hash)
    signature = digitally_signed.sign(data, signer, codepoint).encode()
    return SignedTreeHead(tree_size, timestamp, root_hash, signature)
