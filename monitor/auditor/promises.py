"""Every SCT that was seen, in certificates of any followed log or reported by clients: was the promise kept?

Judged once it is due and the tree at a later head was read.
"""

from collections.abc import Sequence
from typing import Any

from monitor.auditor.absence import absence
from monitor.auditor.collecting import collect
from monitor.auditor.finals import Finals
from monitor.auditor.heads import head_json
from monitor.auditor.running import RunningAudit
from monitor.observations.values import Promise, PromiseState
from monitor.values import AuditCode, Head
from verifier.certificates import Certificate
from verifier.errors import VerifierError
from verifier.transparency.entries import Entry, X509Entry, entry_for_certificate
from verifier.transparency.merkle import inclusion_proof_from
from verifier.transparency.strict_json import encode_base64
from verifier.transparency.verify import verify_sct

AT_ONCE = 1000  # promises between two looks at the clock
MOST_FOUND = 10  # broken promises, and SCTs that are none, that one audit shows with their evidence
PROMISED = "RFC 6962 section 3"
SIGNED = "RFC 6962 section 3.2"
INDEXED = "static-ct-api, SCT Extension"
_KEPT, _BROKEN, _FORGED = PromiseState.KEPT, PromiseState.BROKEN, PromiseState.FORGED


def check_promises(audit: RunningAudit, finals: Finals) -> None:
    """Collect the SCTs in new final certificates, then judge those of this log that are due."""
    head = audit.logs.last_rebuilt(audit.row.id)
    if head is None:
        return
    everything, judge = collect(audit, finals, head), _Judge(audit, finals, head)
    if judge.run() and everything:
        _sum_up(audit, judge)


def _sum_up(audit: RunningAudit, judge: "_Judge") -> None:
    """Say how the SCTs fared, once every one that is known here and due was judged."""
    tally = audit.observations.promise_tally(audit.row.id)
    broken = tally.broken + judge.count(_BROKEN)
    waiting = tally.waiting - len(judge.found)
    rest = f" {waiting} more are not due yet." if waiting else ""
    if broken:
        detail = f"{broken} of {tally.kept + broken} SCTs that were due were not kept.{rest}"
        audit.note(AuditCode.SCTS_BROKEN, detail, PROMISED)
    elif tally.kept:
        detail = f"All {tally.kept} SCTs that were due have their entries in the tree.{rest}"
        audit.passed(AuditCode.SCTS_KEPT, detail, PROMISED)


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
        self.found: dict[bytes, PromiseState] = {}
        """By leaf hash: what is not kept and shown in this audit, marked so once the audit is stored."""

    def count(self, state: PromiseState) -> int:
        """How many promises of this state this audit shows."""
        return sum(one is state for one in self.found.values())

    def run(self) -> bool:
        """Judge what is due, at least some of it; tell whether that was all."""
        observations, log = self._audit.observations, self._audit.row.id
        self._audit.once_kept(lambda: observations.settle_promises(log, self.found))
        forged = 0
        while due := observations.due(log, self._head.timestamp_ms, AT_ONCE, skip=len(self.found)):
            settled = self._settled(due)
            observations.settle_promises(log, settled)
            forged += sum(state is _FORGED for state in settled.values())
            if self.count(_BROKEN) == MOST_FOUND or self._audit.over():
                break
        if forged:
            detail = f"{forged} more certificates carry an SCT in the log's name that the log did not sign."
            self._audit.note(AuditCode.SCT_SIGNATURE_INVALID, detail, SIGNED)
        return not due

    def _settled(self, due: Sequence[Promise]) -> dict[bytes, PromiseState]:
        """Judge promises until enough were found broken; return those of which nothing is to be shown."""
        settled = {}
        for promise in due:
            state = self._judge(promise)
            if state is _BROKEN or (state is _FORGED and self.count(_FORGED) < MOST_FOUND):
                self._show(promise, state)
                self.found[promise.leaf_hash] = state
            else:
                settled[promise.leaf_hash] = state
            if self.count(_BROKEN) == MOST_FOUND:
                break
        return settled

    def _judge(self, promise: Promise) -> PromiseState:
        if self._finals.kept(promise, self._head.tree_size, self._audit.log.mmd_ms):
            return _KEPT
        return _BROKEN if self._forgery(promise) is None else _FORGED

    def _forgery(self, promise: Promise) -> str | None:
        """Why this is no SCT of the log; then the certificate's issuer is to be asked, not the log."""
        try:
            log = self._audit.log
            verify_sct(promise.sct, promised_entry(promise), log.key, log.codepoint)
        except VerifierError as error:
            return str(error)
        return None

    # what is shown

    def _show(self, promise: Promise, state: PromiseState) -> None:
        if state is _FORGED:
            self._forged(promise)
            return
        index = self._finals.position(promise, self._head.tree_size)
        if index is None:
            self._not_merged(promise)
        elif promise.sct.leaf_index not in {None, index}:
            self._index_wrong(promise, index)
        elif early := self._finals.head_without(promise, index, self._audit.log.mmd_ms):
            self._late(promise, index, early)

    def _forged(self, promise: Promise) -> None:
        announced = self._finals.announced(promise)
        if announced is not None:
            detail = (
                "A certificate is not the one that its issuer announced in the log: same issuer and serial"
                " number, other contents."
            )
            evidence = {**self._shown(promise), "precertificate": encode_base64(announced)}
            self._audit.note(AuditCode.FINAL_CERTIFICATE_DIFFERS, detail, "RFC 6962 section 3.1", evidence)
            return
        why = self._forgery(promise)
        detail = f"A certificate carries an SCT in the log's name that the log did not sign: {why}."
        self._audit.note(AuditCode.SCT_SIGNATURE_INVALID, detail, SIGNED, self._shown(promise))

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
        """What shows that the entry is not there: another in its place, or it is nowhere."""
        index = promise.sct.leaf_index
        if index is not None and index >= head.tree_size:
            return {}
        if index is not None and head is self._head:
            (leaf,) = self._audit.logs.leaf_hashes(self._audit.row.id, index, index + 1)
            return {"at_index": {"leaf_hash": encode_base64(leaf), "audit_path": self._path(index)}}
        return absence(self._audit, promise.leaf_hash, head)

    def _path(self, index: int) -> list[str]:
        node = self._audit.logs.tree(self._audit.row.id).node
        return [encode_base64(sibling) for sibling in inclusion_proof_from(node, index, self._head.tree_size)]
