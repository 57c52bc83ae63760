"""What a person does about audits: looks at alerts and progress, acknowledges, trusts a log again."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mingjing import output
from mingjing.config import Config
from mingjing.errors import ConfigError

if TYPE_CHECKING:
    from monitor import Monitor
    from monitor.values import Alert

MOST = 1000


@contextmanager
def _monitor(directory: Path, settings: Config, *, read_only: bool) -> "Iterator[Monitor]":
    from mingjing.rooms import monitor, room_errors

    with room_errors():
        opened = monitor(directory, settings, read_only=read_only)
        try:
            yield opened
        finally:
            opened.close()


def _names(opened: "Monitor", wanted: Sequence[str]) -> list[str]:
    """The logs that were named, or all; raises ConfigError for one that is not followed."""
    followed = [state.name for state in opened.logs()]
    unknown = next((name for name in wanted if name not in followed), None)
    if unknown is not None:
        raise ConfigError(
            f"no log named {unknown!r} is followed; there are: {', '.join(followed) or 'none'}."
        )
    return list(wanted) or followed


def alerts(arguments: argparse.Namespace, directory: Path, settings: Config) -> int:
    """List the open alerts; 1 when there is any."""
    with _monitor(directory, settings, read_only=True) as opened:
        names = _names(opened, arguments.log)
        found = [alert for alert in opened.alerts(limit=MOST) if not alert.acknowledged]
        found = [alert for alert in found if alert.log in names]
        shown = [_alert(opened, alert) for alert in found]
    if arguments.json:
        output.emit_json(shown)
    elif shown:
        rows = [
            (
                *(str(a["id"]), a["log"], a["code"], a["last_at"][:16].replace("T", " ")),
                *(f"{a['count']}×", a["standing"], output.safe(a["detail"])),
            )
            for a in shown
        ]
        print(output.table(rows, ("ID", "log", "code", "last (UTC)", "times", "shown as", "what")))
    else:
        output.talk("No alert is open.")
    return 1 if shown else 0


def _alert(opened: "Monitor", alert: "Alert") -> dict[str, Any]:
    notes, evidence = opened.evidence.notes(alert.id), opened.evidence.evidence(alert.id)
    return {
        "id": alert.id,
        "log": alert.log,
        "code": str(alert.code),
        "detail": alert.detail,
        "first_at": alert.first_at.isoformat(),
        "last_at": alert.last_at.isoformat(),
        "count": alert.count,
        "distrusting": alert.distrusting,
        "standing": evidence.standing if evidence else "",
        "notes": [{"at": note.at.isoformat(), "text": note.text} for note in notes],
    }


def acknowledge(arguments: argparse.Namespace, directory: Path, settings: Config) -> int:
    """Mark one alert as looked at."""
    with _monitor(directory, settings, read_only=False) as opened:
        opened.evidence.acknowledge(arguments.acknowledge, arguments.note, datetime.now(UTC))
    output.talk(f"Alert {arguments.acknowledge} is acknowledged. Should it happen again, it is open again.")
    return 0


def trust_again(arguments: argparse.Namespace, directory: Path, settings: Config) -> int:
    """Take a log's distrust mark away."""
    with _monitor(directory, settings, read_only=False) as opened:
        opened.evidence.trust_again(arguments.trust_again, arguments.note, datetime.now(UTC))
    output.talk(f"{arguments.trust_again} counts again; clients learn it with the next trust bundle.")
    return 0


def progress(arguments: argparse.Namespace, directory: Path, settings: Config) -> int:
    """Show how far each log was read, and how its endpoints answered."""
    with _monitor(directory, settings, read_only=True) as opened:
        shown = [_progress(opened, name) for name in _names(opened, arguments.log)]
    if arguments.json:
        output.emit_json(shown)
        return 0
    for log in shown:
        odd = f", {log['malformed']:,} malformed" if log["malformed"] else ""
        print(f"log {log['log']}: {_following_text(log['following'])}{odd}")
        print(f"  {_scts_text(log['scts'])}")
        rows = [
            (
                output.mark(row["meets"]),
                row["endpoint"],
                f"{row['ratio']:.2%}",
                f"{row['ok'] + row['failed']:,} asked",
                "" if row["latency"] is None else f"{row['latency'] * 1000:.0f} ms",
            )
            for row in log["availability"]
        ]
        print(output.table(rows, indent="  ") or "  nothing was asked of it yet")
    return 0


def _progress(opened: "Monitor", name: str) -> dict[str, Any]:
    following, checked = opened.observations.following(name), opened.observations.checked(name)
    state = opened.log(name)
    return {
        "log": name,
        "malformed": state.malformed if state else 0,
        "scts": {
            "kept": checked.tally.kept,
            "broken": checked.tally.broken,
            "waiting": checked.tally.waiting,
            "certificates_checked": checked.position,
            "certificates": checked.certificates,
        },
        "following": None
        if following is None
        else {
            "position": following.position,
            "target": following.target,
            "backlog": following.backlog,
            "rate": round(following.rate, 1),
            "seconds_left": following.left,
            "at": following.at.isoformat(),
        },
        "availability": [
            {
                "endpoint": row.endpoint,
                "ok": row.ok,
                "failed": row.failed,
                "ratio": row.ratio,
                "meets": row.meets,
                "latency": row.latency,
                "since": row.since.isoformat(),
            }
            for row in opened.observations.availability(name, datetime.now(UTC))
        ],
    }


def _following_text(following: Mapping[str, Any] | None) -> str:
    from monitor.values import in_words

    if following is None:
        return "not read yet"
    left, at = following["seconds_left"], following["at"][:19].replace("T", " ")
    rest = f", {in_words(left)} left" if left and following["backlog"] else ""
    return (
        f"{following['position']:,} of {following['target']:,} entries read,"
        f" backlog {following['backlog']:,}, {following['rate']:,.0f}/s{rest} (at {at} UTC)"
    )


def _scts_text(scts: Mapping[str, int]) -> str:
    return (
        f"its SCTs, checked in {scts['certificates_checked']:,} of {scts['certificates']:,} certificates:"
        f" {scts['kept']:,} kept, {scts['broken']:,} not kept, {scts['waiting']:,} not due yet"
    )


def shown_following(directory: Path, settings: Config) -> None:
    """Say on stderr where reading stands, for logs that are still being read."""
    with _monitor(directory, settings, read_only=True) as opened:
        for state in opened.logs():
            following = opened.observations.following(state.name)
            if following is not None and following.backlog:
                output.talk(f"{state.name}: {_following_text(_progress(opened, state.name)['following'])}")


Action = Callable[[argparse.Namespace, Path, Config], int]
ACTIONS: Final[Mapping[str, Action]] = {
    "alerts": alerts,
    "progress": progress,
    "acknowledge": acknowledge,
    "trust_again": trust_again,
}
