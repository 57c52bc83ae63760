"""Revocation: nobody has taken the certificate back, and somebody who knows says so."""

from typing import Final

from verifier.certificates import Certificate, Path, RevocationState, RevocationStatus
from verifier.judge.case import Case, Check, Result, day, failed, listed, not_reached, note, passed
from verifier.judge.verdict import Code, NoteCode
from verifier.policy import Revocation

_NO_PATH = "No issuer could be verified whose answer would count."
_OFF = "The policy asks for no revocation check."
_OWN_ANCHOR = "A trusted root has no issuer who could revoke it."


def _revoked(case: Case) -> Result:
    if case.rules.revocation == Revocation.OFF:
        return note(NoteCode.REVOCATION_NOT_CHECKED, _OFF, "", f"policy {case.rules.section}")
    if not isinstance(case.path, Path):
        return not_reached(_NO_PATH)
    for certificate, status in case.revocation:
        if status.state is RevocationState.REVOKED:
            return failed(_revoked_words(certificate, status), certificate.display_name, status.source)
    if not case.revocation:
        return passed(_OWN_ANCHOR, case.path.leaf.display_name)
    leaf, status = case.revocation[0]
    if status.state is RevocationState.UNKNOWN:
        return not_reached("There is no usable answer, see the next check.")
    until = f", an answer good until {day(status.fresh_until)}" if status.fresh_until else ""
    text = f"The issuer says by {status.source} that the certificate has not been revoked{until}."
    return passed(text, leaf.display_name, f"{status.source} of {case.path.issuer.display_name}")


def _available(case: Case) -> Result:
    """A must-staple certificate (RFC 7633) asks for the hard rule itself, whatever "soft" says."""
    if case.rules.revocation == Revocation.OFF:
        return not_reached(_OFF)
    if not isinstance(case.path, Path):
        return not_reached(_NO_PATH)
    if not case.revocation:
        return passed(_OWN_ANCHOR, case.path.leaf.display_name)
    leaf, status = case.revocation[0]
    if status.state is not RevocationState.UNKNOWN:
        return passed(f"The issuer's answer was there and is signed: {status.source}.", leaf.display_name)
    problems = listed([*status.reasons, *case.evidence.revocation_errors]) or "none was given"
    text = f"Whether the certificate has been revoked could not be found out: {problems}."
    if case.rules.revocation == Revocation.HARD or leaf.must_staple:
        return failed(text, leaf.display_name, f"policy {case.rules.section}")
    return note(NoteCode.REVOCATION_NOT_CHECKED, text, leaf.display_name, f"policy {case.rules.section}")


def _revoked_words(certificate: Certificate, status: RevocationStatus) -> str:
    since = f" on {day(status.revoked_at)}" if status.revoked_at else ""
    reason = f" ({status.reason})" if status.reason else ""
    return f"The certificate of {certificate.display_name} was revoked by its issuer{since}{reason}."


CHECKS: Final = (
    Check("revocation", "Not revoked", Code.REVOKED, "RFC 6960 section 3.2; RFC 5280 section 6.3", _revoked),
    Check(
        "revocation-answer", "Revocation answer", Code.REVOCATION_UNAVAILABLE,
        "RFC 6960 section 4.2; RFC 7633", _available,
    ),
)  # fmt: skip
