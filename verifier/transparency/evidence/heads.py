"""Offences in tree heads: what was signed twice, out of order, or not by the log at all (RFC 6962, 3.5)."""

from datetime import timedelta

from verifier.algorithms import PublicKey
from verifier.errors import InvalidProof, InvalidSignature, MalformedInput
from verifier.transparency.checkpoint import RFC6962_SIGNATURE, Checkpoint
from verifier.transparency.digitally_signed import DigitallySigned, log_scheme
from verifier.transparency.evidence.case import Case, Result, signed_by
from verifier.transparency.merkle import EMPTY_ROOT, consistency_spans, verify_consistency
from verifier.transparency.note import key_id
from verifier.transparency.tree_head import SignedTreeHead

CLOCK_TOLERANCE = timedelta(minutes=5)


def two_histories(case: Case) -> Result:
    """Two signed heads that cannot be of one append-only tree (section 2.1.2).

    Equal sizes have equal roots. For different sizes ``own_root`` and ``consistency`` show which root the
    larger tree has at the smaller size; only one can lead there, and it is not the one that was signed.
    """
    return _two_histories(case, *_by_size(case.head("tree_head"), case.head("previous_tree_head")))


def split(case: Case) -> Result:
    """What two observers were shown: two histories, or a smaller tree after a larger one."""
    smaller, larger = _by_size(case.head("tree_head"), case.head("previous_tree_head"))
    if smaller.tree_size < larger.tree_size and smaller.timestamp > larger.timestamp:
        case.require(
            True, f"{smaller.tree_size} entries are dated after {larger.tree_size}: a tree only grows"
        )
        return Result.PROVEN
    return _two_histories(case, smaller, larger)


def _two_histories(case: Case, smaller: SignedTreeHead, larger: SignedTreeHead) -> Result:
    if smaller.tree_size == larger.tree_size:
        case.require(smaller.root_hash != larger.root_hash, "the two heads of one size have different roots")
        return Result.PROVEN
    own_root = EMPTY_ROOT
    if smaller.tree_size:
        own_root = case.material.base64("own_root")
        proof = case.material.base64s("consistency")
        case.require_beginning(smaller.tree_size, own_root, larger, proof, "Proof")
    case.require(
        own_root != smaller.root_hash,
        f"for {smaller.tree_size} entries the log signed another root than that",
    )
    return Result.PROVEN


def inconsistent(case: Case) -> Result:
    """A consistency proof that does not hold; proven where the tree's other history is at hand."""
    if "own_root" in case.material:
        return two_histories(case)
    smaller, larger = _by_size(case.head("tree_head"), case.head("previous_tree_head"))
    proof = case.material.base64s("consistency")
    case.require(
        not _consistent(smaller, larger, proof),
        "the consistency proof as recorded does not lead from one root to the other",
    )
    return Result.OBSERVED


def proof_length(case: Case) -> Result:
    """A consistency proof with more or fewer hashes than its sizes call for."""
    smaller, larger = _by_size(case.head("tree_head"), case.head("previous_tree_head"))
    got = len(case.material.base64s("consistency"))
    wanted = len(consistency_spans(smaller.tree_size, larger.tree_size)) if smaller.tree_size else 0
    case.require(got != wanted, f"the recorded proof has {got} hashes, these sizes call for {wanted}")
    return Result.OBSERVED


def shrunk(case: Case) -> Result:
    """A later head of a smaller tree: entries were taken out."""
    later, earlier = case.head("tree_head"), case.head("previous_tree_head")
    case.require(
        later.timestamp > earlier.timestamp,
        f"the head of {later.tree_size} entries is dated after that of {earlier.tree_size}",
    )
    case.require(
        later.tree_size < earlier.tree_size,
        f"the tree shrank from {earlier.tree_size} to {later.tree_size} entries",
    )
    return Result.PROVEN


def time_reversed(case: Case) -> Result:
    """A larger tree under an earlier date: one of the two dates is false."""
    larger, smaller = case.head("tree_head"), case.head("previous_tree_head")
    case.require(
        larger.tree_size > smaller.tree_size and larger.timestamp < smaller.timestamp,
        f"{larger.tree_size} entries are dated before {smaller.tree_size}",
    )
    return Result.PROVEN


def signature_invalid(case: Case) -> Result:
    """A head that the log's key did not sign."""
    case.require(
        not signed_by(case.unsigned_head(), case.log), "the log's key did not sign the recorded head"
    )
    return Result.OBSERVED


def signature_reused(case: Case) -> Result:
    """A signature taken from one head and put under another."""
    head, other = case.unsigned_head(), case.head("signed_tree_head")
    case.require(not signed_by(head, case.log), "the log's key did not sign the recorded head")
    case.require(head.signature == other.signature, "its signature is that of the other head")
    return Result.OBSERVED


def key_wrong(case: Case) -> Result:
    """A head that another log's key signed, or a checkpoint with a signature of another key."""
    if "checkpoint" in case.material:
        return _foreign_checkpoint_key(case)
    head, other = case.unsigned_head(), case.material.base64("signing_key")
    case.require(not signed_by(head, case.log), "the log's key did not sign the recorded head")
    case.require(_signed_with(head, other), "the key named beside it did")
    return Result.OBSERVED


def _foreign_checkpoint_key(case: Case) -> Result:
    checkpoint = Checkpoint.parse(case.material.base64("checkpoint"))
    wanted = key_id(checkpoint.origin, RFC6962_SIGNATURE, case.log.key.key_id)
    names = [line.key_id for line in checkpoint.signatures if line.name == checkpoint.origin]
    case.require(names, "the recorded checkpoint has a signature under the log's name")
    case.require(wanted not in names, "none of them is of the log's key")
    return Result.OBSERVED


def _signed_with(head: SignedTreeHead, spki: bytes) -> bool:
    try:
        head.verify(PublicKey.from_spki(spki))
    except (InvalidSignature, MalformedInput):
        return False
    return True


def algorithm_wrong(case: Case) -> Result:
    """A signature that names another algorithm than the log's key allows (section 2.1.4)."""
    expected = case.log.codepoint if case.log.codepoint is not None else log_scheme(case.log.key).value
    code = DigitallySigned.parse(case.unsigned_head().signature).code
    case.require(code != expected, f"the head names algorithm {code:#06x}, the key calls for {expected:#06x}")
    return Result.OBSERVED


def stale(case: Case) -> Result:
    """The newest head that was given out was older than the merge delay (section 3.5)."""
    head, seen = case.head(), case.material.time("checked_at")
    age = seen - head.time
    case.require(
        age > case.log.mmd + CLOCK_TOLERANCE,
        f"at the time of recording it was {int(age.total_seconds())} s old, the merge delay is"
        f" {int(case.log.mmd.total_seconds())} s",
    )
    return Result.OBSERVED


def from_future(case: Case) -> Result:
    """A head dated after now: a proof for whoever examines it before that date, a record afterwards."""
    head, seen = case.head(), case.material.time("checked_at")
    case.require(head.time > seen + CLOCK_TOLERANCE, f"it was recorded at {seen:%Y-%m-%d %H:%M:%S} UTC")
    if head.time <= case.now + CLOCK_TOLERANCE:
        return Result.OBSERVED
    case.require(True, f"and this machine's clock says {case.now:%Y-%m-%d %H:%M:%S} UTC")
    return Result.PROVEN


def origin_wrong(case: Case) -> Result:
    """A checkpoint in another log's name at this log's address."""
    checkpoint = Checkpoint.parse(case.material.base64("checkpoint"))
    expected = case.material.text("origin")
    case.require(
        checkpoint.origin != expected,
        f"the recorded checkpoint is of {checkpoint.origin!r}, not {expected!r}",
    )
    return Result.OBSERVED


def _by_size(one: SignedTreeHead, other: SignedTreeHead) -> tuple[SignedTreeHead, SignedTreeHead]:
    return (one, other) if one.tree_size <= other.tree_size else (other, one)


def _consistent(smaller: SignedTreeHead, larger: SignedTreeHead, proof: tuple[bytes, ...]) -> bool:
    try:
        verify_consistency(smaller.tree_size, larger.tree_size, smaller.root_hash, larger.root_hash, proof)
    except InvalidProof:
        return False
    return True
