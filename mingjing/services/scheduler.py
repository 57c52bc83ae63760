"""The scheduler: audits the logs all day, keeps CRLs fresh, and publishes what clients may trust."""

import logging
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from mingjing import publisher
from mingjing.config import Config
from mingjing.data import only_one
from mingjing.rooms import authority, monitor, room_errors
from mingjing.watching import watching

PUBLISH_SECONDS: Final = 3600.0
logger = logging.getLogger(__name__)


def run(data: Path, settings: Config) -> None:
    """Run the monitor's schedule until SIGTERM; raises DataError beside another one."""
    from monitor.schedule import Schedule

    keeper = Keeper(data, settings)
    with (
        room_errors(),
        only_one(data, "run scheduler"),
        closing(monitor(data, settings, read_only=False)) as opened,
        watching(data, settings, opened) as watch,
    ):

        def after_round() -> None:
            watch.wake()
            keeper.after_round()

        schedule = Schedule(
            monitor=opened,
            log_lists=(str(data / publisher.LOG_LIST_FILE),),
            interval=float(settings.audit_interval),
            revocation_every=timedelta(seconds=settings.audit_interval) if settings.demo else None,
            after_round=after_round,
            report=logger.warning,
        )
        schedule.run()


class Keeper:
    """Publishes log list, trust bundle and CRLs anew when they are old, or logs or the trust have changed."""

    def __init__(self, data: Path, settings: Config) -> None:
        self._data = data
        self._settings = settings
        self._published = float("-inf")
        self._distrusted: frozenset[bytes] | None = None

    def after_round(self) -> None:
        """Look whether a log has come or changed, the audit distrusts one, or an hour has passed."""
        from mingjing.rooms import distrusted_logs

        now = datetime.now(UTC)
        distrusted = distrusted_logs(self._data, self._settings)
        old = time.monotonic() - self._published > PUBLISH_SECONDS
        if old:
            publisher.write_log_lists(self._data, self._settings, now)
        changed = publisher.refresh_log_lists(self._data, self._settings, now)
        if old or changed or self._bundle_is_behind() or distrusted != self._distrusted:
            publisher.write_bundle(self._data, self._settings, now, distrusted)
            self._published, self._distrusted = time.monotonic(), distrusted
        if old:
            with authority(self._data, self._settings) as opened:
                opened.recover()
                opened.publish_crls(only_due=True)

    def _bundle_is_behind(self) -> bool:
        """Whether another process, such as `mingjing log freeze`, wrote the log list after the bundle."""
        lists, bundle = (self._data / name for name in (publisher.LOG_LIST_FILE, publisher.BUNDLE_FILE))
        return lists.stat().st_mtime > bundle.stat().st_mtime
