"""Evidence that a log broke its promises: one JSON file, which anybody verifies without us and offline.

A file is the code of an offence, the accused log's key, and the material: heads as signed, proofs, SCTs,
chains, entries, or the answer as it was recorded. Only what the log itself signed proves anything to somebody
who does not trust the recorder; a file says which of the two it is, and the verifier finds out for itself.
"""

from verifier.transparency.evidence.case import Result, Step
from verifier.transparency.evidence.document import FORMAT, MAX_EVIDENCE_SIZE, AccusedLog, Evidence
from verifier.transparency.evidence.verify import Examination, claim_of, examine

__all__ = [
    "FORMAT",
    "MAX_EVIDENCE_SIZE",
    "AccusedLog",
    "Evidence",
    "Examination",
    "Result",
    "Step",
    "claim_of",
    "examine",
]
