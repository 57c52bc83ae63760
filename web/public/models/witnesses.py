"""Who cosigns a log's tree heads (C2SP tlog-witness), as the last audit found it, witness by witness."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from monitor.values import AuditFinding, LogState
from web.public.language import quoted, say
from web.public.models.logs import check_shown
from web.public.state import Said, State
from web.public.text import plural

_ORIGIN: Final = re.compile(r"/[0-9a-f]{64}/checkpoint")
"""Where a witness serves its checkpoints of a log: below the hash of the log's origin."""
_CODES: Final = frozenset({"witnessed", "witnesses-awaited", "witnesses-too-few"})


@dataclass(frozen=True, slots=True)
class WitnessShown:
    """One configured witness: the largest tree that it cosigned, when, and whether that is enough by now."""

    name: str
    vkey: str
    tree_size: int | None
    cosigned_at: datetime | None
    said: Said


@dataclass(frozen=True, slots=True)
class Witnessing:
    """All witnesses of one log. ``said`` is the audit's sentence; None where no witness is configured."""

    said: Said | None
    required: int
    witnesses: tuple[WitnessShown, ...]


def witnessing(log: LogState) -> Witnessing:
    """Return what the last audit says of the log's witnesses."""
    findings = log.last_report.findings if log.last_report else ()
    found = next((finding for finding in findings if finding.code.value in _CODES), None)
    if found is None:
        return Witnessing(None, 0, ())
    evidence = found.evidence
    owed = evidence.get("owed", {}).get("tree_size", 0)
    witnesses = tuple(_shown(one, owed) for one in evidence.get("witnesses", ()))
    return Witnessing(_whole(found, witnesses, evidence), evidence.get("required", 0), witnesses)


def _whole(found: AuditFinding, witnesses: Sequence[WitnessShown], evidence: Mapping[str, Any]) -> Said:
    """Say how all of them stand; an audit of an older program has only its own sentence."""
    check = check_shown(found)
    if not witnesses:
        return Said(check.state, check.detail)
    covering = sum(one.said.state is State.TRUSTED for one in witnesses)
    words = say(
        "{covering} of {all} cosigned the whole tree that is due; the audit asks for {required}.",
        covering=f"{covering}",
        all=plural(len(witnesses), "witness", "witnesses"),
        required=evidence["required"],
    )
    return Said(check.state, words)


def _shown(one: Mapping[str, Any], owed: int) -> WitnessShown:
    at = datetime.fromisoformat(one["cosigned_at"]) if one["cosigned_at"] else None
    return WitnessShown(one["vkey"].partition("+")[0], one["vkey"], one["tree_size"], at, _said(one, owed))


def _said(one: Mapping[str, Any], owed: int) -> Said:
    if one["tree_size"] is None:
        if not one["trouble"]:
            return Said(State.UNKNOWN, say("It has not cosigned this log yet."))
        reason = quoted(_ORIGIN.sub("/…/checkpoint", one["trouble"]))
        return Said(State.UNKNOWN, say("No cosignature that counts: {reason}", reason=reason))
    if one["tree_size"] >= owed:
        return Said(State.TRUSTED, say("Its cosignature verifies and holds every entry that is due."))
    behind = "Its cosignature verifies, but the first {owed} entries are due by now."
    return Said(State.UNKNOWN, say(behind, owed=f"{owed:,}"))


def witness_facts(found: Witnessing) -> dict[str, Any]:
    """Return the witnesses of a log for JSON."""
    return {
        "state": found.said.state if found.said else None,
        "sentence": found.said.sentence if found.said else say("No witness is configured for this log."),
        "required": found.required,
        "witnesses": [
            {
                "name": one.name,
                "vkey": one.vkey,
                "state": one.said.state,
                "sentence": one.said.sentence,
                "tree_size": one.tree_size,
                "cosigned_at": one.cosigned_at,
            }
            for one in found.witnesses
        ],
    }
