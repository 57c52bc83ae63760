"""Witnesses over HTTP or HTTPS that share no code with us, and behave as a test tells them to."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.monitor.witness.notes import NoteWitness
from tlog.witnesses import WitnessAddress
from verifier.transparency.cosignature import Witness


class MadeWitness(NoteWitness):
    """Answers add-checkpoint over HTTP; ``behave`` replaces the honest answer."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.sizes: dict[str, int] = {}
        self.requests: list[tuple[int, list[str], str]] = []
        self.behave: Callable[[BaseHTTPRequestHandler, str], None] | None = None
        self.newest: dict[str, bytes] = {}
        """What it answers to GET, by path."""
        self.connections = 0
        self.url = ""

    def line(self, note: str, seconds: int | None = None, *, damage: bool = False) -> str:
        """Its line of now, where no other time is given."""
        return super().line(note, int(time.time()) if seconds is None else seconds, damage=damage)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        text = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        head, note = text.split("\n\n", 1)
        old, *nodes = head.split("\n")
        body = note.split("\n\n")[0] + "\n"
        self.requests.append((int(old.removeprefix("old ")), nodes, body))
        if self.behave:
            self.behave(handler, body)
            return
        origin, size, _ = body.split("\n", 2)
        if self.sizes.get(origin, 0) != int(old.removeprefix("old ")):
            conflict(handler, self.sizes.get(origin, 0))
            return
        self.sizes[origin] = int(size)
        reply(handler, self.line(body).encode())


def reply(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, kind: str = "text/plain") -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def conflict(handler: BaseHTTPRequestHandler, size: int) -> None:
    reply(handler, f"{size}\n".encode(), 409, "text/x.tlog.size")


@contextmanager
def serving() -> Iterator[Callable[..., MadeWitness]]:
    """Serves witnesses on free ports; ``tls`` holds the certificate of one that is reached by https."""
    servers: list[ThreadingHTTPServer] = []

    def serve(name: str, tls: ssl.SSLContext | None = None) -> MadeWitness:
        made = MadeWitness(name)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                made.connections += 1
                super().setup()

            def do_POST(self) -> None:
                try:
                    made.answer(self)
                except OSError:
                    self.close_connection = True

            def do_GET(self) -> None:
                found = made.newest.get(self.path)
                reply(self, found or b"", 200 if found else 404)

            def log_message(self, *_: Any) -> None:
                pass

        server = _Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        scheme = "http" if tls is None else "https"
        made.url = f"{scheme}://127.0.0.1:{server.server_port}/prefix/"
        return made

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """A client that refuses the certificate is what some tests want."""


def until(happened: Callable[[], object], seconds: float = 60) -> None:
    """Wait for what happens at once on an idle machine."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def addresses(*witnesses: MadeWitness, ca: Path | None = None) -> list[WitnessAddress]:
    """The witnesses as a log is configured with them."""
    return [WitnessAddress(made.url, Witness.parse(made.vkey), ca) for made in witnesses]
