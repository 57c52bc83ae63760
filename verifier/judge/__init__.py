"""Evidence of a connection in, a verdict with its reasons out."""

from verifier.judge.evidence import Evidence, Handshake
from verifier.judge.judge import judge, judge_certificate
from verifier.judge.trust import Trust
from verifier.judge.verdict import Code, Finding, NoteCode, Outcome, ReliedSct, Verdict, unreachable

__all__ = [
    "Code", "Evidence", "Finding", "Handshake", "NoteCode", "Outcome", "ReliedSct", "Trust", "Verdict",
    "judge", "judge_certificate", "unreachable",
]  # fmt: skip
