"""Every SCT that was seen, in certificates of any followed log or reported by clients: was the promise kept?

A certificate that a log holds in its final form carries SCTs of several logs. What stands in its place
already is settled at once; the others are kept until they are due and the tree at a later head was read.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from threading import Lock
from typing import Any

from monitor.auditor.finals import Finals, Seen
from monitor.auditor.heads import head_json
from monitor.auditor.running import RunningAudit
from monitor.observations.values import Promise
from monitor.store.logs import LogRow
from monitor.values import AuditCode, Head
from verifier.certificates import Certificate
from verifier.errors import VerifierError
from verifier.transparency.entries import Entry, TimestampedEntry, X509Entry, entry_for_certificate
from verifier.transparency.merkle import inclusion_proof_from
from verifier.transparency.sct import SignedCertificateTimestamp, split_sct_list
from verifier.transparency.strict_json import encode_base64
from verifier.transparency.verify import verify_sct

AT_ONCE = 2000  # certificates an audit
DUE_AT_ONCE = 1000
LEAVES_IN_EVIDENCE = 1 << 16
PROMISED = "RFC 6962 section 3"
INDEXED = "static-ct-api, SCT Extension"
_collecting = Lock()


def check_promises(audit: RunningAudit, finals: Finals) -> None:
    """Collect the SCTs in new final certificates, then judge those of this log that are due."""
    with _collecting:
        _collect(audit, finals)
    head = audit.logs.last_rebuilt(audit.row.id)
    if head is not None:
        _Judge(audit, finals, head).run()


def _collect(audit: RunningAudit, finals: Finals) -> None:
    followed = {row.log.log_id: row for row in audit.logs.all()}
    start = end = audit.observations.cursor("finals")
    promises: list[Promise] = []
    for seen in finals.after(start, AT_ONCE):
        end = seen.row
        promises += promises_of(seen, followed)
    if end != start:
        mmd = {row.id: _ms(row.log.mmd) for row in followed.values()}
        audit.observations.add_promises((p for p in promises if not finals.in_place(p)), mmd)
        audit.observations.move("finals", end)


def promises_of(seen: Seen, followed: Mapping[bytes, LogRow]) -> Iterator[Promise]:
    """The SCTs of followed logs in a final certificate, as promises; none where it cannot be told."""
    try:
        certificate = Certificate.parse(seen.der)
        encoded = split_sct_list(certificate.sct_list) if certificate.sct_list else ()
        entry = entry_for_certificate(certificate, Certificate.parse(seen.issuer)) if encoded else None
    except VerifierError:
        return
    for data in encoded:
        try:
            sct = SignedCertificateTimestamp.parse(data)
        except VerifierError:  # of another version
            continue
        row = followed.get(sct.log_id)
        if row is not None and entry is not None:
            leaf = TimestampedEntry(sct.timestamp, entry, sct.extensions).leaf_hash()
            yield Promise(row.id, leaf, sct, seen.der, seen.issuer, "embedded", "a log")


def promised_entry(promise: Promise) -> Entry:
    """The entry that an SCT is about; raises the verifier's errors."""
    if promise.kind == "delivered":
        return X509Entry(promise.certificate)
    return entry_for_certificate(Certificate.parse(promise.certificate), Certificate.parse(promise.issuer))


class _Judge:
    """Judges the promises of one log at its last rebuilt head."""

    def __init__(self, audit: RunningAudit, finals: Finals, head: Head) -> None:
        self._audit = audit
        self._finals = finals
        self._head = head

    def run(self) -> None:
        due = self._audit.observations.due(self._audit.row.id, self._head.timestamp_ms, DUE_AT_ONCE)
        kept: list[bytes] = []
        broken: list[bytes] = []
        for promise in due:
            (kept if self._kept(promise) else broken).append(promise.leaf_hash)
        if due:
            self._audit.observations.settle_promises(self._audit.row.id, kept, broken)
        if kept:
            detail = f"{len(kept)} promises that fell due were kept: the entries are in the tree."
            self._audit.passed(AuditCode.SCTS_KEPT, detail, PROMISED)

    def _kept(self, promise: Promise) -> bool:
        index = self._finals.position(promise, self._head.tree_size)
        early = (
            self._finals.head_without(promise, index, _ms(self._audit.log.mmd)) if index is not None else None
        )
        if index is not None and promise.sct.leaf_index in {None, index} and early is None:
            return True
        if not self._genuine(promise):
            return False
        if index is None:
            self._not_merged(promise)
        elif promise.sct.leaf_index not in {None, index}:
            self._index_wrong(promise, index)
        elif early is not None:
            self._late(promise, index, early)
        return False

    def _genuine(self, promise: Promise) -> bool:
        """Whether the log signed this SCT; where it did not, the certificate's issuer is to be asked."""
        try:
            log = self._audit.log
            verify_sct(promise.sct, promised_entry(promise), log.key, log.codepoint)
        except VerifierError as error:
            self._forged(promise, str(error))
            return False
        return True

    def _forged(self, promise: Promise, error: str) -> None:
        announced = self._finals.announced(promise)
        if announced is not None:
            detail = (
                "A certificate is not the one that its issuer announced in the log: same issuer and serial"
                " number, other contents."
            )
            evidence = {**self._shown(promise), "precertificate": encode_base64(announced)}
            self._audit.note(AuditCode.FINAL_CERTIFICATE_DIFFERS, detail, "RFC 6962 section 3.1", evidence)
            return
        detail = f"A certificate carries an SCT in the log's name that the log did not sign: {error}."
        reference = "RFC 6962 section 3.2"
        self._audit.note(AuditCode.SCT_SIGNATURE_INVALID, detail, reference, self._shown(promise))

    def _not_merged(self, promise: Promise) -> None:
        detail = (
            f"The log promised an entry at {promise.sct.time:%Y-%m-%d %H:%M:%S} UTC; the tree of"
            f" {self._head.tree_size} entries signed at {self._head.timestamp:%Y-%m-%d %H:%M:%S} UTC, after"
            " the merge delay, does not hold it."
        )
        evidence = {**self._shown(promise), **self._absence(promise, self._head)}
        self._audit.failed(AuditCode.SCT_NOT_MERGED, detail, PROMISED, evidence)

    def _index_wrong(self, promise: Promise, index: int) -> None:
        detail = f"The SCT promised entry {promise.sct.leaf_index}; the certificate is entry {index}."
        evidence = {
            **self._shown(promise),
            **self._absence(promise, self._head),
            **self._place(index),
        }
        self._audit.failed(AuditCode.SCT_INDEX_WRONG, detail, INDEXED, evidence)

    def _late(self, promise: Promise, index: int, early: Head) -> None:
        due = promise.sct.time + self._audit.log.mmd
        detail = (
            f"Entry {index} was due at {due:%Y-%m-%d %H:%M:%S} UTC; the head of {early.tree_size} entries"
            f" signed at {early.timestamp:%Y-%m-%d %H:%M:%S} UTC did not hold it yet."
        )
        evidence = {
            **self._shown(promise),
            **self._absence(promise, early),
            **self._place(index),
            "tree_head": head_json(self._head),
            "previous_tree_head": head_json(early),
        }
        self._audit.failed(AuditCode.SCT_MERGED_LATE, detail, PROMISED, evidence)

    # evidence

    def _shown(self, promise: Promise) -> dict[str, Any]:
        return {
            "tree_head": head_json(self._head),
            "sct": encode_base64(promise.sct.encode()),
            "certificate": encode_base64(promise.certificate),
            "issuer": encode_base64(promise.issuer),
            "kind": promise.kind,
            "source": promise.source,
        }

    def _place(self, index: int) -> dict[str, Any]:
        return {"leaf_index": index, "audit_path": self._path(index)}

    def _absence(self, promise: Promise, head: Head) -> dict[str, Any]:
        """What shows that the entry is not there: another in its place, or the whole tree if it is small."""
        index = promise.sct.leaf_index
        if index is not None and index >= head.tree_size:
            return {}
        if index is not None and head is self._head:
            (leaf,) = self._audit.logs.leaf_hashes(self._audit.row.id, index, index + 1)
            return {"at_index": {"leaf_hash": encode_base64(leaf), "audit_path": self._path(index)}}
        if head.tree_size > LEAVES_IN_EVIDENCE:
            return {}
        leaves = self._audit.logs.leaf_hashes(self._audit.row.id, 0, head.tree_size)
        return {"leaf_hashes": encode_base64(b"".join(leaves))}

    def _path(self, index: int) -> list[str]:
        node = self._audit.logs.tree(self._audit.row.id).node
        return [encode_base64(sibling) for sibling in inclusion_proof_from(node, index, self._head.tree_size)]


def _ms(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)
