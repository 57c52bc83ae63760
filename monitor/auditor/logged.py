"""What the log took in: dates, shard, roots, issuers' keys, repetitions, precertificates (RFC 6962, 3).

Looked at once, after the root over the entries was rebuilt, some thousands of entries an audit.
"""

from typing import Any

from monitor.auditor.heads import head_json
from monitor.auditor.logged_rows import LoggedRows, Odd
from monitor.auditor.running import RunningAudit
from monitor.errors import SourceError
from monitor.values import AuditCode, Head
from verifier.errors import MalformedInput
from verifier.transparency.api import RawEntry
from verifier.transparency.entries import PrecertEntry, parse_merkle_tree_leaf
from verifier.transparency.extra_data import PrecertChainEntry, parse_extra_data
from verifier.transparency.merkle import hash_leaf, inclusion_proof_from
from verifier.transparency.strict_json import encode_base64

AT_ONCE = 50_000  # entries an audit; a million are looked at within twenty audits
REPEATED = "RFC 6962 section 3"
SUBMITTED = "RFC 6962 section 3.1"
SIGNED = "RFC 6962 section 3.2"


def check_logged(audit: RunningAudit, rows: LoggedRows) -> None:
    """Look at the entries that no earlier audit looked at, up to the last rebuilt head."""
    head = audit.logs.last_rebuilt(audit.row.id)
    cursor = f"logged {audit.row.id}"
    start = audit.observations.cursor(cursor)
    if head is None or start >= head.tree_size:
        return
    end = min(head.tree_size, start + AT_ONCE)
    _Check(audit, rows, head, start, end).run()
    audit.observations.move(cursor, end)


class _Check:
    def __init__(self, audit: RunningAudit, rows: LoggedRows, head: Head, start: int, end: int) -> None:
        self._audit = audit
        self._rows = rows
        self._head = head
        self._span = (audit.row.id, start, end)

    def run(self) -> None:
        self._dates()
        self._delays()
        self._shard()
        self._keys()
        self._precertificates()
        self._roots()
        self._repetitions()

    def _dates(self) -> None:
        odd = self._rows.dated_after(*self._span, self._head.timestamp_ms)
        if odd:
            detail = f"Entry {odd.index} is dated after the tree head of {self._head.tree_size} entries."
            self._accuse(AuditCode.ENTRY_AFTER_HEAD, odd, detail, "RFC 6962 section 3.5")

    def _delays(self) -> None:
        """An entry's date is its SCT's: a head that was due to hold it and did not shows a late merge."""
        mmd = int(self._audit.log.mmd.total_seconds() * 1000)
        late = self._rows.merged_late(*self._span, mmd)
        if late is not None:
            odd, early = late
            detail = (
                f"Entry {odd.index} was due before the head of {early.tree_size} entries signed at"
                f" {early.timestamp:%Y-%m-%d %H:%M:%S} UTC, which did not hold it."
            )
            more = {"previous_tree_head": head_json(early)}
            self._accuse(AuditCode.ENTRY_MERGED_LATE, odd, detail, REPEATED, more=more)

    def _shard(self) -> None:
        interval = self._audit.log.interval
        if interval is None:
            return
        odd = self._rows.expiring_outside(*self._span, interval)
        if odd:
            bounds = {
                "start_inclusive": interval.start_inclusive.isoformat(),
                "end_exclusive": interval.end_exclusive.isoformat(),
            }
            detail = (
                f"Entry {odd.index} expires outside {interval.start_inclusive:%Y-%m-%d} to"
                f" {interval.end_exclusive:%Y-%m-%d}, for which the log list names this log."
            )
            self._accuse(AuditCode.ENTRY_OUTSIDE_SHARD, odd, detail, "log list v3", more={"interval": bounds})

    def _keys(self) -> None:
        _, start, end = self._span
        for index, raw in self._audit.observations.odd_entries(self._audit.row.id, end):
            if index < start:
                continue
            issuer = _issuer(raw)
            detail = f"Entry {index} names another key than that of the issuer that signed it."
            self._accuse(
                AuditCode.ISSUER_KEY_HASH_WRONG,
                Odd(index, 1),
                detail,
                SIGNED,
                more={"issuer": encode_base64(issuer)},
                raw=raw,
            )
            return

    def _precertificates(self) -> None:
        odd = self._rows.other_precertificate(*self._span)
        if odd:
            detail = f"The precertificate beside entry {odd.index} is not the one that the entry was made of."
            self._accuse(AuditCode.PRECERTIFICATE_DIFFERS, odd, detail, SIGNED)

    def _roots(self) -> None:
        """Only entries that came since the log was first looked at: its roots may have been others before."""
        since = self._rows.first_seen(self._audit.row.id)
        ends = self._rows.chain_ends(*self._span, since)
        if not ends:
            return
        accepted = self._audit.roots()
        odd = next((odd for fingerprint, odd in ends.items() if fingerprint not in accepted), None)
        if accepted and odd and not self._rows.signed_by_any(odd.encoding, accepted):
            more = {
                "chain": [encode_base64(der) for der in self._rows.chain(odd.encoding)],
                "roots": [encode_base64(fingerprint) for fingerprint in accepted],
            }
            detail = (
                f"The chain of entry {odd.index} ends at no root that the log names among those it accepts."
            )
            self._accuse(AuditCode.ENTRY_ROOT_UNKNOWN, odd, detail, SUBMITTED, more=more)

    def _repetitions(self) -> None:
        repeated = self._rows.repeated(*self._span)
        if repeated is None:
            return
        first, second, leaf = repeated
        places = {"first": first, "second": second}
        evidence = {
            "tree_head": head_json(self._head),
            "leaf_hash": encode_base64(leaf),
            **{name: {"leaf_index": at, "audit_path": self._path(at)} for name, at in places.items()},
        }
        detail = f"Entry {second} is the same as entry {first}; a log may give the first SCT again instead."
        self._audit.note(AuditCode.ENTRY_REPEATED, detail, REPEATED, evidence)

    # evidence

    def _accuse(
        self,
        code: AuditCode,
        odd: Odd,
        detail: str,
        reference: str,
        *,
        more: dict[str, Any] | None = None,
        raw: RawEntry | None = None,
    ) -> None:
        raw = raw or self._fetched(odd.index)
        evidence = {
            "tree_head": head_json(self._head),
            "leaf_index": odd.index,
            "audit_path": self._path(odd.index),
            **(_entry_json(raw) if raw else {}),
            **(more or {}),
        }
        self._audit.failed(code, detail, reference, evidence)

    def _path(self, index: int) -> list[str]:
        node = self._audit.logs.tree(self._audit.row.id).node
        return [encode_base64(sibling) for sibling in inclusion_proof_from(node, index, self._head.tree_size)]

    def _fetched(self, index: int) -> RawEntry | None:
        """The entry's bytes, which are not kept, asked for once more; None where they are not the same."""
        try:
            raw = self._audit.source.entries(index, index + 1)[0]
        except SourceError:
            return None
        (leaf,) = self._audit.logs.leaf_hashes(self._audit.row.id, index, index + 1)
        return raw if hash_leaf(raw.leaf_input) == leaf else None


def _entry_json(raw: RawEntry) -> dict[str, str]:
    fields = {"leaf_input": encode_base64(raw.leaf_input)}
    try:
        entry = parse_merkle_tree_leaf(raw.leaf_input).entry
        beside = parse_extra_data(entry, raw.extra_data)
    except MalformedInput:
        return fields
    if isinstance(beside, PrecertChainEntry) and isinstance(entry, PrecertEntry):
        fields["certificate"] = encode_base64(beside.pre_certificate)
    return fields


def _issuer(raw: RawEntry) -> bytes:
    return PrecertChainEntry.parse(raw.extra_data).chain[0]
