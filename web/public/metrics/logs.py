"""What the monitor knows of the logs, as metrics: heads, audits, reading, availability, witnesses, alerts."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from monitor import Monitor
from monitor.store.counts import Counts
from monitor.values import AuditOutcome, LogState, Overview
from web.public.metrics.exposition import Family
from web.public.models.witnesses import witnessing


def overall(overview: Overview, counts: Counts, now: datetime) -> Iterator[Family]:
    """Yield what is counted over all logs."""
    yield Family("mingjing_certificates", "Certificates in the search index.").add(overview.certificates)
    states = Family("mingjing_certificates_by_state", "Certificates by state; expiring is a part of valid.")
    for state in ("valid", "expiring", "revoked", "expired", "not_yet_valid"):
        states.add(getattr(counts, state), state=state)
    yield states
    yield Family("mingjing_entries", "Log entries read.").add(overview.entries)
    yield Family("mingjing_open_alerts", "Alerts that nobody has acknowledged.").add(len(overview.alerts))
    yield Family("mingjing_auditor_up", "1 while the auditor gives signs of life.").add(
        not overview.stale(now)
    )
    if overview.heartbeat is not None:
        beat = overview.heartbeat.timestamp()
        yield Family("mingjing_auditor_last_seen_timestamp_seconds", "The auditor's last sign of life.").add(
            beat
        )


def of_logs(logs: Sequence[LogState], now: datetime) -> Iterator[Family]:
    """Yield each log's head, audit and standing."""
    size = Family("mingjing_log_tree_size", "Size of the last verified tree head.")
    signed = Family("mingjing_log_head_timestamp_seconds", "When the last verified tree head was signed.")
    age = Family("mingjing_log_head_age_seconds", "Age of the last verified tree head.")
    consistent = Family("mingjing_log_consistent", "1 when the last audit found the log consistent.")
    distrusted = Family("mingjing_log_distrusted", "1 when the log's promises no longer count.")
    for log in logs:
        if log.head:
            size.add(log.head.tree_size, log=log.name)
            signed.add(log.head.timestamp.timestamp(), log=log.name)
            age.add((now - log.head.timestamp).total_seconds(), log=log.name)
        consistent.add(log.outcome is AuditOutcome.CONSISTENT, log=log.name)
        distrusted.add(log.distrusted, log=log.name)
    yield from (size, signed, age, consistent, distrusted)
    yield from _audits(logs, now)


def _audits(logs: Sequence[LogState], now: datetime) -> Iterator[Family]:
    outcome = Family("mingjing_log_audit_outcome", "1 for the outcome that the last audit had.")
    at = Family("mingjing_log_audit_timestamp_seconds", "When the last audit ended.")
    age = Family("mingjing_log_audit_age_seconds", "Time since the last audit.")
    length = Family("mingjing_log_audit_duration_seconds", "How long the last audit took.")
    for log in logs:
        for one in AuditOutcome:
            outcome.add(log.outcome is one, log=log.name, outcome=one.value)
        if log.last_report is not None:
            ended = log.last_report.finished_at
            at.add(ended.timestamp(), log=log.name)
            age.add((now - ended).total_seconds(), log=log.name)
            length.add((ended - log.last_report.started_at).total_seconds(), log=log.name)
    yield from (outcome, at, age, length)


def of_following(monitor: Monitor, logs: Sequence[LogState]) -> Iterator[Family]:
    """Yield how far each log has been read."""
    position = Family("mingjing_log_position_entries", "Entries read of the log.")
    backlog = Family(
        "mingjing_log_backlog_entries", "Entries of the newest tree head that are still to be read."
    )
    malformed = Family("mingjing_log_malformed_entries", "Entries that are no certificates by the rules.")
    rate = Family("mingjing_log_read_entries_per_second", "How fast the log was read when last it was.")
    left = Family(
        "mingjing_log_read_remaining_seconds", "Time until the log is read to its end, at that rate."
    )
    for log in logs:
        position.add(log.followed, log=log.name)
        backlog.add(log.backlog, log=log.name)
        malformed.add(log.malformed, log=log.name)
        if following := monitor.observations.following(log.name):
            rate.add(following.rate, log=log.name)
            left.add(following.left, log=log.name)
    yield from (position, backlog, malformed, rate, left)


def of_availability(monitor: Monitor, logs: Sequence[LogState], now: datetime) -> Iterator[Family]:
    """Yield how each address of each log answered over the last 90 days."""
    ratio = Family("mingjing_log_availability_ratio", "Part of the questions of 90 days that was answered.")
    answers = Family("mingjing_log_answers", "Questions of the last 90 days, by what became of them.")
    mean = Family("mingjing_log_answer_mean_seconds", "Mean time of the good answers of 90 days.")
    for log in logs:
        for one in monitor.observations.availability(log.name, now):
            where = {"log": log.name, "endpoint": one.endpoint}
            ratio.add(one.ratio, **where)
            answers.add(one.ok, **where, result="answered").add(one.failed, **where, result="failed")
            mean.add(one.latency, **where)
    yield from (ratio, answers, mean)


def of_witnesses(logs: Sequence[LogState], now: datetime) -> Iterator[Family]:
    """Yield each witness's last cosignature as the last audit saw it, and how many are required."""
    required = Family("mingjing_log_witnesses_required", "Cosignatures that the audit asks for.")
    size = Family("mingjing_witness_tree_size", "Size of the largest tree that the witness cosigned.")
    signed = Family("mingjing_witness_cosignature_timestamp_seconds", "When the witness last cosigned.")
    age = Family("mingjing_witness_cosignature_age_seconds", "Time since the witness last cosigned.")
    for log in logs:
        found = witnessing(log)
        if found.witnesses:
            required.add(found.required, log=log.name)
        for one in found.witnesses:
            size.add(one.tree_size, log=log.name, witness=one.name)
            if one.cosigned_at is not None:
                signed.add(one.cosigned_at.timestamp(), log=log.name, witness=one.name)
                age.add((now - one.cosigned_at).total_seconds(), log=log.name, witness=one.name)
    yield from (required, size, signed, age)
