"""The SCTs of a certificate, verified with the keys of the logs that are followed (RFC 6962 section 3.2)."""

from collections.abc import Sequence

from monitor.store.logs import LogRow
from monitor.values import LoggedEntry, SctState
from verifier.certificates import Certificate
from verifier.errors import MalformedInput, VerifierError
from verifier.transparency.entries import Entry, entry_for_certificate
from verifier.transparency.sct import SignedCertificateTimestamp, parse_sct_list
from verifier.transparency.verify import verify_sct


def states(
    certificate: Certificate,
    chain: Sequence[Certificate],
    logs: Sequence[LogRow],
    entries: Sequence[LoggedEntry],
    operator: str,
) -> tuple[SctState, ...]:
    """Return the state of each embedded SCT; none when there is no list or it cannot be read."""
    if certificate.sct_list is None:
        return ()
    try:
        scts = parse_sct_list(certificate.sct_list)
    except MalformedInput:
        return ()
    by_id = {row.log.log_id: row for row in logs}
    entry = entry_for_certificate(certificate, chain[0]) if chain else None
    return tuple(_state(sct, entry, by_id.get(sct.log_id), entries, operator) for sct in scts)


def _state(
    sct: SignedCertificateTimestamp,
    entry: Entry | None,
    row: LogRow | None,
    entries: Sequence[LoggedEntry],
    operator: str,
) -> SctState:
    state, detail = _verified(sct, entry, row)
    name = row.log.name if row else None
    here = (one for one in entries if one.log == name and one.precertificate and one.timestamp == sct.time)
    return SctState(
        log=name,
        log_id=sct.log_id,
        operator=row.log.operator if row else "",
        same_operator=row is not None and row.log.operator == operator,
        timestamp=sct.time,
        leaf_index=sct.leaf_index,
        algorithm=sct.scheme.name.lower() if sct.scheme else f"0x{sct.algorithm:04x}",
        state=state,
        detail=detail,
        entry=next(here, None),
    )


def _verified(sct: SignedCertificateTimestamp, entry: Entry | None, row: LogRow | None) -> tuple[str, str]:
    if row is None:
        return "unknown-log", "No log with this key is followed here."
    if entry is None:
        return "unknown-log", "The issuer's certificate is not known, and the signature covers its key."
    try:
        verify_sct(sct, entry, row.log.key, row.log.codepoint)
    except VerifierError as error:
        return "invalid", f"The signature does not verify: {error}."
    return "verified", f"Signed with the key of {row.log.name}."
