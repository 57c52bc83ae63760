"""A log in a process of its own, as it is in service, that tells what it has cost."""

import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.certificates import Certificate


@dataclass(frozen=True)
class Cost:
    """Processor seconds of the log's process, and the parts where they were counted."""

    total: float
    parts: dict[str, float]


class RunningLog:
    """The log's port, and what it has cost so far."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.port: int = pipe.recv()

    def cost(self) -> Cost:
        self._pipe.send("cost")
        cost = self._pipe.recv()
        assert isinstance(cost, Cost)
        return cost


@contextmanager
def serving(
    directory: Path, root: bytes, algorithm: KeyAlgorithm, *, profiled: bool = False
) -> Iterator[RunningLog]:
    """Run a log that takes what ``root`` issued; ``profiled`` counts the parts of its cost."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(directory, root, algorithm, theirs, profiled))
    process.start()
    try:
        yield RunningLog(ours)
    finally:
        ours.send("stop")
        process.join()


def _serve(directory: Path, root: bytes, algorithm: KeyAlgorithm, pipe: Connection, profiled: bool) -> None:
    from benchmarks.submissions.parts import Parts, watch_log

    parts = watch_log() if profiled else Parts()
    from tlog.ct import CtLog, create_log
    from web.logs import Application, LogServer

    key = PrivateKey.generate(algorithm)
    create_log(
        directory / "log", name="log", origin="bench.example/log", signer=key, roots=[Certificate.parse(root)]
    )
    log = CtLog.open(directory / "log", key)
    server = LogServer(Application({"log": log}), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    pipe.send(server.port)
    while pipe.recv() == "cost":
        pipe.send(Cost(time.process_time(), dict(parts.seconds)))
    server.stop()
    thread.join()
    log.close()
