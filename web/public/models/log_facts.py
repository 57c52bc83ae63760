"""A log's facts for programs: everything that its page shows, and whole lists where the page shows a few."""

from typing import Any

from monitor.observations.values import EndpointAvailability, Following
from monitor.values import Head, LogState
from web.public.models.logs import log_said


def availability_facts(endpoint: EndpointAvailability) -> dict[str, Any]:
    """Return how an endpoint of a log answered over 90 days, for JSON."""
    return {
        "endpoint": endpoint.endpoint,
        "answered": endpoint.ok,
        "failed": endpoint.failed,
        "ratio": round(endpoint.ratio, 6),
        "meets": endpoint.meets,
        "mean_seconds": endpoint.latency,
        "since": endpoint.since,
    }


def following_facts(following: Following) -> dict[str, Any]:
    """Return how far a log has been read, for JSON."""
    return {
        "position": following.position,
        "target": following.target,
        "entries_per_second": following.rate,
        "seconds_left": following.left,
        "at": following.at,
    }


def log_facts(log: LogState) -> dict[str, Any]:
    """Return a log's facts for JSON."""
    said = log_said(log)
    return {
        "name": log.name,
        "state": said.state,
        "sentence": said.sentence,
        "log_id": log.log_id,
        "description": log.description,
        "operator": log.operator,
        "same_operator": log.same_operator,
        "key_algorithm": log.key.algorithm,
        "key": log.key.spki,
        "url": log.url,
        "log_list_state": log.state,
        "maximum_merge_delay": log.mmd,
        "shard": {
            "start_inclusive": log.interval.start_inclusive,
            "end_exclusive": log.interval.end_exclusive,
        }
        if log.interval
        else None,
        "head": head_facts(log.head) if log.head else None,
        "followed": log.followed,
        "backlog": log.backlog,
        "malformed": log.malformed,
        "audited_at": log.audited_at,
        "audit": log.outcome,
        "distrusted": log.distrusted,
        "distrusted_reason": log.distrusted_reason,
    }


def head_facts(head: Head) -> dict[str, Any]:
    """Return a tree head's facts for JSON."""
    return {
        "tree_size": head.tree_size,
        "timestamp": head.timestamp,
        "sha256_root_hash": head.root_hash,
        "tree_head_signature": head.signature,
        "seen_at": head.seen_at,
        "root_rebuilt": head.rebuilt,
    }
