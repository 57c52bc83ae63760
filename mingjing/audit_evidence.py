"""Evidence files: verified from their bytes alone, and written for the alerts that are open."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mingjing import output
from mingjing.config import Config, replace_file
from mingjing.errors import ConfigError

if TYPE_CHECKING:
    from monitor.evidence import EvidenceFiles
    from monitor.values import Alert
    from verifier.transparency.evidence import Examination

MOST = 1000  # files in one export


def verify(arguments: argparse.Namespace) -> int:
    """Verify files offline, step by step; 0 when each proves its offence, 1 when one does not."""
    examined = [(name, _examine(Path(name))) for name in arguments.evidence]
    if arguments.json:
        output.emit_json([_as_json(name, found) for name, found in examined])
    else:
        print("\n\n".join(_text(name, found) for name, found in examined))
    return 0 if all(found.result == "proven" for _, found in examined) else 1


def _examine(path: Path) -> "Examination":
    from verifier.errors import VerifierError
    from verifier.transparency.evidence import MAX_EVIDENCE_SIZE, Evidence, examine

    try:
        if path.stat().st_size > MAX_EVIDENCE_SIZE:
            raise ConfigError(f"{path}: expected at most {MAX_EVIDENCE_SIZE:,} bytes.")
        return examine(Evidence.parse(path.read_bytes()), datetime.now(UTC))
    except OSError as error:
        raise ConfigError(f"could not read {path}: {error.strerror}.") from None
    except VerifierError as error:
        raise ConfigError(f"{path} is no evidence file: {error}.") from None


def _text(name: str, found: "Examination") -> str:
    evidence, steps = found.evidence, found.steps
    log = evidence.log
    operator = output.safe(log.operator) or "an unnamed operator"
    lines = [
        f"{output.safe(name)}: {output.safe(evidence.code)}",
        f"  recorded {evidence.recorded_at:%Y-%m-%d %H:%M:%S} UTC of log {output.safe(log.name)}, {operator}",
        f"  LogID {log.key.key_id.hex()}: compare it with your own log list, a proof binds this key",
        *(f"  {output.mark(step.holds)} {output.safe(step.text)}" for step in steps),
        output.colour(output.safe(found.conclusion), "bold"),
    ]
    return "\n".join(lines)


def _as_json(name: str, found: "Examination") -> dict[str, Any]:
    return {
        "file": name,
        "code": found.evidence.code,
        "log": found.evidence.log.name,
        "log_id": found.evidence.log.key.key_id.hex(),
        "recorded_at": found.evidence.recorded_at.isoformat(),
        "result": str(found.result),
        "conclusion": found.conclusion,
        "steps": [{"holds": step.holds, "text": step.text} for step in found.steps],
    }


def export(into: str, directory: Path, settings: Config) -> None:
    """Write one evidence file for every open alert; says on stderr what was written."""
    from mingjing.rooms import monitor, room_errors

    folder = Path(into)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with room_errors():
            opened = monitor(directory, settings, read_only=True)
            try:
                for alert in opened.alerts(limit=MOST):
                    if not alert.acknowledged:
                        _write(folder, alert, opened.evidence)
            finally:
                opened.close()
    except OSError as error:
        raise ConfigError(f"could not write to {folder}: {error.strerror}.") from None


def _write(folder: Path, alert: "Alert", files: "EvidenceFiles") -> None:
    """The strongest evidence under the alert's own name, and beside it the first and the newest if others."""
    name = f"mingjing-{alert.log}-{alert.code}-{alert.id}"
    best, kept = files.evidence(alert.id), files.kept(alert.id)
    for evidence in kept:
        which = "" if evidence == best else "-first" if evidence is kept[0] else "-newest"
        path, whole = folder / f"{name}{which}.json", files.completed(evidence)
        replace_file(path, whole.encode())
        output.talk(f"{path}: {whole.standing} of {whole.recorded_at:%Y-%m-%d %H:%M:%S} UTC")
