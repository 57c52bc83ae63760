"""Our logs before witnesses that are honest, slow, lying or gone. Those share no code with us."""

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.monitor.witness.notes import b64, key_id, leaf, proof, raw, verified_time
from tests.tlog.chains import Ca
from tlog.ct import CtLog
from tlog.errors import Unavailable
from tlog.witnesses import WitnessAddress, Witnessing
from tlog.witnesses.client import WitnessClient
from verifier.transparency.cosignature import Witness

PAUSE = 0.02


class MadeWitness:
    """Answers add-checkpoint over HTTP; ``behave`` replaces the honest answer."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.key = Ed25519PrivateKey.generate()
        self.sizes: dict[str, int] = {}
        self.requests: list[tuple[int, list[str], str]] = []
        self.behave: Callable[[BaseHTTPRequestHandler, str], None] | None = None
        self.connections = 0
        self.url = ""

    @property
    def vkey(self) -> str:
        key = raw(self.key.public_key())
        return f"{self.name}+{key_id(self.name, 4, key).hex()}+{b64(bytes([4]) + key)}"

    def line(self, body: str, seconds: int | None = None, name: str = "") -> str:
        seconds = int(time.time()) if seconds is None else seconds
        signed = self.key.sign(f"cosignature/v1\ntime {seconds}\n{body}".encode())
        identifier = key_id(self.name, 4, raw(self.key.public_key()))
        return f"\u2014 {name or self.name} {b64(identifier + seconds.to_bytes(8) + signed)}\n"

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


@pytest.fixture
def witness() -> Iterator[Callable[[str], MadeWitness]]:
    """Serves witnesses on free ports."""
    servers: list[ThreadingHTTPServer] = []

    def serve(name: str) -> MadeWitness:
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

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        made.url = f"http://127.0.0.1:{server.server_port}/prefix/"
        return made

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def log(logs, ca: Ca) -> CtLog:
    return logs.create("p256", [ca.anchor])


def ask(log: CtLog, *witnesses: MadeWitness) -> Witnessing:
    """Have the running log ask these witnesses, without the usual pause."""
    addresses = [WitnessAddress(made.url, Witness.parse(made.vkey)) for made in witnesses]
    log._witnessing.close()
    log._witnessing = Witnessing(log._sequencer, addresses, pause=PAUSE)
    return log._witnessing


def until(happened: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def parts(checkpoint: bytes) -> tuple[str, list[str]]:
    body, signatures = checkpoint.decode().split("\n\n")
    return body + "\n", [line + "\n" for line in signatures.removesuffix("\n").split("\n")]


def witnessed_by(log: CtLog) -> list[str]:
    return [line.split(" ")[1] for line in parts(log.checkpoint())[1]][1:]


def test_a_head_is_published_with_the_cosignatures_of_every_witness(log, ca, witness):
    first, second = witness("w.example/1"), witness("w.example/2")
    ask(log, first, second)
    log.add_chain(ca.chain())
    until(lambda: witnessed_by(log) == ["w.example/1", "w.example/2"])
    checkpoint = log.checkpoint()
    body, lines = parts(checkpoint)
    assert body.split("\n")[:2] == ["logs.example.test/log/p256", "1"]
    assert lines[0].split(" ")[1] == "logs.example.test/log/p256"
    for made, line in zip((first, second), lines[1:], strict=True):
        assert abs(verified_time(line.encode(), made.vkey, body) - time.time()) < 10
    assert (log.directory / "checkpoint").read_bytes() == checkpoint
    assert log.get_sth().tree_size == 1
    status = log.witnesses
    assert [(one.name, one.size, one.error) for one in status] == [
        ("w.example/1", 1, None),
        ("w.example/2", 1, None),
    ]


def test_the_proof_starts_from_what_the_witness_has(log, ca, witness):
    made = witness("w.example/1")
    for number in range(5):
        log.add_chain(ca.chain(f"{number}.example.test"))
    made.sizes["logs.example.test/log/p256"] = 3
    ask(log, made)
    until(lambda: witnessed_by(log))
    leaves = [leaf(entry.leaf_input) for entry in log.get_entries(0, 4)]
    assert [(old, nodes) for old, nodes, _ in made.requests] == [
        (0, []),
        (3, [b64(node) for node in proof(3, leaves)]),
    ]
    log.add_chain(ca.chain("more.example.test"))
    until(lambda: log.checkpoint().split(b"\n")[1] == b"6" and witnessed_by(log))
    assert made.requests[-1][0] == 5
    assert made.connections == 1


def test_a_restart_keeps_the_cosigned_checkpoint(logs, log, ca, witness):
    ask(log, witness("w.example/1"))
    log.add_chain(ca.chain())
    until(lambda: witnessed_by(log))
    checkpoint = log.checkpoint()
    log.close()
    again = logs.open("p256")
    assert again.checkpoint() == checkpoint
    assert again.add_chain(ca.chain("more.example.test")).extensions


def liars(made: MadeWitness) -> dict[str, Callable[[BaseHTTPRequestHandler, str], None]]:
    other, stranger = MadeWitness(made.name), MadeWitness("stranger.example")
    good = made.line

    def damaged(body: str) -> bytes:
        name, encoded = good(body).removesuffix("\n").split(" ")[1:]
        signed = bytearray(base64.b64decode(encoded))
        signed[-1] ^= 1
        return f"\u2014 {name} {b64(bytes(signed))}\n".encode()

    return {
        "answer is malformed": lambda handler, _: reply(handler, b"thank you\n"),
        "expected a cosignature of w.example/liar": lambda handler, body: reply(
            handler, (other.line(body) + stranger.line(body)).encode()
        ),
        "does not verify": lambda handler, body: reply(handler, damaged(body)),
        "has the time 1970": lambda handler, body: reply(handler, good(body, 0).encode()),
        "has the time 20": lambda handler, body: reply(handler, good(body, int(time.time()) + 4000).encode()),
        "more than 65536 bytes": lambda handler, body: reply(handler, good(body).encode() * 1000),
        "it answered 302": lambda handler, _: reply(handler, b"elsewhere", 302),
        "it answered 422: no": lambda handler, _: reply(handler, b"no\n", 422),
        "it answered 500": lambda handler, _: reply(handler, b"\x1b[2J\x00", 500),
        "it answered 409": lambda handler, _: reply(handler, b"1\n", 409),
        "answer 409: expected": lambda handler, _: reply(handler, b"01\n", 409, "text/x.tlog.size"),
        "another size each time": lambda handler, _: conflict(handler, len(made.requests) % 2),
        "could not be reached": lambda handler, _: handler.connection.shutdown(socket.SHUT_RDWR),
    }


@pytest.mark.parametrize("number", range(13))
def test_a_lying_witness_costs_nothing_but_its_own_cosignature(log, ca, witness, number):
    honest, liar = witness("w.example/1"), witness("w.example/liar")
    said, liar.behave = list(liars(liar).items())[number]
    log.add_chain(ca.chain("first.example.test"))
    witnessing = ask(log, honest, liar)
    log.add_chain(ca.chain())
    until(lambda: log.checkpoint().split(b"\n")[1] == b"2" and witnessed_by(log) == ["w.example/1"])
    until(lambda: said in str(witnessing.status()[1].error))
    status = witnessing.status()[1]
    assert status.size is None
    assert "\x1b" not in str(status.error)
    until(lambda: witnessing.status()[1].failures > 2)  # though no newer head came: it was asked again
    liar.behave = None
    until(lambda: witnessed_by(log) == ["w.example/1", "w.example/liar"])
    assert witnessing.status()[1].error is None


def test_a_witness_that_knows_more_entries_than_there_are_stops_the_log(log, ca, witness):
    """So an old copy of the log, lock and all, cannot fork it where a witness has seen the newer tree."""
    made = witness("w.example/1")
    log.add_chain(ca.chain())
    made.sizes["logs.example.test/log/p256"] = 2
    ask(log, made)
    until(lambda: "cosigned 2 entries of this log, which has 1" in str(log.trouble))
    head = log.get_sth()
    with pytest.raises(Unavailable, match=r"w\.example/1: .* an old copy of the log"):
        log.add_chain(ca.chain("more.example.test"))
    time.sleep(0.3)
    assert log.get_sth() == head


def test_slow_witnesses_delay_nobody_and_the_newest_head_is_next(log, ca, witness):
    quick, slow = witness("w.example/1"), witness("w.example/slow")
    free = threading.Event()

    def hang(handler, body):
        free.wait(20)
        reply(handler, slow.line(body).encode())

    slow.behave = hang
    ask(log, quick, slow)
    until(lambda: slow.requests)
    began = time.monotonic()
    for number in range(5):
        log.add_chain(ca.chain(f"{number}.example.test"))
    assert time.monotonic() - began < 5
    until(lambda: log.checkpoint().split(b"\n")[1] == b"5" and witnessed_by(log) == ["w.example/1"])
    assert len(slow.requests) == 1
    slow.behave = None
    free.set()
    until(lambda: witnessed_by(log) == ["w.example/1", "w.example/slow"])
    assert [body.split("\n")[1] for _, _, body in slow.requests][:2] == ["0", "5"]
    assert len({body for _, _, body in slow.requests[1:]}) == 1


def test_a_dripping_answer_is_cut(log, witness, monkeypatch):
    patient = WitnessClient.__init__
    monkeypatch.setattr(WitnessClient, "__init__", lambda self, url: patient(self, url, answer_seconds=0.3))
    dripping = witness("w.example/drip")

    def drip(handler, _body):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.05)

    dripping.behave = drip
    witnessing = ask(log, dripping)
    until(lambda: witnessing.status()[0].failures, 5)
    assert witnessing.status()[0].error == "no whole answer within 0.3 s"


def test_closing_does_not_wait_for_witnesses(log, witness):
    hanging = witness("w.example/hang")
    hanging.behave = lambda _handler, _body: time.sleep(30)
    ask(log, hanging)
    until(lambda: hanging.requests)
    began = time.monotonic()
    log.close()
    assert time.monotonic() - began < 2


def test_a_witness_in_trouble_is_asked_less_and_less(log, witness):
    made = witness("w.example/1")
    made.behave = lambda handler, _: reply(handler, b"", 503)
    witnessing = ask(log, made)
    for _ in range(100):
        witnessing.offer(log._sequencer.head)
        time.sleep(0.01)
    assert 3 <= len(made.requests) <= 8  # 0.02 s, doubled each time, spread by a fifth


def test_cosignatures_of_an_older_tree_come_too_late(log, ca, witness):
    early, late = witness("w.example/1"), witness("w.example/late")
    free = threading.Event()

    def hang(handler, body):
        free.wait(20)
        late.sizes["logs.example.test/log/p256"] = 0
        late.behave = None
        reply(handler, late.line(body).encode())

    late.behave = hang
    ask(log, early, late)
    until(lambda: late.requests)
    log.add_chain(ca.chain())
    until(lambda: log.checkpoint().split(b"\n")[1] == b"1" and witnessed_by(log) == ["w.example/1"])
    asked = len(early.requests)
    free.set()
    until(lambda: witnessed_by(log) == ["w.example/1", "w.example/late"], 5)
    assert len(early.requests) == asked  # its cosignature of the newest tree was not lost
    assert [body.split("\n")[1] for _, _, body in late.requests] == ["0", "1"]


def test_an_idle_connection_that_the_witness_closed_is_no_failure(log, ca, witness, caplog):
    made = witness("w.example/1")

    def once(handler, body):
        made.sizes[body.split("\n", maxsplit=1)[0]] = int(body.split("\n")[1])
        reply(handler, made.line(body).encode())
        handler.close_connection = True

    made.behave = once
    ask(log, made)
    until(lambda: made.requests)
    for number in range(3):
        size = log.get_sth().tree_size + 1
        log.add_chain(ca.chain(f"{number}.example.test"))
        until(lambda size=size: log.checkpoint().split(b"\n")[1] == b"%d" % size and witnessed_by(log))
    assert made.connections == len(made.requests) > 3
    assert not [record for record in caplog.records if record.name.startswith("tlog.witnesses")]


def test_the_final_head_of_a_frozen_log_is_cosigned(log, ca, witness):
    made = witness("w.example/1")
    made.behave = lambda handler, _: reply(handler, b"", 503)
    ask(log, made)
    log.add_chain(ca.chain())
    final = log.freeze()
    made.behave = None
    until(lambda: witnessed_by(log))
    assert log.get_sth() == final
    assert log.checkpoint().split(b"\n")[1] == b"1"
