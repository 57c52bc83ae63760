"""The witness over HTTP: cosigns the heads of the logs that it knows."""

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mingjing.config import Config
from mingjing.rooms import room_errors
from mingjing.serving import serve_requests
from mingjing.witnesses import own_witness

if TYPE_CHECKING:
    from monitor.witness import KnownLogs

REFRESH_SECONDS: Final = 60.0
"""How long a log that a list adds waits until it is known; own lists follow within the audit's interval."""

logger = logging.getLogger(__name__)


def run(data: Path, settings: Config) -> None:
    """Serve until SIGTERM."""
    from web.witness import Application

    stop = threading.Event()
    with room_errors(), own_witness(data, settings) as cosigner:
        pause = min(REFRESH_SECONDS, settings.audit_interval)
        reader = threading.Thread(target=_keep_reading, args=(cosigner.logs, stop, pause), daemon=True)
        reader.start()
        logger.info("this witness's vkey is %s", cosigner.witness.encode())
        try:
            serve_requests(Application(cosigner), settings.listen.host, settings.listen.witness)
        finally:
            stop.set()


def _keep_reading(logs: "KnownLogs", stop: threading.Event, pause: float) -> None:
    """Read the log lists again and again; one that cannot be read is said once, until it changes."""
    said: tuple[str, ...] = ()
    while not stop.is_set():
        try:
            troubles = logs.refresh()
        except Exception:  # whatever a list holds, the logs known before go on being witnessed
            logger.exception("unexpected error in reading the log lists")
        else:
            for trouble in troubles:
                if trouble not in said:
                    logger.warning("%s", trouble)
            said = troubles
        stop.wait(pause)
