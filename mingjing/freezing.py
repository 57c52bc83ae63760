"""The end of a log: what will happen is said first, then its state changes and its final head is signed."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mingjing import own_log, publisher
from mingjing.config import Config
from mingjing.errors import MingjingError
from mingjing.rooms import DEMO_PREFIX, PROMISES, key_store, lock_directory

if TYPE_CHECKING:
    from tlog.ct import LogState
    from tlog.head import Head

FINAL_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """What freezing a log means. ``needed`` is false for one that is in that state already."""

    name: str
    directory: Path
    state: "LogState"
    needed: bool
    facts: dict[str, Any]
    sentences: list[str]


def plan(data: Path, name: str, *, retire: bool) -> Plan:
    """Return what would happen; raises ConfigError for an unknown log."""
    from tlog.ct import LogState, load_settings

    directory = own_log.directory_of(data, name)
    settings, head = load_settings(directory), _head(directory)
    size = "an unreadable tree head" if head is None else f"{head.size:,} entries"
    state = LogState.RETIRED if retire else LogState.READ_ONLY
    needed = settings.state not in {state, LogState.RETIRED}
    becomes = str(state if needed else settings.state)
    facts: dict[str, Any] = {"name": name, "state": str(settings.state), "becomes": becomes}
    if needed:
        sentences = [
            f"The log {name} is {settings.state}, with {size}. It becomes {state}, for good:",
            "it takes no more submissions and signs a final tree head.",
            "What it promised stays good, and it is served as before.",
        ]
    else:
        state, sentences = settings.state, [f"The log {name} is {settings.state} already."]
    if needed and settings.state.admits:
        sentences += _consequence(data, name)
    facts |= {} if head is None else own_log.head_facts(head)
    return Plan(name, directory, state, needed, facts, sentences)


def _head(directory: Path) -> "Head | None":
    """Return the published head; None for a log too damaged to show one, which can still be retired."""
    from tlog.ct import published_head
    from tlog.errors import DamagedTree, StorageError

    try:
        return published_head(directory)
    except (DamagedTree, StorageError):
        return None


def _consequence(data: Path, name: str) -> list[str]:
    """Say so when the issuer would be left without logs."""
    others = own_log.others_that_take(data, name)
    if name.startswith(DEMO_PREFIX) or len(others) >= PROMISES:
        return []
    left = ", ".join(others) or "none"
    said = f"Certificates need promises of {PROMISES} logs; left would be {left}, so none could be issued "
    return [f"{said}until another log is made: see `mingjing log create --help`."]


def freeze(data: Path, settings: Config, planned: Plan) -> dict[str, Any]:
    """Freeze the log and return its final head for JSON; repeating it completes one that was cut short.

    What a crash leaves: after the state is written, a log that admits nothing, whose final head is signed by
    whoever opens it next; after that, a log list that the scheduler brings up to date.
    """
    from tlog.ct import LogState, change_state
    from tlog.errors import TlogError

    if planned.needed:
        change_state(planned.directory, planned.state)
    facts: dict[str, Any] = {"name": planned.name, "state": str(planned.state), "final_tree_head": None}
    try:
        facts["final_tree_head"] = own_log.head_facts(_final(data, planned))
    except TlogError as error:
        if planned.state is not LogState.RETIRED:
            raise
        facts["problem"] = str(error)  # a log that cannot be started again is what retiring is for
    finally:
        publisher.refresh_log_lists(data, settings, datetime.now(UTC))
    return facts


def _final(data: Path, planned: Plan) -> "Head":
    """Return the final head, which the running service signs, or this process where none runs."""
    from tlog.ct import final_head

    deadline = time.monotonic() + FINAL_SECONDS
    while (final := final_head(planned.directory)) is None:
        if time.monotonic() > deadline:
            raise MingjingError(
                f"the log {planned.name} takes no more submissions, but its final head is not signed after "
                f"{FINAL_SECONDS:.0f} s: see `mingjing status`, then run this again."
            )
        if not _sign_final(data, planned):
            time.sleep(_POLL_SECONDS)
    return final


def _sign_final(data: Path, planned: Plan) -> bool:
    """Open the log as its writer, which merges what a crash left, and freeze it; False where one runs."""
    from tlog.ct import CtLog
    from tlog.errors import WriterActive

    try:
        key = key_store(data, "logs").open(planned.name)
        log = CtLog(planned.directory, key, lock_directory=lock_directory(data))
    except WriterActive:
        return False
    try:
        log.freeze(planned.state)
    finally:
        log.close()
    return True
