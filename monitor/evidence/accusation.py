"""A finding as an accusation: the evidence file made of it, and what its verifier says of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from monitor.values import AuditFinding, WatchedLog
from verifier.transparency.evidence import AccusedLog, Evidence, Result, claim_of, examine

PROOF: Final = "proof"
STANDINGS: Final = {Result.NOT_SHOWN: "incomplete", Result.OBSERVED: "observation", Result.PROVEN: PROOF}
"""The weakest first."""


def accusation(log: WatchedLog, finding: AuditFinding, at: datetime) -> Evidence:
    """Return the evidence of a finding made at ``at``, with the standing that its verifier gives it now."""
    accused = AccusedLog(
        name=log.name,
        key=log.key,
        operator=log.operator,
        description=log.description,
        origin=log.origin,
        mmd=log.mmd,
        codepoint=log.codepoint,
    )
    code, claim = finding.code.value, claim_of(finding.code.value).format(log=log.name)
    evidence = Evidence(code, accused, at, finding.detail, finding.reference, finding.evidence, claim)
    return replace(evidence, standing=STANDINGS[examine(evidence, datetime.now(UTC)).result])


def standing_of(log: WatchedLog) -> Callable[[AuditFinding], str]:
    """Return what tells how much a finding of this log shows: one of the words of ``STANDINGS``."""
    return lambda finding: accusation(log, finding, datetime.now(UTC)).standing
