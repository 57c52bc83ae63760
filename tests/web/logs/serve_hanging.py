"""The logs' service with a disk that stops answering: serve_hanging DIRECTORY KEY_FILE PORT CALL."""

import sys
import threading
from pathlib import Path

from mingjing.serving import serve_logs
from tlog.ct import CtLog
from tlog.pool import Limits
from verifier.algorithms import PrivateKey
from web.logs import connection


def main(directory: Path, key_file: Path, port: int, call: str) -> None:
    """Serve until SIGTERM as ``mingjing run logs`` does; the first write of that kind hangs for ever."""
    connection.ANSWER_SECONDS = 1.0  # type: ignore[misc]
    key = PrivateKey.from_pkcs8(key_file.read_bytes())
    log = CtLog.open(directory, key, limits=Limits(period=0.02, wait=1.0))
    owner = log._sequencer.lock if call == "swap" else log._sequencer.storage
    setattr(owner, call, lambda *_: threading.Event().wait())
    try:
        serve_logs({directory.name: log}, "127.0.0.1", port)
    finally:
        log.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
