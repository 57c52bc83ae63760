"""The connection itself: encrypted, not talked down, with the algorithms that the policy asks for."""

from typing import Final

from verifier.algorithms import KeyAlgorithm
from verifier.judge.algorithms import TLCP
from verifier.judge.case import Case, Check, Result, failed, listed, not_reached, note, passed
from verifier.judge.evidence import Handshake
from verifier.judge.verdict import Code, NoteCode
from verifier.policy import Cleartext, TrustMode

_SOUND_VERSIONS = frozenset({"TLSv1.2", "TLSv1.3", TLCP})
_BROKEN_SUITES: Final = ("NULL", "EXP", "RC4", "DES", "MD5", "ADH", "AECDH", "ANON")
"""Parts of suite names that mean no encryption, no authentication or a broken cipher (RFC 9325, 4)."""
_SM2_SIGNATURE = "sm2sig_sm3"
_ALGORITHM_WORDS = {
    "sm2": "the national algorithms throughout (SM2, SM3, SM4)",
    "tlcp": "the national protocol TLCP",
    "pq": "a key agreement that holds against quantum computers",
    "ecc": "elliptic curves",
    "rsa": "RSA",
}


def _cleartext(case: Case) -> Result:
    host, rules = case.evidence.host, case.rules
    if case.evidence.handshake is not Handshake.CLEARTEXT:
        return passed(f"Nothing is sent to {host} in the clear.", host)
    if rules.cleartext == Cleartext.ALLOW and rules.trust != TrustMode.PINNED:
        text = f"{host} is not encrypted: anybody on the way can read and change it; the policy allows that."
        return note(NoteCode.CLEARTEXT_ALLOWED, text, host, f"policy {rules.section}")
    text = f"{host} is not encrypted: anybody on the way could read and change what is sent."
    return failed(text, host, f"policy {rules.section}")


def _handshake(case: Case) -> Result:
    evidence = case.evidence
    if evidence.handshake is Handshake.FAILED:
        reason = evidence.failure.rstrip(".") or "no reason was given"
        return failed(
            f"No secure connection could be agreed on with {evidence.host}: {reason}.", evidence.host
        )
    if evidence.handshake is Handshake.CLEARTEXT:
        return not_reached("The connection is not encrypted.")
    agreed = " with ".join(part for part in (evidence.protocol, evidence.cipher) if part)
    return passed(f"A secure connection was agreed on: {agreed}.", evidence.host, agreed)


def _downgrade(case: Case) -> Result:
    evidence = case.evidence
    agreed = " with ".join(part for part in (evidence.protocol, evidence.cipher) if part)
    if (problem := _weakness(case)) is not None:
        return failed(f"The connection fell back to something unsafe: {problem}.", agreed, "TLS 1.2 or later")
    text = f"The connection was not talked down to an older or weaker form: it uses {agreed}."
    return passed(text, agreed, "TLS 1.2 or later, TLCP, sound ciphers")


def _weakness(case: Case) -> str | None:
    """What shows that somebody, or an old server, brought the connection down; None where nothing does."""
    evidence, leaf = case.evidence, case.leaf
    if evidence.protocol not in _SOUND_VERSIONS:
        return f"the protocol version {evidence.protocol or '(none)'}"
    if any(part in evidence.cipher.upper() for part in _BROKEN_SUITES):
        return f"the cipher {evidence.cipher}"
    if leaf is None or leaf.public_key.algorithm is not KeyAlgorithm.SM2 or evidence.protocol == TLCP:
        return None
    if evidence.protocol != "TLSv1.3":  # RFC 8998 defines SM2 for TLS 1.3 alone
        return f"an SM2 certificate in {evidence.protocol}, which has no SM2"
    if evidence.signature_scheme and evidence.signature_scheme.lower() != _SM2_SIGNATURE:
        return f"an SM2 certificate with a handshake signature of {evidence.signature_scheme}"
    return None


def _algorithm(case: Case) -> Result:
    """Runs for cleartext too: what is not encrypted has none of the algorithms that the policy asks for."""
    if case.leaf is None and case.evidence.handshake is Handshake.ESTABLISHED:
        return not_reached("The certificate could not be read.")
    wanted, found = sorted(case.rules.require), case.algorithms
    subject = " ".join(found) or "none of sm2, ecc, rsa, tlcp, pq"
    lacking = [_ALGORITHM_WORDS[name] for name in wanted if name not in found]
    if lacking:
        text = f"The policy asks for {listed(lacking)}; the connection does not use that."
        return failed(text, subject, " ".join(wanted))
    if not wanted:
        return passed("The policy asks for no particular algorithm.", subject, f"policy {case.rules.section}")
    words = listed([_ALGORITHM_WORDS[name] for name in wanted])
    return passed(f"The connection uses what the policy asks for: {words}.", subject, " ".join(wanted))


CHECKS: Final = (
    Check("encryption", "Encrypted", Code.CLEARTEXT, "RFC 9110 section 17", _cleartext, without_tls=True),
    Check(
        "handshake",
        "Secure connection",
        Code.HANDSHAKE_FAILED,
        "RFC 8446 section 4",
        _handshake,
        without_tls=True,
    ),
    Check("version", "Not weakened", Code.DOWNGRADE, "RFC 9325 section 3.1; RFC 8998", _downgrade),
    Check(
        "algorithms",
        "Required algorithms",
        Code.ALGORITHM_REQUIRED,
        "RFC 8998 section 2",
        _algorithm,
        without_tls=True,
    ),
)
