"""Who has cosigned a log's tree (C2SP tlog-cosignature), and whether those are as many as are required.

Cosignatures are read in the log's own checkpoint and, since a busy log publishes many a head that nobody has
cosigned yet, at the witnesses themselves. Every head that the log signed and a witness cosigned is also a
head that somebody else was shown: it is compared with our copy of the entries like all of those.

What must be covered: an entry is due in the tree within the merge delay of its timestamp, and a cosignature
within one more. So a witness counts when it has cosigned a tree that holds every entry older than that.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from monitor.auditor.running import RunningAudit
from monitor.errors import SourceError
from monitor.follower.fetch import Fetcher
from monitor.store import Connections
from monitor.values import AuditCode, AuditFinding, FindingOutcome, WatchedLog, from_ms, to_ms
from verifier.errors import VerifierError
from verifier.transparency.checkpoint import Checkpoint, checkpoint_to_tree_head
from verifier.transparency.cosignature import Witness, verify_cosignature
from verifier.transparency.tree_head import SignedTreeHead

REFERENCE: Final = "C2SP tlog-witness"
MAX_CHECKPOINT: Final = 64 * 1024  # bytes
ANSWER_SECONDS: Final = 10.0
CLOCK_TOLERANCE: Final = timedelta(minutes=5)
_OWED = "SELECT idx, timestamp FROM entries WHERE log=? AND timestamp<=? ORDER BY idx DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """The witnesses that count, each with the address where it is asked, and how many are required.

    ``cas`` holds, by address, the CA certificates that are believed there in place of the system's.
    """

    witnesses: tuple[tuple[str, Witness], ...] = ()
    required: int = 0
    cas: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Covered:
    """The largest tree that a witness is known to have cosigned, and when it did."""

    size: int
    moment: datetime


@dataclass(slots=True)
class Seen:
    """What one audit has read: by witness, what it covers, and what could not be read or did not verify."""

    covered: dict[str, Covered] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)
    checkpoint: str = ""
    """The log's own, as it came."""
    origin: str = ""


class Witnesses:
    """Reads and judges cosignatures. Used from the threads of several audits at once."""

    def __init__(self, connections: Connections, fetcher: Fetcher, policy: WitnessPolicy) -> None:
        self._db = connections
        self._policy = policy
        self._fetcher = Fetcher(fetcher.local, answer_seconds=ANSWER_SECONDS)
        self._believing = {
            url: Fetcher(fetcher.local, answer_seconds=ANSWER_SECONDS, ca=ca)
            for url, ca in policy.cas.items()
        }
        for one in (self._fetcher, *self._believing.values()):
            one.stop = fetcher.stop

    def look(self, audit: RunningAudit) -> None:
        """Add what is found to the audit; nothing where no witness is configured."""
        if not self._policy.witnesses:
            return
        seen = Seen(origin=audit.log.origin)
        self._read_log(audit, seen)
        if seen.origin:
            self._read_witnesses(audit, seen)
        audit.add(self._judge(audit, seen))

    # what is read

    def _read_log(self, audit: RunningAudit, seen: Seen) -> None:
        """The log's own checkpoint, beside whichever protocol it is followed by."""
        try:
            data = self._fetcher.get(
                (audit.log.monitoring_url or audit.log.url) + "checkpoint", limit=MAX_CHECKPOINT
            )
            checkpoint = Checkpoint.parse(data)
            head = _signed_by(audit.log, checkpoint, seen.origin or checkpoint.origin)
        except (SourceError, VerifierError) as error:
            seen.troubles["the log"] = str(error)
            return
        seen.checkpoint, seen.origin = data.decode(), checkpoint.origin
        for _, witness in self._policy.witnesses:
            if any(
                (line.name, line.key_id) == (witness.name, witness.key_id) for line in checkpoint.signatures
            ):
                self._take(audit, seen, witness, checkpoint, head)

    def _read_witnesses(self, audit: RunningAudit, seen: Seen) -> None:
        """Each witness's newest checkpoint of the log (tlog-witness, monitor retrieval), side by side."""
        place = f"{sha256(seen.origin.encode()).hexdigest()}/checkpoint"
        witnesses = self._policy.witnesses

        def read(url: str) -> bytes | SourceError:
            try:
                fetcher = self._believing.get(url, self._fetcher)
                return fetcher.get(url.rstrip("/") + "/" + place, limit=MAX_CHECKPOINT)
            except SourceError as error:
                return error

        with ThreadPoolExecutor(len(witnesses), thread_name_prefix="witness") as pool:
            answers = list(pool.map(read, [url for url, _ in witnesses]))
        for (_, witness), answer in zip(witnesses, answers, strict=True):
            if isinstance(answer, SourceError):
                seen.troubles.setdefault(witness.name, str(answer))
                continue
            try:
                checkpoint = Checkpoint.parse(answer)
                head = _signed_by(audit.log, checkpoint, seen.origin)
            except VerifierError as error:
                seen.troubles.setdefault(witness.name, str(error))
                continue
            self._take(audit, seen, witness, checkpoint, head)

    def _take(
        self,
        audit: RunningAudit,
        seen: Seen,
        witness: Witness,
        checkpoint: Checkpoint,
        head: SignedTreeHead,
    ) -> None:
        """Count a cosignature that verifies, and keep the head that it is over to be compared."""
        try:
            moment = verify_cosignature(checkpoint, witness)
        except VerifierError as error:
            seen.troubles[witness.name] = str(error)
            return
        if moment > audit.clock() + CLOCK_TOLERANCE:
            seen.troubles[witness.name] = f"its cosignature is dated {moment:%Y-%m-%d %H:%M:%S} UTC"
            return
        audit.observations.add_head(audit.row.id, head, f"the witness {witness.name}", audit.clock())
        before = seen.covered.get(witness.name)
        if before is None or before.size <= head.tree_size:
            seen.covered[witness.name] = Covered(head.tree_size, moment)

    # what is judged

    def _judge(self, audit: RunningAudit, seen: Seen) -> AuditFinding:
        owed, since = self._owed(audit)
        covering = {name: one for name, one in seen.covered.items() if one.size >= owed}
        required = self._policy.required
        who = "; ".join(self._words(seen, owed))
        told = {"required": required, "owed": {"tree_size": owed}, "witnesses": self._each(seen)}
        if len(covering) >= required and covering:
            detail = f"{len(covering)} witnesses have cosigned the tree, {required} are required: {who}."
            return AuditFinding(AuditCode.WITNESSED, FindingOutcome.PASSED, detail, REFERENCE, told)
        if not required or not owed:
            detail = f"No entry waits for a witness yet: {who}."
            if not required:
                detail = f"No witness has cosigned the tree, and none is required: {who}."
            return AuditFinding(AuditCode.WITNESSES_AWAITED, FindingOutcome.NOTE, detail, REFERENCE, told)
        detail = (
            f"{len(covering)} of {required} required witnesses have cosigned the first {owed} entries, the"
            f" last of which is of {since:%Y-%m-%d %H:%M:%S} UTC: {who}."
        )
        evidence = self._evidence(audit, seen, owed, since)
        return AuditFinding(AuditCode.WITNESSES_TOO_FEW, FindingOutcome.FAILED, detail, REFERENCE, evidence)

    def _owed(self, audit: RunningAudit) -> tuple[int, datetime]:
        """The entries that witnesses must have cosigned by now, and the time of the last of them."""
        limit = to_ms(audit.clock() - 2 * audit.log.mmd)
        row = self._db.row(_OWED, (audit.row.id, limit))
        return (row["idx"] + 1, from_ms(row["timestamp"])) if row else (0, datetime.fromtimestamp(0, UTC))

    def _words(self, seen: Seen, owed: int) -> Iterator[str]:
        for _, witness in self._policy.witnesses:
            covered = seen.covered.get(witness.name)
            if covered is None:
                yield f"{witness.name} nothing ({seen.troubles.get(witness.name, 'never')})"
                continue
            late = "" if covered.size >= owed else "only "
            yield f"{witness.name} {late}{covered.size} entries at {covered.moment:%Y-%m-%d %H:%M:%S} UTC"
        with suppress(KeyError):
            yield f"the log's checkpoint could not be used ({seen.troubles['the log']})"

    def _evidence(self, audit: RunningAudit, seen: Seen, owed: int, since: datetime) -> dict[str, Any]:
        return {
            "log_id": audit.log.log_id.hex(),
            "required": self._policy.required,
            "owed": {"tree_size": owed, "timestamp": to_ms(since)},
            "checked_at": audit.clock().isoformat(),
            "checkpoint": seen.checkpoint,
            "witnesses": self._each(seen),
        }

    def _each(self, seen: Seen) -> list[dict[str, Any]]:
        """Every witness that is asked: its key, its last cosignature, and why there is none."""
        return [
            {
                "vkey": witness.encode(),
                "tree_size": covered.size if covered else None,
                "cosigned_at": covered.moment.isoformat() if covered else None,
                "trouble": seen.troubles.get(witness.name),
            }
            for _, witness in self._policy.witnesses
            for covered in (seen.covered.get(witness.name),)
        ]


def _signed_by(log: WatchedLog, checkpoint: Checkpoint, origin: str) -> SignedTreeHead:
    """Return the head that the log itself signed; raises VerifierError."""
    head = checkpoint_to_tree_head(checkpoint, origin, log.log_id)
    head.verify(log.key, log.codepoint)
    return head
