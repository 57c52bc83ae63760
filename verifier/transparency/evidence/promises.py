"""Broken promises: an SCT whose entry is not where and when the log said (RFC 6962 section 3)."""

from datetime import timedelta

from verifier.certificates import Certificate
from verifier.errors import InvalidSignature
from verifier.transparency.entries import Entry, TimestampedEntry, X509Entry, entry_for_certificate
from verifier.transparency.evidence.absence import absent
from verifier.transparency.evidence.case import Case, Result, moment, short
from verifier.transparency.merkle import MAX_SIZE
from verifier.transparency.sct import SignedCertificateTimestamp
from verifier.transparency.tree_head import SignedTreeHead
from verifier.transparency.verify import verify_sct


def not_merged(case: Case) -> Result:
    """A promise that fell due before a head which does not hold its entry."""
    sct, leaf = promise(case)
    head = case.head()
    _require_due(case, sct, head)
    return _absent(case, sct, leaf, head)


def merged_late(case: Case) -> Result:
    """An entry that is in the tree now and was not yet when it was due."""
    sct, leaf = promise(case)
    early, head = case.head("previous_tree_head"), case.head()
    _require_due(case, sct, early)
    index = _place(case, leaf, head)
    case.require(index >= early.tree_size, f"the head of {early.tree_size} entries did not reach it")
    if sct.leaf_index == index:
        return Result.PROVEN
    return absent(case, leaf, early)


def index_wrong(case: Case) -> Result:
    """An entry that is in the tree, but not where its SCT says (static-ct-api, SCT Extension)."""
    sct, leaf = promise(case)
    head = case.head()
    index = _place(case, leaf, head)
    case.require(sct.leaf_index is not None, f"the SCT names entry {sct.leaf_index}")
    case.require(sct.leaf_index != index, f"which is not {index}")
    return _absent(case, sct, leaf, head)


def promise(case: Case) -> tuple[SignedCertificateTimestamp, bytes]:
    """The SCT, which the log must have signed for this certificate, and the hash of the leaf it promises."""
    sct = SignedCertificateTimestamp.parse(case.material.base64("sct"))
    entry = _entry(case)
    name = Certificate.parse(case.material.base64("certificate")).display_name
    try:
        verify_sct(sct, entry, case.log.key, case.log.codepoint)
    except InvalidSignature as error:
        case.require(False, f"{case.log.name} signed an SCT for {name} ({error})")
    case.require(True, f"{case.log.name} signed an SCT for {name} at {sct.time:%Y-%m-%d %H:%M:%S} UTC")
    return sct, TimestampedEntry(sct.timestamp, entry, sct.extensions).leaf_hash()


def sct_invalid(case: Case) -> Result:
    """A certificate with an SCT in the log's name that the log did not sign: the issuer's offence."""
    sct = SignedCertificateTimestamp.parse(case.material.base64("sct"))
    certificate = Certificate.parse(case.material.base64("certificate"))
    issuer = Certificate.parse(case.material.base64("issuer"))
    certificate.verify_signed_by(issuer)
    case.require(True, f"{issuer.display_name} signed the certificate {certificate.display_name}")
    case.require(
        certificate.sct_list is not None and sct.encode() in certificate.sct_list, "the SCT stands in it"
    )
    case.require(sct.log_id == case.log.key.key_id, f"it names {case.log.name}")
    try:
        verify_sct(sct, entry_for_certificate(certificate, issuer), case.log.key, case.log.codepoint)
    except InvalidSignature as error:
        case.require(True, f"its signature does not verify: {error}")
        return Result.PROVEN
    case.require(False, "its signature does not verify")
    return Result.NOT_SHOWN


def _entry(case: Case) -> Entry:
    der = case.material.base64("certificate")
    if case.material.text("kind", optional=True) == "delivered":
        return X509Entry(der)
    return entry_for_certificate(Certificate.parse(der), Certificate.parse(case.material.base64("issuer")))


def _require_due(case: Case, sct: SignedCertificateTimestamp, head: SignedTreeHead) -> None:
    due = sct.time + case.log.mmd
    case.require(
        head.time > due,
        f"with the merge delay of {_seconds(case.log.mmd)} it was due at {due:%Y-%m-%d %H:%M:%S} UTC,"
        f" before the head ({moment(head)})",
    )


def _place(case: Case, leaf: bytes, head: SignedTreeHead) -> int:
    index = case.material.integer("leaf_index", maximum=MAX_SIZE)
    case.require_included(leaf, index, head, case.material.base64s("audit_path"), "What the SCT promises")
    return index


def _absent(case: Case, sct: SignedCertificateTimestamp, leaf: bytes, head: SignedTreeHead) -> Result:
    """The leaf must not be where it was promised: beyond the tree, another in its place, or nowhere."""
    index = sct.leaf_index
    if index is not None and index >= head.tree_size:
        case.require(True, f"the tree of {head.tree_size} entries has no entry {index}, which the SCT names")
        return Result.PROVEN
    if index is not None and "at_index" in case.material:
        other = case.material.member("at_index")
        there = other.base64("leaf_hash")
        case.require_included(there, index, head, other.base64s("audit_path"), f"Leaf {short(there)}")
        case.require(there != leaf, f"the SCT promised {short(leaf)} in that place")
        return Result.PROVEN
    return absent(case, leaf, head)


def _seconds(span: timedelta) -> str:
    return f"{int(span.total_seconds())} s"
