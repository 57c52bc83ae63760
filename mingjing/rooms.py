"""The rooms below, opened on one data directory with its settings."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mingjing.config import LOG_NAMES, Config
from mingjing.errors import ConfigError, DataError, MingjingError, Unreachable
from mingjing.witnesses import witness_policy

if TYPE_CHECKING:
    from issuer.authority import Authority, LogEndpoint
    from keys import FileKeyStore
    from monitor import Monitor
    from monitor.values import AuditReport
    from verifier.transparency.log_list import Log, LogList

DEMO_PREFIX = "demo-"
PROMISES = 2
"""How many logs promise each certificate at least: what the policy of the pinned domain asks for."""
_ROOMS = frozenset({"verifier", "keys", "tlog", "issuer", "monitor", "proxy_addon", "web"})
UNREACHABLE = frozenset({
    "issuer.errors.LogSubmissionFailed",
    "monitor.errors.SourceError",
    "tlog.errors.Unavailable",
})
WRONG_CALL = frozenset({
    "issuer.errors.DeliveryError",
    "issuer.errors.RequestRefused",
    "issuer.errors.StoreError",
    "issuer.errors.UnknownCertificate",
    "monitor.errors.QueryError",
    "monitor.errors.StoreError",
    "monitor.errors.UnknownLog",
    "monitor.evidence.files.UnknownAlert",
    "proxy_addon.errors.SettingsError",
    "verifier.errors.PolicyError",
})
"""By name, since a command must not load the rooms that it does not need; a test holds that each is there."""


@contextmanager
def room_errors() -> Iterator[None]:
    """Turn an error of any room below into ours: its sentence, and the exit code that fits."""
    try:
        yield
    except Exception as error:
        if isinstance(error, sqlite3.OperationalError):
            raise DataError(f"could not use the database: {error}.") from error
        family = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
        if type(error).__module__.partition(".")[0] not in _ROOMS:
            raise
        if family & UNREACHABLE:
            raise Unreachable(str(error)) from error
        if family & WRONG_CALL:
            raise ConfigError(str(error)) from error
        raise MingjingError(str(error)) from error


def first_logs(settings: Config) -> tuple[str, ...]:
    """Return the logs that ``init`` makes; the demo has two more, whose promises are never kept."""
    return (*LOG_NAMES, *(f"{DEMO_PREFIX}{name}" for name in LOG_NAMES)) if settings.demo else LOG_NAMES


def log_names(data: Path) -> tuple[str, ...]:
    """Return the names of this directory's logs, init's first: whatever has a logs/NAME/log.toml."""
    names = {path.parent.name for path in (data / "logs").glob("*/log.toml")}
    order = {name: at for at, name in enumerate(LOG_NAMES)}
    return tuple(
        sorted(names, key=lambda name: (name.startswith(DEMO_PREFIX), order.get(name, len(order)), name))
    )


def lock_directory(data: Path) -> Path:
    """Return where the locks of the logs lie: outside logs/, so that a copy of logs/ brought back is noticed.

    The locks of a directory made before this was so are moved there; raises WriterActive while one is held.
    """
    from tlog.lock import move_head

    locks = data / "log-heads"
    locks.mkdir(exist_ok=True)
    for old in (data / "logs").glob("*.head"):
        if not (locks / old.name).exists():
            move_head(old.stem, old.parent, locks)
    return locks


def key_store(data: Path, service: str) -> "FileKeyStore":
    """Open the keys of one service, and of no other."""
    from keys import FileKeyStore

    return FileKeyStore(data / "keys", service)


def own_log_list(data: Path) -> "LogList":
    """Return the logs of this service, as its log list names them."""
    from verifier.errors import MalformedInput
    from verifier.transparency.log_list import parse_log_list

    path = data / "log-list.json"
    try:
        return parse_log_list(path.read_bytes(), "own")
    except MalformedInput as error:
        raise DataError(f"{path} cannot be read as the list of our {error}") from None
    except OSError as error:
        raise DataError(f"could not read {path}: {error.strerror}. Run `mingjing init`.") from None


def log_name(log: "Log") -> str:
    """Return a log's short name: the last part of its address."""
    return str(log.url or log.submission_url).rstrip("/").rpartition("/")[2]


@contextmanager
def authority(data: Path, settings: Config) -> "Iterator[Authority]":
    """Open the issuing authority; it asks our logs for promises, each at its address on this machine."""
    from issuer.authority import Authority, AuthoritySettings
    from issuer.store import IssuerStore

    told = AuthoritySettings(
        org=settings.org,
        domain=settings.domain,
        public_url=settings.public_url,
        logs=_endpoints(data, settings),
        promises=len(settings.ask) or PROMISES,
        demo=settings.demo,
    )
    with IssuerStore(data / "issuer.db") as store:
        yield Authority(data, key_store(data, "issuer"), store, told)


def _endpoints(data: Path, settings: Config) -> "tuple[LogEndpoint, ...]":
    """Return the logs that the issuer may ask: those that mingjing.toml names, else all; usable ones only."""
    from verifier.transparency.log_list import LogState

    listed = {log_name(log): log for log in own_log_list(data).logs}
    names = settings.ask or tuple(name for name in listed if not name.startswith(DEMO_PREFIX))
    askable = {LogState.QUALIFIED, LogState.USABLE}
    return tuple(
        _endpoint(name, listed[name], settings)
        for name in names
        if name in listed and listed[name].state in askable
    )


def _endpoint(name: str, log: "Log", settings: Config) -> "LogEndpoint":
    from issuer.authority import LogEndpoint

    kind = name if settings.ask else str(log.key.algorithm)
    return LogEndpoint(name, settings.local(str(log.submission_url)), log.key, kind, log.temporal_interval)


def monitor(data: Path, settings: Config, *, read_only: bool) -> "Monitor":
    """Open the monitor's database and log list."""
    from monitor import Monitor

    return Monitor.open(
        data / "monitor.db",
        read_only=read_only,
        operator=settings.operator,
        local=settings.local_urls(),
        vantages=settings.vantages,
        witnesses=None if read_only else witness_policy(settings),
    )


def audit(
    data: Path, settings: Config, logs: Sequence[str], progress: Callable[[str], None]
) -> "tuple[AuditReport, ...]":
    """Audit the named logs of our log list, or all of them, now."""
    watching = monitor(data, settings, read_only=False)
    try:
        watching.watch(own_log_list(data))
        return watching.audit_now(logs, progress)
    finally:
        watching.close()


def distrusted_logs(data: Path, settings: Config) -> frozenset[bytes]:
    """Return the LogIDs of the logs that the auditor found guilty."""
    watching = monitor(data, settings, read_only=True)
    try:
        return watching.distrusted_logs()
    finally:
        watching.close()
