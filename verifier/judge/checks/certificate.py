"""The certificate: a path to a trusted root, in force, for this name, strong enough, of a pinned issuer."""

from collections.abc import Sequence
from typing import Final

from verifier.certificates import Certificate, NameMismatch, Path, match_name, weaknesses
from verifier.judge.case import Case, Check, Result, count, day, failed, listed, not_reached, passed
from verifier.judge.verdict import Code
from verifier.policy import TrustMode

_UNREADABLE = "The certificate could not be read."
_NO_PATH = "No issuer could be verified, see the path."


def _path(case: Case) -> Result:
    path = case.path
    roots = count(len(case.anchors), "trusted root")
    if not case.anchors:
        return failed("There is no trusted root at all to check against.", "", roots, Code.CHECK_FAILED)
    if not isinstance(path, Path):
        subject = case.leaf.display_name if case.leaf else case.evidence.host
        return failed(f"The certificate does not lead to a trusted root: {path}.", subject, roots)
    names = " ← ".join(certificate.display_name for certificate in path.certificates)
    text = f"The certificate leads, signature by signature, to the trusted root {path.anchor.display_name}."
    return passed(text, names, roots)


def _not_yet_valid(case: Case) -> Result:
    certificates = _in_question(case)
    if not certificates:
        return not_reached(_UNREADABLE)
    early = [c for c in certificates if case.now < c.not_before]
    if early:
        text = f"The certificate of {early[0].display_name} is valid only from {day(early[0].not_before)}."
        return failed(text, early[0].display_name, day(case.now))
    latest = max(certificates, key=lambda c: c.not_before)
    text = f"Every certificate is in force already, the newest since {day(latest.not_before)}."
    return passed(text, latest.display_name, day(case.now))


def _expired(case: Case) -> Result:
    certificates = _in_question(case)
    if not certificates:
        return not_reached(_UNREADABLE)
    over = [c for c in certificates if case.now > c.not_after]
    if over:
        text = f"The certificate of {over[0].display_name} expired on {day(over[0].not_after)}."
        return failed(text, over[0].display_name, day(case.now))
    first = min(certificates, key=lambda c: c.not_after)
    text = f"No certificate has expired; the first will on {day(first.not_after)}."
    return passed(text, first.display_name, day(case.now))


def _name(case: Case) -> Result:
    leaf, host = case.leaf, case.evidence.host
    if leaf is None:
        return not_reached(_UNREADABLE)
    try:
        presented = match_name(leaf, host)
    except NameMismatch as error:
        return failed(f"The certificate is for somebody else: {error}.", leaf.display_name, host)
    return passed(f"The certificate is for this very site: it names {presented}.", presented, host)


def _strength(case: Case) -> Result:
    certificates = _in_question(case)
    if not certificates:
        return not_reached(_UNREADABLE)
    found = weaknesses(Path(tuple(certificates)))
    limits = "RSA 2048 bits, curves 256 bits, no SHA-1 or MD5"
    if found:
        return failed(f"A key or signature is too weak: {listed(list(found))}.", found[0], limits)
    keys = listed([_key_words(certificate) for certificate in certificates])
    return passed(f"Every key and signature is strong enough: {keys}.", keys, limits)


def _pinned(case: Case) -> Result:
    if case.rules.trust != TrustMode.PINNED:
        text = "The policy leaves open who may vouch for this site."
        return passed(text, "", f"policy {case.rules.section}")
    if not isinstance(case.path, Path):
        return not_reached(_NO_PATH)
    issuer = case.path.issuer
    pins = count(len(case.rules.issuers), "pinned issuer")
    if len(case.path.certificates) == 1 or issuer.public_key.key_id not in case.rules.issuers:
        text = f"{issuer.display_name} issued the certificate; the policy trusts other issuers for this site."
        return failed(text, issuer.public_key.pin, pins)
    text = f"The certificate comes from {issuer.display_name}, whom the policy names for this site."
    return passed(text, issuer.public_key.pin, pins)


def _in_question(case: Case) -> Sequence[Certificate]:
    """The path; without one, only the leaf: what else was sent need not belong to it."""
    if isinstance(case.path, Path):
        return case.path.certificates
    return (case.leaf,) if case.leaf else ()


def _key_words(certificate: Certificate) -> str:
    key = certificate.public_key
    return f"{key.curve or key.algorithm.upper()} {key.bits}" if key.curve is None else f"{key.curve}"


CHECKS: Final = (
    Check("path", "Path to a trusted root", Code.PATH_INVALID, "RFC 5280 section 6.1", _path),
    Check("start", "In force", Code.NOT_YET_VALID, "RFC 5280 section 4.1.2.5", _not_yet_valid),
    Check("end", "Not expired", Code.EXPIRED, "RFC 5280 section 4.1.2.5", _expired),
    Check("name", "Right name", Code.NAME_MISMATCH, "RFC 9525 section 6", _name),
    Check("strength", "Strong keys", Code.KEY_TOO_WEAK, "CA/Browser Forum BR section 6.1.5", _strength),
    Check("issuer", "Pinned issuer", Code.ISSUER_NOT_PINNED, "policy.toml, issuers", _pinned),
)
