"""One connection of the log server: what it may cost, and its answers in the order of its requests."""

import asyncio
import threading
import time
from enum import StrEnum
from typing import Final, Protocol, cast

from web.logs.http import HttpError, Request, encode, error_response
from web.logs.reading import RequestReader

READ_SECONDS: Final = 30.0
"""From the first byte of a request to its last: a drip of bytes does not make it longer."""

IDLE_SECONDS: Final = 30.0
"""A connection is kept as long without a request."""

SEND_SECONDS: Final = 60.0
"""An answer must be taken within that time."""

ANSWER_SECONDS: Final = 15.0
"""A request that is not answered by then is told to come back; a submission waits for one flush or two."""

LINGER_SECONDS: Final = 5.0
"""After a refusal what still comes is dropped unread; a close at once would take the refusal back (RST)."""

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Waiting(StrEnum):
    """What a connection waits for."""

    REQUEST = "for a request"
    REST = "for the rest of a request"
    ANSWER = "for its answer"
    SENT = "for the client to take an answer"
    END = "for the client to end"


class House(Protocol):
    """What a connection needs of its server; everything happens in the server's thread."""

    closing: bool
    answer_seconds: float | None
    """In the place of ANSWER_SECONDS."""

    def charge(self, size: int) -> None:
        """Account for bytes of bodies kept, or let go where negative; raises HttpError when full."""
        ...

    def opened(self, connection: "Connection") -> None: ...

    def closed(self, connection: "Connection") -> None: ...

    def ask(self, exchange: "Exchange") -> None:
        """Have the request answered: later, ``exchange.answer`` is called in this thread."""
        ...


class Exchange:
    """One request and the place where its answer goes; only the first answer is sent.

    A large answer goes part by part: after each ``send`` another thread may wait for ``taken``, and sees
    then whether the client is ``gone``. Everything else happens in the server's thread.
    """

    __slots__ = ("_connection", "closes", "gone", "request", "taken")

    def __init__(self, request: Request, connection: "Connection") -> None:
        self.request = request
        self.closes = False
        """Whether the end of the connection is the end of this answer."""
        self.gone = False
        self.taken = threading.Event()
        self._connection: Connection | None = connection

    def send(self, data: bytes) -> None:
        """Send a part of the answer that is not the last."""
        if self._connection is not None:
            self._connection.send_part(data)

    def answer(self, data: bytes, *, close: bool) -> None:
        """Send the answer, or its last part; nothing is done when there was one, or the client has gone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.answered(data, close=close)

    def break_off(self) -> None:
        """End the connection in the middle of the answer, so that nobody takes it for whole."""
        if self._connection is not None:
            self._connection.abort()

    def forget(self) -> None:
        """The client has gone."""
        self._connection = None
        self.gone = True
        self.taken.set()


class Connection(asyncio.Protocol):
    """Reads requests, has them answered one after the other, and keeps the clock.

    While a request is being answered, the socket is still read, so that a client that goes away is noticed;
    it is not when more has come than that request. The server calls ``check`` about once a second.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._transport: asyncio.Transport
        self._reader: RequestReader
        self._exchange: Exchange | None = None
        self._refusal: HttpError | None = None  # sent after the answers that come before it
        self._charged = 0
        self._paused = self._full = self._eof = False
        self._partly_answered = False
        self.waiting = Waiting.REQUEST
        self.since = time.monotonic()

    # Events of the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._reader = RequestReader(peer[0] if isinstance(peer, tuple) else "", self._charge)
        self._house.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._exchange is not None:
            self._exchange.forget()
        self._charge(-self._charged)
        self._house.closed(self)

    def data_received(self, data: bytes) -> None:
        if self.waiting is Waiting.END:
            return
        try:
            self._reader.feed(data)
        except HttpError as error:
            self._refusal = error
        if self._exchange is None and not self._full:
            self._go_on()
        elif not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The client sends no more, but may still read what it asked for (over TLS it may not)."""
        self._eof = True
        return self._transport.can_write_eof() and (self._exchange is not None or self._full)

    def pause_writing(self) -> None:
        self._full = True
        self._wait_for(Waiting.SENT)

    def resume_writing(self) -> None:
        self._full = False
        if self._exchange is None:
            self._go_on()
        elif self._partly_answered:
            self._wait_for(Waiting.ANSWER)
            self._exchange.taken.set()

    # What comes next

    def _go_on(self) -> None:
        """Ask the next request if there is one; else end, or wait for more."""
        if self._transport.is_closing():
            return
        if self._reader.requests:
            request = self._reader.requests.popleft()
            self._exchange = Exchange(request, self)
            self._wait_for(Waiting.ANSWER)
            self._house.ask(self._exchange)
        elif self._refusal is not None:
            self._refuse(self._refusal)
        elif self._eof or self._house.closing:
            self.close()
        else:
            self._read_on()

    def _refuse(self, error: HttpError) -> None:
        self._transport.write(encode(error_response(error), None, close=True))
        if self._eof or not self._transport.can_write_eof():
            self.close()
            return
        self._transport.write_eof()
        self._wait_for(Waiting.END)
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    def _read_on(self) -> None:
        if self._reader.expects_continue:
            self._reader.expects_continue = False
            self._transport.write(_CONTINUE)
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        if not self._reader.under_way:
            self._wait_for(Waiting.REQUEST)
        elif self.waiting is not Waiting.REST:  # the clock of a request starts once, with its first bytes
            self._wait_for(Waiting.REST)

    def send_part(self, data: bytes) -> None:
        """Write a part of an answer; its exchange is told when the client has taken enough of it."""
        self._partly_answered = True
        self._wait_for(Waiting.ANSWER)
        self._transport.write(data)
        if not self._full and self._exchange is not None:
            self._exchange.taken.set()

    def answered(self, data: bytes, *, close: bool) -> None:
        """Write an answer, or the last part of it, and go on with the next request."""
        if self._exchange is not None:
            self._charge(-len(self._exchange.request.body))
            self._exchange = None
        self._partly_answered = False
        self._transport.write(data)
        if close:
            self.close()
        elif not self._full:
            self._go_on()

    # Limits

    def check(self, now: float) -> None:
        """End what has waited too long."""
        waited = now - self.since
        if self.waiting is Waiting.REQUEST and waited > IDLE_SECONDS:
            self.close()
        elif self.waiting is Waiting.END and waited > LINGER_SECONDS:
            self._transport.abort()
        elif self.waiting is Waiting.REST and waited > READ_SECONDS:
            self._refusal = HttpError(408, f"the request took more than {READ_SECONDS:.0f} seconds")
            self._go_on()
        elif self.waiting is Waiting.ANSWER and waited > (self._house.answer_seconds or ANSWER_SECONDS):
            self._answer_is_late()
        elif self.waiting is Waiting.SENT and waited > SEND_SECONDS:
            self._transport.abort()

    def _answer_is_late(self) -> None:
        if self._partly_answered:
            self._transport.abort()
        elif self._exchange is not None:
            slow = HttpError(503, "the log is slow to answer; send it again", Retry_After="5")
            request = self._exchange.request
            self._exchange.answer(encode(error_response(slow), request, close=True), close=True)

    def close(self) -> None:
        """End the connection once what was written is taken."""
        self._wait_for(Waiting.SENT)
        self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    def _wait_for(self, what: Waiting) -> None:
        self.waiting, self.since = what, time.monotonic()

    def _charge(self, size: int) -> None:
        self._house.charge(size)
        self._charged += size
