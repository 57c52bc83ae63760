"""A tree that too few witnesses have cosigned (C2SP tlog-cosignature), by the auditor's requirement."""

from verifier.errors import MalformedInput, VerifierError
from verifier.transparency.checkpoint import Checkpoint
from verifier.transparency.cosignature import Witness, verify_cosignature
from verifier.transparency.evidence.case import Case, Result
from verifier.transparency.merkle import MAX_SIZE
from verifier.transparency.strict_json import JsonObject

_MOST = 100


def too_few(case: Case) -> Result:
    """Fewer witnesses than required cosigned a tree that holds the entries that were owed."""
    required = case.material.integer("required", maximum=_MOST)
    owed = case.material.member("owed").integer("tree_size", maximum=MAX_SIZE)
    witnesses = list(case.material.objects("witnesses"))
    recorded = sum(_size(witness) >= owed for witness in witnesses)
    case.require(recorded < required, f"{recorded} of {required} witnesses are recorded for {owed} entries")
    published = _published(case, witnesses, owed)
    case.require(published < required, f"the log's checkpoint as recorded carries {published} of {required}")
    return Result.OBSERVED


def _size(witness: JsonObject) -> int:
    try:
        return witness.integer("tree_size", maximum=MAX_SIZE)
    except MalformedInput:  # null: it never cosigned
        return -1


def _published(case: Case, witnesses: list[JsonObject], owed: int) -> int:
    """How many cosignatures of the checkpoint verify, where it holds the entries that were owed."""
    text = case.material.text("checkpoint", optional=True)
    if not text:
        return 0
    checkpoint = Checkpoint.parse(text.encode())
    if checkpoint.size < owed:
        return 0
    return sum(_cosigned(checkpoint, Witness.parse(one.text("vkey"))) for one in witnesses)


def _cosigned(checkpoint: Checkpoint, witness: Witness) -> bool:
    try:
        verify_cosignature(checkpoint, witness)
    except VerifierError:
        return False
    return True
