"""log.toml: what a log is and in which state, written when it is made and when its state changes."""

import dataclasses
import json
import logging
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from tlog.ct.errors import LogSettingsError
from tlog.ct.usages import usage_oid
from tlog.ct.watch import WatchedFile
from tlog.storage import DirectoryStore

logger = logging.getLogger(__name__)

FILE_NAME = "log.toml"
VERSION = 1


class LogState(StrEnum):
    """The life of a log, in the words of log list v3."""

    PENDING = "pending"
    QUALIFIED = "qualified"
    USABLE = "usable"
    READ_ONLY = "readonly"
    RETIRED = "retired"

    @property
    def admits(self) -> bool:
        """Whether a log in this state takes submissions."""
        return self not in {LogState.READ_ONLY, LogState.RETIRED}


@dataclass(frozen=True, slots=True)
class FormerOperator:
    """Who ran a log before, until ``end_time``."""

    name: str
    end_time: datetime


@dataclass(frozen=True, slots=True)
class LogSettings:
    """One log. Fixed for its life: name, origin, key, the temporal interval; the state changes.

    ``operator`` is who runs it, empty for whoever runs the service. ``eku`` are the extended key usages
    (OIDs) of which a certificate must have one; none named: any certificate. A change of these two and of
    the operators before takes effect where the file is read: the log list at once, a running log when it
    starts again.
    """

    name: str
    origin: str
    key: bytes  # SubjectPublicKeyInfo
    description: str
    state: LogState = LogState.USABLE
    state_since: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    merge_delay: timedelta = timedelta(seconds=60)
    not_after_from: datetime | None = None
    not_after_until: datetime | None = None
    operator: str = ""
    previous_operators: tuple[FormerOperator, ...] = ()
    eku: tuple[str, ...] = ()

    def takes(self, not_after: datetime) -> bool:
        """Whether a certificate that ends then belongs into this shard (from inclusive, until exclusive)."""
        return (self.not_after_from is None or self.not_after_from <= not_after) and (
            self.not_after_until is None or not_after < self.not_after_until
        )


def load_settings(directory: Path) -> LogSettings:
    """Read ``directory/log.toml``; raises LogSettingsError with what is wrong."""
    path = directory / FILE_NAME
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise LogSettingsError(f"could not read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LogSettingsError(f"{path} is not TOML: {error}") from error
    if table.get("version") != VERSION:
        raise LogSettingsError(
            f"{path}: expected version = {VERSION}; a newer mingjing may have made this log"
        )
    try:
        return LogSettings(
            name=table["name"],
            origin=table["origin"],
            key=bytes.fromhex(table["key"]),
            description=table["description"],
            state=LogState(table["state"]),
            state_since=_time(table["state_since"]),
            merge_delay=timedelta(seconds=table["merge_delay"]),
            not_after_from=_optional_time(table.get("from")),
            not_after_until=_optional_time(table.get("until")),
            operator=_text(table.get("operator", "")),
            previous_operators=tuple(map(_former_operator, table.get("previous_operators", ()))),
            eku=tuple(usage_oid(_text(usage)) for usage in table.get("eku", ())),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise LogSettingsError(f"{path}: missing or wrong value: {error}") from error


def save_settings(directory: Path, settings: LogSettings) -> None:
    """Write ``directory/log.toml`` atomically; raises StorageError."""
    DirectoryStore(directory).replace(FILE_NAME, _render(settings).encode())


def change_state(directory: Path, state: LogState) -> LogSettings:
    """Record another state in ``log.toml``; a running log takes it up within a second.

    A log that has stopped admitting never starts again, nor does a retired one come back: raises
    LogSettingsError.
    """
    settings = load_settings(directory)
    if (state.admits and not settings.state.admits) or settings.state is LogState.RETIRED:
        raise LogSettingsError(f"the log {settings.name} is {settings.state}, which is for good")
    changed = dataclasses.replace(settings, state=state, state_since=datetime.now(UTC).replace(microsecond=0))
    save_settings(directory, changed)
    return changed


class SettingsFile:
    """log.toml as a running log sees it: looked at again each second, for its state only."""

    def __init__(self, directory: Path) -> None:
        self._file = WatchedFile(directory / FILE_NAME)
        self._directory = directory
        self._settings = load_settings(directory)

    def current(self) -> LogSettings:
        """Return the settings in force. A file that turns bad is reported, and not taken."""
        if self._file.changed():
            try:
                found = load_settings(self._directory)
            except LogSettingsError as error:
                logger.error("%s; the state known before stays in force", error)  # noqa: TRY400 -- expected
                return self._settings
            if found.state.admits and not self._settings.state.admits:
                logger.error("%s: a log that stopped admitting never starts again", self._directory)
                return self._settings
            self._settings = dataclasses.replace(
                self._settings, state=found.state, state_since=found.state_since
            )
        return self._settings

    def change(self, state: LogState) -> None:
        """Record another state, in force at once; raises LogSettingsError."""
        self._settings = change_state(self._directory, state)


def _render(settings: LogSettings) -> str:
    lines = [
        "# A transparency log. Everything but the state is fixed: promises and clients depend on it.",
        f"version = {VERSION}",
        f"name = {_string(settings.name)}",
        f"origin = {_string(settings.origin)}  # the first line of every checkpoint",
        f"key = {_string(settings.key.hex())}  # SubjectPublicKeyInfo",
        f"description = {_string(settings.description)}",
        f"merge_delay = {settings.merge_delay.total_seconds():.0f}  # seconds",
        f"state = {_string(settings.state)}  # pending, qualified, usable, readonly (frozen), retired",
        f"state_since = {settings.state_since.isoformat()}",
    ]
    if settings.not_after_from:
        lines.append(f"from = {settings.not_after_from.isoformat()}  # certificates that end from here on")
    if settings.not_after_until:
        lines.append(f"until = {settings.not_after_until.isoformat()}  # and before this time")
    if settings.operator:
        lines.append(f"operator = {_string(settings.operator)}  # who runs it, in the log list")
    if settings.previous_operators:
        former = ", ".join(
            f"{{ name = {_string(before.name)}, end_time = {before.end_time.isoformat()} }}"
            for before in settings.previous_operators
        )
        lines.append(f"previous_operators = [{former}]")
    if settings.eku:
        usages = ", ".join(_string(usage) for usage in settings.eku)
        lines.append(f"eku = [{usages}]  # a certificate must have one of these extended key usages")
    return "\n".join(lines) + "\n"


def _string(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # a JSON string is a TOML basic string


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text in quotes, got {value!r}")
    return value


def _former_operator(value: object) -> FormerOperator:
    if not isinstance(value, dict):
        raise TypeError(f"expected {{ name, end_time }} of a previous operator, got {value!r}")
    return FormerOperator(_text(value["name"]), _time(value["end_time"]))


def _time(value: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"expected a time with its zone, got {value!r}")
    return value


def _optional_time(value: object) -> datetime | None:
    return None if value is None else _time(value)
