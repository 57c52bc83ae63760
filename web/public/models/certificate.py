"""One certificate's page: what can be said of it in a sentence, its SCTs, its chains."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.values import CertificateDetail, CertificateSummary, RevocationState, SctState
from verifier.certificates import Certificate
from web.public.drawing import Chain, ChainLink
from web.public.models.extensions import extensions_shown, purposes
from web.public.models.rows import algorithm_words, revocation_facts, summary_facts
from web.public.state import Said, State, worst
from web.public.text import day, moment, plural

_SCTS = {"verified": State.TRUSTED, "invalid": State.REFUSED}
_COUNTS = {1: "One log holds", 2: "Two logs hold", 3: "Three logs hold"}
_CAPITAL = re.compile(r"(?<=[a-z])[A-Z](?=[a-z])")  # keyCompromise, as RFC 5280 section 5.3.1 writes reasons
_REASONS = {"": "no reason given", "unspecified": "no reason given"}


@dataclass(frozen=True, slots=True)
class Promise:
    """One SCT as shown: a log's signed promise, and whether it was kept."""

    sct: SctState
    said: Said
    kept: Said
    vouches: str


def promises(scts: Sequence[SctState], now: datetime) -> tuple[Promise, ...]:
    """Make the SCTs' views, in the certificate's order."""
    return tuple(Promise(sct, _sct_said(sct), _kept(sct, now), _vouches(sct)) for sct in scts)


def _sct_said(sct: SctState) -> Said:
    state = _SCTS.get(sct.state, State.UNKNOWN)
    if state is State.TRUSTED:
        return Said(state, "Its signature verifies with the log's key.")
    return Said(state, sct.detail or "It is of a log that is not followed here, so it cannot be checked.")


def _kept(sct: SctState, now: datetime) -> Said:
    if sct.entry is None:
        return Said(State.UNKNOWN, "No entry for it has been seen in the log yet.")
    place = f"entry {sct.entry.index:,}"
    if not sct.entry.included:
        return Said(State.UNKNOWN, f"It stands as {place}, above the last verified tree head.")
    waited = max((now - sct.timestamp).total_seconds(), 0)
    if waited and sct.leaf_index is not None and sct.leaf_index != sct.entry.index:
        return Said(State.REFUSED, f"The log promised entry {sct.leaf_index:,}, but it stands as {place}.")
    return Said(State.TRUSTED, f"Kept: it stands as {place}, within a verified tree.")


def _vouches(sct: SctState) -> str:
    if not sct.operator:
        return "operator not known"
    if sct.same_operator:
        return f"{sct.operator}, the same operator as the CA, so they count as one"
    return sct.operator


def certificate_said(detail: CertificateDetail, now: datetime) -> Said:
    """Say in one sentence what the public record shows of a certificate."""
    summary = detail.summary
    for said in (_time_said(summary, now), revocation_said(detail.revocation)):
        if said.state is State.REFUSED:
            return said
    states = tuple(_SCTS.get(sct.state, State.UNKNOWN) for sct in detail.scts)
    if State.REFUSED in states:
        return Said(State.REFUSED, "A promise in it does not verify: its signature is not the log's.")
    included = {entry.log for entry in detail.entries if entry.included}
    if not included:
        return Said(State.UNKNOWN, "It is not within a verified tree yet; the next audit will tell.")
    holds = _COUNTS.get(len(included), f"{len(included)} logs hold")
    revocation = revocation_said(detail.revocation)
    if revocation.state is State.UNKNOWN:
        return Said(
            State.UNKNOWN,
            f"{holds} it, but whether it is revoked is not known: {_small(revocation.sentence)}",
        )
    if worst(states) is State.UNKNOWN and states:
        return Said(State.UNKNOWN, f"{holds} it, but not every promise in it could be checked.")
    return Said(State.TRUSTED, f"{holds} it in public, it is within its time, and its CA has not revoked it.")


def _small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _time_said(summary: CertificateSummary, now: datetime) -> Said:
    if now > summary.not_after:
        return Said(State.REFUSED, f"Its time is over: it was valid until {day(summary.not_after)}.")
    if now < summary.not_before:
        return Said(State.REFUSED, f"Its time has not come: it is valid from {day(summary.not_before)}.")
    return Said(State.TRUSTED, "It is within its time.")


def revocation_said(revocation: RevocationState) -> Said:
    """Say whether a certificate is revoked, from its CA's own list."""
    if revocation.status == "revoked":
        when = f" on {moment(revocation.revoked_at)}" if revocation.revoked_at else ""
        reason = _REASONS.get(revocation.reason) or _CAPITAL.sub(_spaced, revocation.reason)
        return Said(State.REFUSED, f"Its CA revoked it{when}: {reason}.")
    if revocation.status == "good":
        return Said(State.TRUSTED, "Its CA's revocation list does not name it.")
    return Said(State.UNKNOWN, revocation.detail or "Its CA's revocation list has not been read yet.")


def _spaced(found: re.Match[str]) -> str:
    return f" {found[0].lower()}"


def chain_of(detail: CertificateDetail, links: dict[bytes, str], *, current: bool) -> Chain:
    """Return a certificate's chain for drawing; ``links`` gives addresses by SHA-256."""
    summary = detail.summary
    leaf = ChainLink(
        (summary.names or (summary.common_name or "certificate",))[0],
        f"until {day(summary.not_after)}",
        None if current else links.get(summary.sha256),
    )
    above = [
        ChainLink(
            certificate.display_name,
            f"{'root' if certificate.self_issued else 'issuing CA'} · until {day(certificate.not_after)}",
            links.get(certificate.fingerprint),
        )
        for certificate in detail.chain
    ]
    heading = algorithm_words(summary.algorithm, 0)
    return Chain(heading, (leaf, *above), "sm2" if summary.algorithm == "sm2" else "ecc", current)


def names_of(certificate: Certificate) -> tuple[str, ...]:
    """Return everything that the certificate names: DNS, IP and email; its common name if nothing else."""
    named = (*certificate.dns_names, *certificate.ip_addresses, *certificate.email_addresses)
    return named or ((certificate.common_name,) if certificate.common_name else ())


def certificate_facts(detail: CertificateDetail, now: datetime) -> dict[str, Any]:
    """Return everything that the page shows, for JSON."""
    said, certificate = certificate_said(detail, now), detail.certificate
    return {
        **{key: value for key, value in summary_facts(detail.summary).items() if key != "matched"},
        "state": said.state,
        "sentence": said.sentence,
        "key": certificate.public_key.spki,
        "key_sha256": certificate.public_key.key_id,
        "signature_algorithm": certificate.signature_oid,
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
        "extensions": [
            {
                "oid": shown.oid,
                "name": shown.name,
                "critical": shown.critical,
                "says": shown.lines,
                "value": shown.value,
            }
            for shown in extensions_shown(certificate)
        ],
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


def logs_words(count: int) -> str:
    """Return 'in 2 logs'."""
    return f"in {plural(count, 'log')}"
