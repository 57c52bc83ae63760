"""The monitor as others see it: what the site reads, and what the scheduler and the command line run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from monitor import inclusion, scts
from monitor.auditor.rounds import Auditing
from monitor.auditor.running import DEFAULT_BUDGET
from monitor.auditor.witnesses import WitnessPolicy
from monitor.evidence import EvidenceFiles
from monitor.follower.fetch import Fetcher
from monitor.index.extract import certificate_row
from monitor.index.query import Index
from monitor.revocation import RevocationChecker
from monitor.store import Audits, Certificates, Connections, Logs, Revocations, Search
from monitor.store.counts import Tally
from monitor.store.logs import LogRow
from monitor.store.reading import StoredEntry
from monitor.values import (
    Alert,
    AuditOutcome,
    AuditReport,
    CertificateDetail,
    CertificateSummary,
    Encoding,
    Head,
    InclusionPath,
    IssuerState,
    LoggedEntry,
    LogState,
    MalformedEntry,
    Overview,
    Page,
    Query,
    WatchedLog,
    from_ms,
)
from monitor.watching.service import Watching
from verifier.certificates import Certificate
from verifier.errors import MalformedInput, VerifierError
from verifier.transparency.log_list import Log, LogList

AUDIT_THREADS = 8


class Monitor:
    """The auditor, the index and their database. Thread-safe; the site opens it read-only.

    ``operator`` is who runs this service, as the log list names its own logs' operator. ``local`` maps
    prefixes of addresses that the world sees to bases on this machine.
    """

    def __init__(
        self,
        connections: Connections,
        *,
        operator: str = "",
        local: Mapping[str, str] | None = None,
        vantages: Sequence[str] = (),
        witnesses: WitnessPolicy | None = None,
    ) -> None:
        self._connections = connections
        self.operator = operator
        self.fetcher = Fetcher(local)
        self._logs = Logs(connections)
        self._audits = Audits(connections)
        self._certificates = Certificates(connections)
        self.index = Index(Search(connections), self._certificates)
        self._revocations = Revocations(connections)
        self.tally = Tally(connections)
        self.auditing = Auditing(connections, self.fetcher, operator, vantages, witnesses)
        self.observations = self.auditing.observations
        self.evidence = EvidenceFiles(connections)
        self.reports = connections.path.with_name("sct-reports")
        """Where the site spools what clients report."""
        self.watching = Watching(connections, self._certificates, self.index)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        read_only: bool = False,
        operator: str = "",
        local: Mapping[str, str] | None = None,
        vantages: Sequence[str] = (),
        witnesses: WitnessPolicy | None = None,
    ) -> "Monitor":
        """Open data/monitor.db. A reader that comes before the file exists sees an empty monitor."""
        connections = Connections(path, read_only=read_only)
        return cls(connections, operator=operator, local=local, vantages=vantages, witnesses=witnesses)

    def close(self) -> None:
        """Close the database."""
        self._connections.close()

    # logs and audits

    def watch(self, log_list: LogList) -> tuple[str, ...]:
        """Follow the logs of a list; returns the names that they go by here."""
        return tuple(self._logs.watch(watched_log(log)).name for log in log_list.logs)

    def watch_log(self, log: WatchedLog) -> str:
        """Follow one log; returns the name that it goes by here."""
        return self._logs.watch(log).name

    def logs(self) -> tuple[LogState, ...]:
        """Return every followed log."""
        return tuple(self._state(row) for row in self._logs.all())

    def log(self, name: str) -> LogState | None:
        """Return one followed log, by name or by the hex of its LogID."""
        return next((self._state(row) for row in self._logs.all() if _is(row, name)), None)

    def _state(self, row: LogRow) -> LogState:
        report, head, newest = (
            self._audits.last(row.id),
            self._logs.last_rebuilt(row.id),
            self._logs.last_head(row.id),
        )
        log = row.log
        return LogState(
            name=log.name,
            log_id=log.log_id,
            description=log.description,
            operator=log.operator,
            key=log.key,
            url=log.url or log.monitoring_url,
            state=log.state,
            mmd=log.mmd,
            head=head,
            followed=row.size,
            backlog=max(0, newest.tree_size - row.size) if newest else 0,
            malformed=row.malformed,
            outcome=report.outcome if report else AuditOutcome.PENDING,
            audited_at=report.finished_at if report else None,
            last_report=report,
            distrusted=row.distrusted_at is not None,
            distrusted_reason=row.distrusted_reason,
            same_operator=bool(self.operator) and log.operator == self.operator,
            interval=log.interval,
        )

    def overview(self) -> Overview:
        """Return everything at a glance."""
        logs, beat = self.logs(), self._audits.heartbeat()
        return Overview(
            logs=logs,
            certificates=self._certificates.count(),
            entries=self._logs.total_entries(),
            alerts=self._audits.alerts(None, 20, open_only=True),
            heartbeat=beat[0] if beat else None,
            last_audit=max((log.audited_at for log in logs if log.audited_at), default=None),
            interval=beat[1] if beat else None,
        )

    def heads(self, log: str, limit: int = 100) -> tuple[Head, ...]:
        """Return the verified heads of a log, newest first; raises UnknownLog."""
        return tuple(self._logs.heads(self._logs.get(log).id, limit))

    def audits(
        self, log: str | None = None, before: int | None = None, limit: int = 50
    ) -> tuple[AuditReport, ...]:
        """Return audit reports, newest first, of one log or of all; raises UnknownLog."""
        return self._audits.list(self._logs.get(log).id if log else None, before, limit)

    def alerts(self, log: str | None = None, limit: int = 100) -> tuple[Alert, ...]:
        """Return alerts, the last repeated first; raises UnknownLog."""
        return self._audits.alerts(self._logs.get(log).id if log else None, limit)

    def acknowledge(self, alert: int) -> None:
        """Mark an alert as seen by a person."""
        self._audits.acknowledge(alert)

    def trust_again(self, log: str) -> None:
        """Take a log's distrust mark away, after a person has looked into it; raises UnknownLog."""
        self._audits.trust_again(self._logs.get(log).id)

    def malformed(self, log: str, limit: int = 100) -> tuple[MalformedEntry, ...]:
        """Return a log's malformed entries, newest first; raises UnknownLog."""
        return tuple(self._logs.malformed(self._logs.get(log).id, limit))

    def distrusted_logs(self) -> frozenset[bytes]:
        """Return the LogIDs of the logs that were found to break their promises."""
        return self._audits.distrusted()

    def audit_now(
        self,
        names: Sequence[str] = (),
        progress: Callable[[str], None] | None = None,
        *,
        stop: Event | None = None,
        budget: timedelta = DEFAULT_BUDGET,
    ) -> tuple[AuditReport, ...]:
        """Audit the named logs, or all, side by side; raises UnknownLog. Reports come in the logs' order."""
        rows = [self._logs.get(name) for name in names] or self._logs.all()
        stop = stop or Event()
        with ThreadPoolExecutor(AUDIT_THREADS, thread_name_prefix="audit") as pool:
            return tuple(pool.map(lambda row: self._audit_and_release(row, progress, stop, budget), rows))

    def _audit_and_release(
        self, row: LogRow, progress: Callable[[str], None] | None, stop: Event, budget: timedelta
    ) -> AuditReport:
        try:
            return self._audit(row, progress, stop, budget)
        finally:
            self._connections.release()

    def _audit(
        self, row: LogRow, progress: Callable[[str], None] | None, stop: Event, budget: timedelta
    ) -> AuditReport:
        if progress:
            progress(f"{row.log.name}: reading the tree head")
        report = self.auditing.audit(row, self.fetcher, progress, stop, budget)
        if progress:
            progress(f"{row.log.name}: {report.outcome.value}")
        return report

    def beat(self, now: datetime, interval: float) -> None:
        """Say that the scheduler lives."""
        self._audits.beat(now, interval)

    # search and certificates

    def search(self, query: Query, now: datetime) -> Page:
        """Return a page of results; raises QueryError."""
        return self.index.page(query, now)

    def stream(self, query: Query, now: datetime) -> Iterator[CertificateSummary]:
        """Yield the complete results; raises QueryError."""
        return self.index.stream(query, now)

    def certificate(self, sha256: bytes) -> CertificateDetail | None:
        """Return everything about a certificate, by its SHA-256 or its precertificate's."""
        row = self._certificates.find(sha256)
        return self._detail(row, None) if row is not None else None

    def join(self, certificate: Certificate) -> CertificateDetail | None:
        """Return what the logs hold of a certificate that somebody shows; writes nothing."""
        row = self._certificates.find_tbs(certificate_row(certificate, ()).tbs_hash)
        return self._detail(row, certificate) if row is not None else None

    def add_certificate(self, der: bytes, chain: Sequence[bytes] = ()) -> bytes:
        """Keep a certificate that came from elsewhere than a log, joined with its precertificate by TBS.

        Returns its SHA-256; raises MalformedInput.
        """
        for issuer in chain:
            Certificate.parse(issuer)
        row = certificate_row(Certificate.parse(der), tuple(chain))
        self._certificates.add(row, datetime.now(UTC))
        return row.sha256

    def _detail(self, row: int, shown: Certificate | None) -> CertificateDetail:
        (summary,) = self._certificates.summaries([row])
        encodings = self._certificates.encodings(row)
        if shown is not None and all(one.sha256 != shown.fingerprint for one in encodings):
            encodings = (Encoding(shown.fingerprint, shown.is_precertificate, shown.der), *encodings)
        certificate = shown or Certificate.parse(encodings[0].der)
        chain = tuple(_parsed(self._certificates.chain(row)))
        logs = self._logs.all()
        entries = self._logged(self._certificates.entries(row), logs)
        return CertificateDetail(
            summary=summary,
            certificate=certificate,
            der=certificate.der,
            encodings=encodings,
            chain=chain,
            entries=entries,
            scts=scts.states(certificate, chain, logs, entries, self.operator),
            pair=self._pair(summary),
            revocation=summary.revocation,
        )

    def _pair(self, summary: CertificateSummary) -> CertificateSummary | None:
        row = self._certificates.find(summary.pair) if summary.pair else None
        return self._certificates.summaries([row])[0] if row is not None else None

    def _logged(self, entries: Sequence[StoredEntry], logs: Sequence[LogRow]) -> tuple[LoggedEntry, ...]:
        by_id = {row.id: row for row in logs}
        heads = {
            row.id: self._logs.last_rebuilt(row.id) for row in logs if any(e.log == row.id for e in entries)
        }
        return tuple(self._entry(entry, by_id[entry.log], heads[entry.log]) for entry in entries)

    def _entry(self, entry: StoredEntry, row: LogRow, head: Head | None) -> LoggedEntry:
        return LoggedEntry(
            log=row.log.name,
            operator=row.log.operator,
            same_operator=bool(self.operator) and row.log.operator == self.operator,
            index=entry.index,
            timestamp=from_ms(entry.timestamp),
            leaf_hash=entry.leaf_hash,
            precertificate=entry.precertificate,
            included=head is not None and entry.index < head.tree_size,
            head=head,
        )

    def issuers(self) -> tuple[IssuerState, ...]:
        """Return the CA certificates of the logged chains, with their parents among them."""
        certificates = tuple(_parsed(self._certificates.authorities()))
        counts = self._certificates.counts_by_issuer()
        return tuple(
            IssuerState(
                certificate,
                certificate.fingerprint,
                _parent(certificate, certificates),
                counts.get(certificate.subject, 0),
            )
            for certificate in certificates
        )

    # proofs

    def inclusion(self, log: str, index: int) -> InclusionPath | None:
        """Return the path of an entry to the verified root, ready to draw; raises UnknownLog."""
        return inclusion.path(self._logs, log, index)

    def answer_inclusion(self, log: str, prefix: str) -> dict[str, Any]:
        """Return the JSON of /inclusion/<log>; raises UnknownLog, NoVerifiedHead or PrefixError."""
        return inclusion.answer(self._logs, log, prefix)

    # revocation

    def refresh_revocation(self, now: datetime, *, at_least_every: timedelta | None = None) -> int:
        """Read the CRLs that the living certificates name; returns how many certificates were looked up.

        A CRL is used until its nextUpdate, or for ``at_least_every``.
        """
        return RevocationChecker(self._revocations, self.fetcher).refresh(now, at_least_every)


def watched_log(log: Log) -> WatchedLog:
    """Return what the monitor keeps of a log-list entry."""
    submission, monitoring = log.submission_url or "", log.monitoring_url or ""
    return WatchedLog(
        name=log_name(log.url or submission or monitoring),
        log_id=log.log_id,
        key=log.key,
        description=log.description,
        operator=log.operator,
        mmd=log.mmd,
        state=log.state.value,
        url=log.url or "",
        monitoring_url=monitoring,
        codepoint=log.codepoint,
        submission_url=submission,
        interval=log.temporal_interval,
    )


def log_name(url: str) -> str:
    """Return the last part of a log's address: how the site calls it."""
    parts = urlsplit(url)
    return parts.path.rstrip("/").rpartition("/")[2] or parts.netloc


def _is(row: LogRow, name: str) -> bool:
    return name in {row.log.name, row.log.log_id.hex()}


def _parsed(ders: Sequence[bytes]) -> Iterator[Certificate]:
    for der in ders:
        try:
            yield Certificate.parse(der)
        except (
            MalformedInput
        ):  # chains are kept as they were logged; what is not a certificate is not shown as one
            continue


def _parent(certificate: Certificate, among: Sequence[Certificate]) -> bytes | None:
    """Return the fingerprint of the certificate that signed this one; None for a root or an unknown one."""
    for candidate in among:
        if (
            candidate.subject_der == certificate.issuer_der
            and candidate != certificate
            and _signed(certificate, candidate)
        ):
            return candidate.fingerprint
    return None


def _signed(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        certificate.verify_signed_by(issuer)
    except VerifierError:
        return False
    return True
