"""The scheduler: audits the logs all day, keeps CRLs fresh, and publishes what clients may trust."""

import logging
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from mingjing import publisher
from mingjing.config import Config
from mingjing.rooms import authority, monitor, room_errors
from mingjing.watching import watching

PUBLISH_SECONDS: Final = 3600.0
logger = logging.getLogger(__name__)


def run(data: Path, settings: Config) -> None:
    """Run the monitor's schedule until SIGTERM."""
    from monitor.schedule import Schedule

    keeper = Keeper(data, settings)
    opened = monitor(data, settings, read_only=False)
    with room_errors(), watching(data, settings, opened) as watch:

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
    """Publishes the trust bundle and the CRLs anew when they are old or the trust has changed."""

    def __init__(self, data: Path, settings: Config) -> None:
        self._data = data
        self._settings = settings
        self._published = float("-inf")
        self._distrusted: frozenset[bytes] | None = None

    def after_round(self) -> None:
        """Look whether the audit that just ended distrusts a log, or an hour has passed."""
        from mingjing.rooms import distrusted_logs

        distrusted = distrusted_logs(self._data, self._settings)
        old = time.monotonic() - self._published > PUBLISH_SECONDS
        if old or distrusted != self._distrusted:
            publisher.write_bundle(self._data, self._settings, datetime.now(UTC), distrusted)
            self._published, self._distrusted = time.monotonic(), distrusted
        if old:
            with authority(self._data, self._settings) as opened:
                opened.recover()
                opened.publish_crls(only_due=True)
