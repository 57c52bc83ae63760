"""The judgement: every check once, in order, and trust only where none of them failed."""

from collections.abc import Sequence
from datetime import datetime

from verifier.errors import VerifierError
from verifier.judge.case import Case, Check, not_reached
from verifier.judge.checks import CERTIFICATE_CHECKS, CHECKS
from verifier.judge.evidence import Evidence, Handshake
from verifier.judge.trust import Trust
from verifier.judge.verdict import Code, Finding, Outcome, Verdict
from verifier.policy import Policy

_UNENCRYPTED = "The connection is not encrypted, so there is nothing to check."
_ENDED = "The connection had ended before this could be checked."


def judge(evidence: Evidence, policy: Policy, trust: Trust, now: datetime) -> Verdict:
    """The verdict on one connection: a finding for each check, in the contract's order.

    1. Cleartext and a failed handshake end it: the later checks are reported as not reached.
    2. The connection: version, signs of a downgrade, algorithms that the policy requires (RFC 9325).
    3. The certificate: path (RFC 5280 section 6), times, name (RFC 9525), strength, pinned issuer.
    4. Revocation (RFC 6960, RFC 5280 section 6.3).
    5. Transparency: SCTs, their logs and operators, what audits found (RFC 6962 sections 3 and 5).
    6. The age of the trust bundle.

    A check that raises is a refusal, ``check-failed``. ``now`` is an aware datetime. The caller must let no
    byte pass without a trusted verdict on the very connection, and later ask for the inclusion of
    ``Verdict.relied_scts`` once they are due.
    """
    return _judge(CHECKS, Case(evidence, policy.rules_for(evidence.host), trust, now))


def judge_certificate(evidence: Evidence, policy: Policy, trust: Trust, now: datetime) -> Verdict:
    """The verdict on a certificate that was not met on a connection: the checks from its path on.

    ``evidence`` has its chain, revocation answers and SCTs as on a connection; protocol, cipher and group are
    not looked at. For showing to people: it lets nothing pass.
    """
    return _judge(CERTIFICATE_CHECKS, Case(evidence, policy.rules_for(evidence.host), trust, now))


def _judge(checks: Sequence[Check], case: Case) -> Verdict:
    findings: list[Finding] = []
    for check in checks:
        findings.append(_finding(check, case, findings))
    trusted = all(finding.outcome is not Outcome.FAILED for finding in findings)
    return Verdict(
        trusted=trusted,
        host=case.evidence.host,
        judged_at=case.now,
        findings=tuple(findings),
        algorithms=case.algorithms,
        relied_scts=tuple(sct.relied() for sct in case.reliable_scts) if trusted else (),
        rule=case.rules.section,
    )


def _finding(check: Check, case: Case, before: list[Finding]) -> Finding:
    if any(f.outcome is Outcome.FAILED and f.code in {Code.CLEARTEXT, Code.HANDSHAKE_FAILED} for f in before):
        return check.finding(not_reached(_ENDED))
    if case.evidence.handshake is not Handshake.ESTABLISHED and not check.without_tls:
        return check.finding(not_reached(_UNENCRYPTED))
    try:
        return check.finding(check.run(case))
    except Exception as error:  # noqa: BLE001 -- whatever went wrong, the check did not pass
        return _could_not_run(check, error)


def _could_not_run(check: Check, error: Exception) -> Finding:
    """Fail closed. Our own errors say in words what was wrong; of others only the kind is shown."""
    reason = str(error) if isinstance(error, VerifierError) else type(error).__name__
    return Finding(
        check=check.name,
        title=check.title,
        outcome=Outcome.FAILED,
        detail=f"This check could not be carried out ({reason}), and what is not checked is not trusted.",
        code=Code.CHECK_FAILED,
        reference=check.reference,
    )
