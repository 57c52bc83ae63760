"""A log whose heads others were shown too, and which witnesses cosign: what its page may have to tell."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask

from monitor import Monitor
from monitor.values import AuditCode, AuditFinding, AuditOutcome, AuditReport, FindingOutcome
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.transparency.merkle import root_of
from verifier.transparency.tree_head import SignedTreeHead, sign_tree_head
from web.public import create_app

from .conftest import SmallLog, World

WITNESS, CLIENT, VANTAGE = (
    "the witness witness.example/w1",
    "a client",
    "http://user:secret@lisbon.example:3128",
)
AHEAD = timedelta(minutes=10)


def head_of(log: SmallLog, size: int, back: float, root: bytes | None = None) -> SignedTreeHead:
    """Return a head of that log, signed ``back`` seconds ago."""
    moment = int((time.time() - back) * 1000)
    return sign_tree_head(size, moment, root or root_of(log.hashes[:size]), log.key)


def show_heads(world: World, monitor: Monitor) -> None:
    """Let others see heads of the SM2 log: three agree, one waits, and one is not the log's."""
    log, size = world.logs.logs["sm2"], len(world.logs.logs["sm2"].entries)
    row = monitor.auditing._logs.get("sm2").id
    now = datetime.now(UTC)
    seen = monitor.observations.add_head
    seen(row, head_of(log, size - 8, 9), WITNESS, now)
    seen(row, head_of(log, size - 4, 5), WITNESS, now)
    seen(row, head_of(log, size - 4, 4), CLIENT, now)
    seen(row, head_of(log, size + 7, -AHEAD.total_seconds(), bytes(32)), VANTAGE, now)
    stranger = SmallLog("sm2", PrivateKey.generate(KeyAlgorithm.SM2), log.entries)
    seen(row, head_of(stranger, size, 1), CLIENT, now)
    monitor.audit_now(["sm2"])


def witnesses_finding(size: int) -> AuditFinding:
    """Return a finding on three witnesses: one is with the log, one behind, one never answered."""
    now = datetime.now(UTC)
    told: dict[str, Any] = {
        "required": 1,
        "owed": {"tree_size": size},
        "witnesses": [
            _witness("witness.example/w1", size, now),
            _witness("other.example/w2", size - 9, now - timedelta(minutes=7)),
            _witness("third.example/w", None, None, "https://third.example/x: status 404, expected 200"),
        ],
    }
    detail = "1 witnesses have cosigned the tree, 1 are required: witness.example/w1."
    return AuditFinding(AuditCode.WITNESSED, FindingOutcome.PASSED, detail, "C2SP tlog-witness", told)


def _witness(name: str, size: int | None, at: datetime | None, trouble: str | None = None) -> dict[str, Any]:
    return {
        "vkey": f"{name}+0123abcd+AA",
        "tree_size": size,
        "cosigned_at": at.isoformat() if at else None,
        "trouble": trouble,
    }


def keep_witnesses(world: World, monitor: Monitor) -> None:
    """Keep an audit of the SM2 log that asked three witnesses."""
    log, now = world.logs.logs["sm2"], datetime.now(UTC)
    (last,) = monitor.audits("sm2", limit=1)
    findings = (*last.findings, witnesses_finding(len(log.entries)))
    row = monitor.auditing._logs.get("sm2").id
    monitor._audits.keep(
        row, AuditReport("sm2", now, now, AuditOutcome.CONSISTENT, findings, last.tree_size, 0)
    )


def make_accused(world: World, folder: Path) -> Flask:
    """Make a site over a monitor that caught the SM2 log with a second root for one size."""
    with world.copied(folder) as monitor, world.logs.logs["sm2"].lying():
        monitor.audit_now(["sm2"])
    return create_app(world.settings(data=folder))
