"""A log in a process of its own, for the tests that kill it: serve_log DIRECTORY KEY_FILE."""

import sys
import time
from pathlib import Path

from tlog.ct import CtLog
from tlog.pool import Limits
from verifier.algorithms import PrivateKey
from web.logs import Application, LogServer


def main(directory: Path, key_file: Path) -> None:
    """Print the port and the seconds of the start, by the clock and of the processor; serve until killed."""
    key = PrivateKey.from_pkcs8(key_file.read_bytes())
    start, worked = time.monotonic(), time.process_time()
    log = CtLog.open(directory, key, limits=Limits(period=0.02))
    took = time.monotonic() - start, time.process_time() - worked
    server = LogServer(Application({directory.name: log}), "127.0.0.1", 0)
    print(server.port, *took, flush=True)  # noqa: T201 -- that is how the test is told
    server.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
