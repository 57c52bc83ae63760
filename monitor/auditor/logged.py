"""What the log took in: dates, shard, roots, issuers' keys, repetitions, precertificates (RFC 6962, 3).

Looked at once, after the root over the entries was rebuilt, as many in one audit as its time allows.
"""

from itertools import islice
from typing import Any

from monitor.auditor.absence import absence
from monitor.auditor.heads import head_json
from monitor.auditor.logged_rows import LoggedRows, Odd
from monitor.auditor.running import RunningAudit
from monitor.errors import SourceError
from monitor.follower.issuers import IssuerKeys
from monitor.values import AuditCode, Head
from verifier.certificates import Certificate
from verifier.errors import MalformedInput
from verifier.transparency.api import RawEntry
from verifier.transparency.entries import PrecertEntry, parse_merkle_tree_leaf
from verifier.transparency.evidence.entries import PRECERTIFICATE_SIGNING
from verifier.transparency.extensions import leaf_index
from verifier.transparency.extra_data import PrecertChainEntry, parse_extra_data
from verifier.transparency.merkle import hash_leaf, inclusion_proof_from
from verifier.transparency.strict_json import encode_base64

AT_ONCE = 20_000  # entries between two looks at the clock
LOOKED_AT = "RFC 6962 section 5.3"
REPEATED = "RFC 6962 section 3"
SUBMITTED = "RFC 6962 section 3.1"
SIGNED = "RFC 6962 section 3.2"
INDEXED = "static-ct-api, SCT Extension"


def check_logged(audit: RunningAudit, rows: LoggedRows) -> None:
    """Look at the entries that no earlier audit looked at, up to the last rebuilt head, at least some.

    What is found in one span is enough for one audit.
    """
    head = audit.logs.last_rebuilt(audit.row.id)
    cursor = f"logged {audit.row.id}"
    at, known = audit.observations.cursor(cursor), len(audit.findings)
    while head is not None and at < head.tree_size:
        end = min(head.tree_size, at + AT_ONCE)
        _Check(audit, rows, head, at, end).run()
        at, found = end, len(audit.findings) > known
        if not found:
            audit.observations.move(cursor, at)
        audit.tell(f"{at:,} of {head.tree_size:,} entries looked at")
        if found or audit.over():
            _go_on_later(audit, cursor, at, head)
            return


def _go_on_later(audit: RunningAudit, cursor: str, at: int, head: Head) -> None:
    audit.once_kept(lambda: audit.observations.move(cursor, at))
    if at < head.tree_size:
        detail = f"{at} of {head.tree_size} entries have been looked at one by one; the next audit goes on."
        audit.note(AuditCode.ENTRIES_TO_CHECK, detail, LOOKED_AT)


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
        self._odd()
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
        late = self._rows.merged_late(*self._span, self._audit.log.mmd_ms)
        if late is not None:
            odd, early = late
            detail = (
                f"Entry {odd.index} was due before the head of {early.tree_size} entries signed at"
                f" {early.timestamp:%Y-%m-%d %H:%M:%S} UTC, which did not hold it."
            )
            (leaf,) = self._audit.logs.leaf_hashes(self._audit.row.id, odd.index, odd.index + 1)
            more = {"previous_tree_head": head_json(early), **absence(self._audit, leaf, early)}
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

    def _odd(self) -> None:
        """What the follower noticed in the entries' bytes, which are not kept of others."""
        odd, keys = self._audit.observations.odd_entries(*self._span), IssuerKeys()
        for index, raw in islice((one for one in odd if keys.differ(one[1])), 1):
            detail = f"Entry {index} names another key than that of the issuer that signed it."
            more = _signers(raw)
            self._accuse(AuditCode.ISSUER_KEY_HASH_WRONG, Odd(index, 1), detail, SIGNED, more=more, raw=raw)
        for index, raw in islice((one for one in odd if _place(one[1]) not in {None, one[0]}), 1):
            detail = f"Entry {index} says that it is entry {_place(raw)}."
            self._accuse(AuditCode.ENTRY_INDEX_WRONG, Odd(index, 1), detail, INDEXED, raw=raw)

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


def _signers(raw: RawEntry) -> dict[str, str]:
    """Who signed a precertificate: its issuer, or a signer of precertificates and the issuer above."""
    first, *above = PrecertChainEntry.parse(raw.extra_data).chain
    if above and PRECERTIFICATE_SIGNING in Certificate.parse(first).extended_key_usage:
        return {"signer": encode_base64(first), "issuer": encode_base64(above[0])}
    return {"issuer": encode_base64(first)}


def _place(raw: RawEntry) -> int | None:
    """The index that an entry names; None where it names none."""
    try:
        return leaf_index(parse_merkle_tree_leaf(raw.leaf_input).extensions)
    except MalformedInput:
        return None
