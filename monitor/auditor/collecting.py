"""The SCTs of one log in every final certificate that any followed log holds (RFC 6962 section 5.3).

Each log goes through the certificates by itself, from where it stopped: a log that is new here, or was away,
finds all that others hold of it, and none waits for another. What stands in its place already is settled at
once; the others are kept until they are due.
"""

from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from typing import Final

from monitor.auditor.finals import Finals, Seen
from monitor.auditor.running import RunningAudit
from monitor.observations.values import Promise
from monitor.store.logs import LogRow
from monitor.values import AuditCode, Head
from verifier.certificates import Certificate
from verifier.certificates.tbs import split_tbs
from verifier.errors import VerifierError
from verifier.transparency.entries import PrecertEntry, TimestampedEntry
from verifier.transparency.sct import SignedCertificateTimestamp, split_sct_list

AT_ONCE: Final = 1000  # certificates between two looks at the clock
REFERENCE: Final = "RFC 6962 section 5.3"
_ISSUERS = 256


def collect(audit: RunningAudit, finals: Finals, head: Head) -> bool:
    """Go through the certificates that are new to this log, at least some; tell whether that was all."""
    at, end = audit.observations.collected(audit.row.id), finals.last()
    while at < end:
        seen = finals.after(at, AT_ONCE)
        upto = seen[-1].row if len(seen) == AT_ONCE else max(end, seen[-1].row if seen else 0)
        _settle(audit, finals, head, seen, (at, upto))
        at = upto
        audit.tell(f"SCTs checked in {min(at, end):,} of {end:,} certificates")
        if audit.over():
            break
    if at >= end:
        return True
    detail = f"The SCTs in {at} of {end} certificates have been checked; the next audit goes on."
    audit.note(AuditCode.SCTS_TO_CHECK, detail, REFERENCE)
    return False


def _settle(audit: RunningAudit, finals: Finals, head: Head, seen: list[Seen], span: tuple[int, int]) -> None:
    mmd = audit.log.mmd_ms
    promises = [promise for one in seen for promise in promises_of(one, audit.row)]
    later = [promise for promise in promises if not finals.kept(promise, head.tree_size, mmd)]
    audit.observations.collect(audit.row.id, span, later, len(promises) - len(later), mmd)


def promises_of(seen: Seen, log: LogRow) -> Iterator[Promise]:
    """The SCTs in the name of ``log`` in a final certificate, not verified; none where it cannot be told."""
    if log.log.log_id not in seen.der:
        return
    try:
        tbs = split_tbs(seen.der)
        encoded = split_sct_list(tbs.sct_list) if tbs.sct_list else ()
        entry = PrecertEntry(_key_hash(seen.issuer), tbs.without_transparency)
    except VerifierError:
        return
    for data in encoded:
        try:
            sct = SignedCertificateTimestamp.parse(data)
        except VerifierError:  # of another version
            continue
        if sct.log_id == log.log.log_id:
            leaf = TimestampedEntry(sct.timestamp, entry, sct.extensions).leaf_hash()
            yield Promise(log.id, leaf, sct, seen.der, seen.issuer, "embedded", "a log")


@lru_cache(_ISSUERS)
def _key_hash(issuer: bytes) -> bytes:
    return sha256(Certificate.parse(issuer).public_key.spki).digest()
