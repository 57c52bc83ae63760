"""Which logs are open: those of the data directory, new ones while the service runs, each for itself."""

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from mingjing.config import Config
from mingjing.errors import MingjingError
from mingjing.rooms import key_store, lock_directory, log_names
from mingjing.witnesses import witness_addresses

if TYPE_CHECKING:
    from tlog.ct import CtLog, ServedLog

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 10.0
"""How long a log that could not be started is left alone before it is tried again."""

HELD: Final = "another process is this log's writer"
"""What the world is told then; which process, and since when, is for the service's own log."""


class LogKeeper:
    """Opens every log that the directory holds, and looks each second for new ones and changed states.

    A log that refuses to start stops no other: in its place stands one that says why, and it is tried again.
    Entering raises MingjingError when another process writes every log: a second service ends at once.
    ``served`` is the mapping that the server answers from; only this object changes it.
    """

    def __init__(self, data: Path, settings: Config) -> None:
        from tlog.pool import Limits

        self._data = data
        self._witnesses = witness_addresses(settings)
        self._ask_first = settings.witnesses.ask_first_seconds
        self._keys = key_store(data, "logs")
        self._locks = lock_directory(data)
        self._limits = Limits(period=settings.flush_interval, head_age=max(1.0, settings.audit_interval / 2))
        self._open: dict[str, CtLog] = {}
        self._retry: dict[str, float] = {}  # when (monotonic) a log that refused is tried again
        self._held: dict[str, str] = {}  # by which process a log that refused is written
        self.served: dict[str, ServedLog] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log keeper", daemon=True)

    def __enter__(self) -> Self:
        self.look()
        if self._held and self._held.keys() == self.served.keys():
            raise MingjingError(f"No log of {self._data} is free: {next(iter(self._held.values()))}")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for log in self._open.values():
            log.close()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self.look()
            except Exception:  # the logs that are open go on
                logger.exception("could not look after the logs")

    def look(self) -> None:
        """Open what is new and let every open log follow its log.toml, which a person may have changed."""
        names = log_names(self._data)
        for gone in [name for name in self.served if name not in names and name not in self._open]:
            del self.served[gone]
        for name in names:
            if name not in self._open and time.monotonic() >= self._retry.get(name, 0.0):
                self._start(name)
        for log in self._open.values():
            _ = log.settings  # reading the state is what makes a running log stop admitting

    def _start(self, name: str) -> None:
        try:
            self._open[name] = self.served[name] = self._opened(name)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the other logs must not suffer
            self._retry[name] = time.monotonic() + RETRY_SECONDS
            self._refused(name, error)
        else:
            if self._held.pop(name, None):
                logger.warning("the process that wrote the log %s has ended; this one writes it now", name)
            logger.info("the log %s is open at %d entries", name, self._open[name].get_sth().tree_size)

    def _opened(self, name: str) -> "CtLog":
        from tlog.ct import CtLog, LogSettingsError, load_settings

        directory = self._data / "logs" / name
        if (told := load_settings(directory).name) != name:
            raise LogSettingsError(
                f"logs/{name}/log.toml is that of the log {told}: keep copies of a log outside logs/"
            )
        return CtLog(
            directory,
            self._keys.open(name),
            limits=self._limits,
            witnesses=self._witnesses,
            ask_first=self._ask_first,
            lock_directory=self._locks,
        )

    def _refused(self, name: str, error: Exception) -> None:
        from tlog.ct import ClosedLog
        from tlog.errors import WriterActive

        self._held.pop(name, None)
        reason = str(error).replace(f"{self._data}/", "") or type(error).__name__
        if isinstance(error, WriterActive):
            self._held[name], reason = reason, HELD
        before = self.served.get(name)
        self.served[name] = ClosedLog(self._data / "logs" / name, reason, lock_directory=self._locks)
        if before is None or before.trouble != reason:
            logger.critical("the log %s is not open: %s", name, error, exc_info=_unexpected(error))


def _unexpected(error: Exception) -> Exception | None:
    """Return the error if no room of ours raises it on purpose, so that its traceback is logged."""
    known = type(error).__module__.partition(".")[0] in {"tlog", "keys", "verifier"}
    return None if known or isinstance(error, OSError) else error
