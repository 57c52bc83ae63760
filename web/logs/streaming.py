"""An answer that need not fit into memory, as it goes out part by part (RFC 9112 sections 6 and 7)."""

import time
from collections.abc import Callable, Iterator, Sequence
from email.utils import formatdate
from typing import Final

from web.logs.http import Request

PART_BYTES: Final = 64 * 1024
PART_SECONDS: Final = 1.0
"""What has come is sent when it is as large, or when its first piece is as old."""

_NO_BODY: Final = ("1", "204", "304")  # how the status of an answer without a body begins


class Streamed:
    """An answer whose body comes in ``pieces``, framed by its length where that is known, else in chunks.

    Used by one thread. ``close`` calls ``let_go``, whether or not all of the body was asked for.
    """

    def __init__(
        self,
        request: Request,
        status: str,
        headers: Sequence[tuple[str, str]],
        pieces: Iterator[bytes],
        *,
        let_go: Callable[[], object] | None = None,
    ) -> None:
        self.closes = not request.keep_alive
        self._status, self._headers, self._let_go = status, list(headers), let_go
        self._chunked = False
        self._old_client = request.version == "1.0"
        self._bodiless = request.method == "HEAD" or status.startswith(_NO_BODY)
        self._parts = self._framed(self._gathered(pieces))

    def next_part(self) -> bytes | None:
        """Return what is to be sent next, None at the end; raises what the maker of the body raises."""
        return next(self._parts, None)

    def close(self) -> None:
        """Let the maker of the body go."""
        if self._let_go is not None:
            self._let_go()

    @staticmethod
    def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
        kept: list[bytes] = []
        size, since = 0, time.monotonic()
        for piece in pieces:
            kept.append(piece)
            size += len(piece)
            if size >= PART_BYTES or (size and time.monotonic() - since > PART_SECONDS):
                yield b"".join(kept)
                kept, size, since = [], 0, time.monotonic()
        if size:
            yield b"".join(kept)

    def _framed(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        first = b"" if self._bodiless else next(parts, b"")
        second = None if self._bodiless else next(parts, None)
        self._choose_framing(len(first), whole=second is None)
        yield self._head() + self._chunk(first)
        if second is not None:
            yield self._chunk(second)
            yield from map(self._chunk, parts)
        if self._chunked:
            yield b"0\r\n\r\n"

    def _choose_framing(self, size: int, *, whole: bool) -> None:
        if self._bodiless or any(name.lower() == "content-length" for name, _ in self._headers):
            return
        if whole:
            self._headers.append(("Content-Length", str(size)))
        elif self._old_client:
            self.closes = True
        else:
            self._chunked = True
            self._headers.append(("Transfer-Encoding", "chunked"))

    def _chunk(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data

    def _head(self) -> bytes:
        own = [
            ("Connection", "close" if self.closes else "keep-alive"),
            ("Date", formatdate(usegmt=True)),
            ("Server", "mingjing"),
        ]
        lines = [f"HTTP/1.1 {self._status}", *(f"{name}: {value}" for name, value in (*self._headers, *own))]
        return "\r\n".join((*lines, "", "")).encode("latin-1")
