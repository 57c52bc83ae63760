"""The log service's HTTP server: one thread for all connections, a few that work, none that waits.

A submission occupies a worker while it is checked. Then it waits for its flush as a callback, not as a
thread, and the event loop sends its answer; so thousands may wait. Questions, which read files, have workers
of their own: neither kind holds the other up.
"""

import asyncio
import logging
import os
import socket
import ssl
import threading
import time
from collections import deque
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Final, Protocol

import uvloop

from tlog.ct.submission import Submission
from web.logs.connection import Connection, Exchange, Waiting
from web.logs.http import HttpError, Request, Response, encode, error_response
from web.logs.streaming import Streamed
from web.logs.workers import Workers

logger = logging.getLogger(__name__)

_SWEEP_SECONDS: Final = 1.0
_BACKLOG: Final = 1024
_HANDSHAKE_SECONDS: Final = 10.0
_SHUTDOWN_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What all clients together may occupy."""

    connections: int = 512
    body_bytes: int = 64 << 20
    """Bytes of submissions that are being received or wait to be checked."""

    slow_readers: int = 64
    """Connections whose answer is not taken as fast as it is sent; each holds one answer."""

    grace: float = 4.0
    """Seconds after the order to stop in which requests under way are still answered."""

    answer_seconds: float | None = None
    """A request that is not answered by then is told to come back; None: ``connection.ANSWER_SECONDS``."""

    submission_workers: int | None = None
    question_workers: int | None = None
    """Threads for POST and for all else; None: by the number of cores."""


class Answering(Protocol):
    """What is served: the log service's application, the witness's, or a WSGI application in its wrapping."""

    def answer(self, request: Request) -> Response | Streamed | Submission:
        """Answer a request, in a worker's thread; never raises."""
        ...

    def promise(self, request: Request, submission: Submission) -> Response:
        """Answer the request of a submission that is done, in the event loop; never raises."""
        ...


class LogServer:
    """Serves an application on one address: ``run`` blocks until ``stop``, which any thread may call.

    Listens from the beginning (raises OSError); who connects before ``run`` waits for it.
    """

    def __init__(
        self,
        application: Answering,
        host: str,
        port: int,
        *,
        limits: ServerLimits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._application = application
        self._listening = _listen(host, port)
        self.port: int = self._listening.getsockname()[1]
        self._limits = limits = limits or ServerLimits()
        self._tls = tls
        self.answer_seconds = limits.answer_seconds
        self._connections: set[Connection] = set()
        self._body_bytes = 0
        self._ready: deque[tuple[Exchange, bytes | Submission]] = deque()
        self._woken = False
        self._loop = uvloop.new_event_loop()
        self._stopping, self._empty = asyncio.Event(), asyncio.Event()
        self.closing = False
        cores = os.cpu_count() or 1
        self._submissions = Workers("submission", limits.submission_workers or max(2, cores), self._work)
        self._questions = Workers(
            "question", questions := limits.question_workers or max(4, cores), self._work
        )
        self._streams = threading.BoundedSemaphore(max(1, questions // 2))  # slow readers leave some free

    def run(self) -> None:
        """Serve until ``stop``; requests under way are answered before it returns."""
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._submissions.stop(self._limits.grace)
            self._questions.stop(self._limits.grace)
            self._loop.close()

    def stop(self) -> None:
        """Take no more connections and requests, and let ``run`` end within the grace."""
        with suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def _serve(self) -> None:
        server = await self._loop.create_server(
            lambda: Connection(self),
            sock=self._listening,
            backlog=_BACKLOG,
            ssl=self._tls,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if self._tls else None,
            ssl_shutdown_timeout=_SHUTDOWN_SECONDS if self._tls else None,
        )
        sweeper = self._loop.create_task(self._sweep())
        try:
            await self._stopping.wait()
        finally:
            server.close()
            await self._end_connections()
            sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await sweeper

    async def _end_connections(self) -> None:
        self.closing = True
        for connection in list(self._connections):
            if connection.waiting is Waiting.REQUEST or connection.waiting is Waiting.REST:
                connection.close()
        if self._connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), self._limits.grace)
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = time.monotonic()
            for connection in list(self._connections):
                connection.check(now)
            slow = [one for one in self._connections if one.waiting is Waiting.SENT]
            for connection in sorted(slow, key=lambda one: -one.since)[self._limits.slow_readers :]:
                connection.abort()

    # What connections tell

    def opened(self, connection: Connection) -> None:
        """Take a connection in; when there are too many, the one that has idled longest goes."""
        self._connections.add(connection)
        if len(self._connections) <= self._limits.connections:
            return
        idle = [one for one in self._connections if one.waiting in {Waiting.REQUEST, Waiting.REST}]
        min(idle, key=lambda one: one.since, default=connection).abort()

    def closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if self.closing and not self._connections:
            self._empty.set()

    def charge(self, size: int) -> None:
        if size > 0 and self._body_bytes + size > self._limits.body_bytes:
            raise HttpError(503, "the log is receiving more than it can hold; send it again", Retry_After="1")
        self._body_bytes += size

    def ask(self, exchange: Exchange) -> None:
        workers = self._submissions if exchange.request.method == "POST" else self._questions
        workers.tasks.put(exchange)

    # In the workers' threads

    def _work(self, exchange: Exchange) -> None:
        try:
            self._answer(exchange)
        except Exception:  # a worker outlives whatever befalls one request
            logger.exception("%s %s", exchange.request.method, exchange.request.path)
            self._deliver(
                exchange, encode(error_response(HttpError(500, "an internal error")), None, close=True)
            )

    def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        outcome = self._application.answer(request)
        if isinstance(outcome, Response):
            close = self.closing or not request.keep_alive
            self._deliver(exchange, encode(outcome, request, close=close))  # compressed here, not in the loop
        elif isinstance(outcome, Streamed):
            with closing(outcome):
                exchange.closes = outcome.closes
                self._send_parts(exchange, outcome)
        else:
            submission = outcome
            submission.when_done(lambda: self._deliver(exchange, submission))

    def _send_parts(self, exchange: Exchange, streamed: Streamed) -> None:
        """Send an answer at the client's speed; one of several parts needs one of the few places for such."""
        part, placed = streamed.next_part(), False
        try:
            while (following := streamed.next_part()) is not None:
                if not placed and not (placed := self._streams.acquire(blocking=False)):
                    self._deliver(exchange, encode(error_response(_busy()), exchange.request, close=True))
                    return
                if not self._send_part(exchange, part or b""):
                    return
                part = following
            self._deliver(exchange, part or b"")
        except BaseException:
            if placed:
                with suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(exchange.break_off)
            raise
        finally:
            if placed:
                self._streams.release()

    def _send_part(self, exchange: Exchange, part: bytes) -> bool:
        """Tell whether the client has taken it; the connection's clock bounds how long that may take."""
        exchange.taken.clear()
        if exchange.gone:
            return False
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(exchange.send, part)
            exchange.taken.wait()
            return not exchange.gone
        return False

    def _deliver(self, exchange: Exchange, outcome: bytes | Submission) -> None:
        """Hand an answer to the event loop, which is woken once for all those of a flush."""
        self._ready.append((exchange, outcome))
        if not self._woken:
            self._woken = True
            with suppress(RuntimeError):  # the loop has ended, and with it the client's connection
                self._loop.call_soon_threadsafe(self._send_ready)

    # In the event loop again

    def _send_ready(self) -> None:
        self._woken = False
        while self._ready:
            exchange, outcome = self._ready.popleft()
            try:
                self._send(exchange, outcome)
            except Exception:  # one client's trouble is not that of the others in the same flush
                logger.exception("%s %s", exchange.request.method, exchange.request.path)

    def _send(self, exchange: Exchange, outcome: bytes | Submission) -> None:
        request = exchange.request
        close = self.closing or exchange.closes or not request.keep_alive
        if not isinstance(outcome, bytes):
            outcome = encode(self._application.promise(request, outcome), request, close=close)
        exchange.answer(outcome, close=close)


def _busy() -> HttpError:
    return HttpError(503, "too many large answers are being sent at the moment; try again", Retry_After="10")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)
