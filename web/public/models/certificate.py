"""One certificate's page: what can be said of it in a sentence, its SCTs, its chains."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.values import CertificateDetail, CertificateSummary, RevocationState, SctState
from verifier.certificates import Certificate
from verifier.errors import MalformedInput
from verifier.transparency.sct import parse_sct_list
from web.public.drawing import Chain, ChainLink
from web.public.language import Text, quoted, say
from web.public.models.extensions import ExtensionShown, extension_facts, purposes
from web.public.models.rows import algorithm_words, revocation_facts, summary_facts
from web.public.state import Said, State, worst
from web.public.text import day, moment

_SCTS = {"verified": State.TRUSTED, "invalid": State.REFUSED}
_CAPITAL = re.compile(r"(?<=[a-z])[A-Z](?=[a-z])")  # keyCompromise, as RFC 5280 section 5.3.1 writes reasons
_NO_REASON = frozenset({"", "unspecified"})


@dataclass(frozen=True, slots=True)
class Promise:
    """One SCT as shown: a log's signed promise, and whether it was kept."""

    sct: SctState
    said: Said
    kept: Said
    vouches: Text


def promises(scts: Sequence[SctState], now: datetime, *, ours: bool = False) -> tuple[Promise, ...]:
    """Make the SCTs' views, in the certificate's order; ``ours``: the site's operator runs its CA too."""
    return tuple(Promise(sct, _sct_said(sct), _kept(sct, now), _vouches(sct, ours=ours)) for sct in scts)


def _sct_said(sct: SctState) -> Said:
    state = _SCTS.get(sct.state, State.UNKNOWN)
    if state is State.TRUSTED:
        return Said(state, say("Its signature verifies with the log's key."))
    unknown = say("It is of a log that is not followed here, so it cannot be checked.")
    return Said(state, quoted(sct.detail) if sct.detail else unknown)


def _kept(sct: SctState, now: datetime) -> Said:
    if sct.entry is None:
        return Said(State.UNKNOWN, say("No entry for it has been seen in the log yet."))
    place = f"{sct.entry.index:,}"
    if not sct.entry.included:
        above = say("It stands as entry {place}, above the last verified tree head.", place=place)
        return Said(State.UNKNOWN, above)
    waited = max((now - sct.timestamp).total_seconds(), 0)
    if waited and sct.leaf_index is not None and sct.leaf_index != sct.entry.index:
        broken = "The log promised entry {promised}, but it stands as entry {place}."
        return Said(State.REFUSED, say(broken, promised=f"{sct.leaf_index:,}", place=place))
    return Said(State.TRUSTED, say("Kept: it stands as entry {place}, within a verified tree.", place=place))


def _vouches(sct: SctState, *, ours: bool) -> Text:
    if not sct.operator:
        return say("operator not known")
    if sct.same_operator and ours:
        return say("{operator}, who runs the issuing CA too", operator=sct.operator)
    return Text(sct.operator, sct.operator)


def certificate_said(detail: CertificateDetail, now: datetime) -> Said:
    """Say in one sentence what the public record shows of a certificate."""
    summary = detail.summary
    for said in (_time_said(summary, now), revocation_said(detail.revocation)):
        if said.state is State.REFUSED:
            return said
    states = tuple(_SCTS.get(sct.state, State.UNKNOWN) for sct in detail.scts)
    if broken := _broken_promise(detail, states):
        return Said(State.REFUSED, broken)
    included = {entry.log for entry in detail.entries if entry.included}
    if not included:
        return Said(State.UNKNOWN, say("It is not within a verified tree yet; the next audit will tell."))
    holds = _held(len(included))
    revocation = revocation_said(detail.revocation)
    if revocation.state is State.UNKNOWN:
        unclear = "{holds} it, but whether it is revoked is not known: {reason}"
        return Said(State.UNKNOWN, say(unclear, holds=holds, reason=_small(revocation.sentence)))
    if worst(states) is State.UNKNOWN and states:
        unchecked = say("{holds} it, but not every promise in it could be checked.", holds=holds)
        return Said(State.UNKNOWN, unchecked)
    good = "{holds} it in public, it is within its time, and its CA has not revoked it."
    return Said(State.TRUSTED, say(good, holds=holds))


def _broken_promise(detail: CertificateDetail, states: tuple[State, ...]) -> Text | None:
    if damaged_sct_list(detail.certificate):
        return say("Its list of the logs' promises is damaged and cannot be read.")
    if State.REFUSED in states:
        return say("A promise in it does not verify: its signature is not the log's.")
    return None


def _held(logs: int) -> Text:
    known = {1: say("One log holds"), 2: say("Two logs hold"), 3: say("Three logs hold")}
    return known.get(logs) or say("{count} logs hold", count=logs)


def _small(sentence: Text) -> Text:
    """Let a sentence go on inside another; an abbreviation keeps its capitals."""
    return sentence.change(lambda one: one if one[1:2].isupper() else one[:1].lower() + one[1:])


def _time_said(summary: CertificateSummary, now: datetime) -> Said:
    if now > summary.not_after:
        return Said(
            State.REFUSED, say("Its time is over: it was valid until {day}.", day=day(summary.not_after))
        )
    if now < summary.not_before:
        early = say("Its time has not come: it is valid from {day}.", day=day(summary.not_before))
        return Said(State.REFUSED, early)
    return Said(State.TRUSTED, say("It is within its time."))


def revocation_said(revocation: RevocationState) -> Said:
    """Say whether a certificate is revoked, from its CA's own list."""
    if revocation.status == "revoked":
        reason = _reason(revocation.reason)
        if not revocation.revoked_at:
            return Said(State.REFUSED, say("Its CA revoked it: {reason}.", reason=reason))
        when = moment(revocation.revoked_at)
        return Said(State.REFUSED, say("Its CA revoked it on {when}: {reason}.", when=when, reason=reason))
    if revocation.status == "good":
        return Said(State.TRUSTED, say("Its CA's revocation list does not name it."))
    unread = say("Its CA's revocation list has not been read yet.")
    return Said(State.UNKNOWN, quoted(revocation.detail) if revocation.detail else unread)


def _reason(reason: str) -> Text:
    if reason in _NO_REASON:
        return say("no reason given")
    return say(_CAPITAL.sub(_spaced, reason))


def _spaced(found: re.Match[str]) -> str:
    return f" {found[0].lower()}"


def chain_of(detail: CertificateDetail, links: dict[bytes, str], *, current: bool) -> Chain:
    """Return a certificate's chain for drawing; ``links`` gives addresses by SHA-256."""
    summary = detail.summary
    leaf = ChainLink(
        (summary.names or (summary.common_name or say("certificate"),))[0],
        say("until {day}", day=day(summary.not_after)),
        None if current else links.get(summary.sha256),
    )
    above = [
        ChainLink(
            certificate.display_name,
            say("{role} · until {day}", role=role_of(certificate), day=day(certificate.not_after)),
            links.get(certificate.fingerprint),
        )
        for certificate in detail.chain
    ]
    heading = algorithm_words(summary.algorithm, 0)
    return Chain(heading, (leaf, *above), "sm2" if summary.algorithm == "sm2" else "ecc", current)


def role_of(certificate: Certificate) -> Text:
    """Return what a CA is: a root or an issuing CA."""
    return say("root") if certificate.self_issued else say("issuing CA")


def names_of(certificate: Certificate) -> tuple[str, ...]:
    """Return everything that the certificate names: DNS, IP and email; its common name if nothing else."""
    named = (*certificate.dns_names, *certificate.ip_addresses, *certificate.email_addresses)
    return named or ((certificate.common_name,) if certificate.common_name else ())


def damaged_sct_list(certificate: Certificate) -> bool:
    """Tell whether there is a list of promises that nobody can read (RFC 6962 section 3.3)."""
    if certificate.sct_list is None:
        return False
    try:
        parse_sct_list(certificate.sct_list)
    except MalformedInput:
        return True
    return False


def certificate_facts(
    detail: CertificateDetail, extensions: Sequence[ExtensionShown], now: datetime
) -> dict[str, Any]:
    """Return everything that the page shows, for JSON."""
    said, certificate = certificate_said(detail, now), detail.certificate
    return {
        **{key: value for key, value in summary_facts(detail.summary).items() if key != "matched"},
        "state": said.state,
        "sentence": said.sentence,
        "key": certificate.public_key.spki,
        "key_sha256": certificate.public_key.key_id,
        "signature_algorithm": certificate.signature_oid,
        "signature": certificate.signature,
        "sct_list_readable": not damaged_sct_list(certificate),
        "usages": purposes(certificate),
        "scts": [_sct_facts(promise) for promise in promises(detail.scts, now)],
        "entries": [_entry_facts(entry) for entry in detail.entries],
        "revocation": revocation_facts(detail.revocation),
        "pair": summary_facts(detail.pair) if detail.pair else None,
        "chain": [
            {
                "sha256": above.fingerprint,
                "subject": above.subject,
                "not_after": above.not_after,
                "pem": above.pem,
            }
            for above in detail.chain
        ],
        "encodings": [
            {"sha256": encoding.sha256, "precertificate": encoding.precertificate}
            for encoding in detail.encodings
        ],
        "extensions": [extension_facts(shown) for shown in extensions],
        "pem": certificate.pem,
    }


def _sct_facts(promise: Promise) -> dict[str, Any]:
    sct = promise.sct
    return {
        "state": promise.said.state,
        "sentence": promise.said.sentence,
        "kept": promise.kept.state,
        "kept_sentence": promise.kept.sentence,
        "log": sct.log,
        "log_id": sct.log_id,
        "operator": sct.operator,
        "same_operator": sct.same_operator,
        "timestamp": sct.timestamp,
        "leaf_index": sct.leaf_index,
        "algorithm": sct.algorithm,
    }


def _entry_facts(entry: Any) -> dict[str, Any]:
    return {
        "log": entry.log,
        "operator": entry.operator,
        "same_operator": entry.same_operator,
        "index": entry.index,
        "timestamp": entry.timestamp,
        "leaf_hash": entry.leaf_hash,
        "precertificate": entry.precertificate,
        "included": entry.included,
    }
