"""Our logs before witnesses that are honest, slow, lying or gone. Those share no code with us."""

import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest

from tests.monitor.witness.notes import b64, leaf, proof, verified_time
from tests.tlog.chains import Ca
from tests.tlog.made_witnesses import MadeWitness, addresses, conflict, reply, until
from tlog.ct import CtLog
from tlog.errors import Unavailable
from tlog.witnesses import Witnessing
from tlog.witnesses.client import WitnessClient

PAUSE = 0.02


@pytest.fixture
def log(logs, ca: Ca) -> CtLog:
    return logs.create("p256", [ca.anchor])


def ask(log: CtLog, *witnesses: MadeWitness) -> Witnessing:
    """Have the running log ask these witnesses, without the usual pause, and without being held."""
    log._witnessing.close()
    log._witnessing = Witnessing(log._sequencer, addresses(*witnesses), pause=PAUSE, ask_first=0)
    return log._witnessing


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
        assert abs(verified_time(line.encode(), made.vkey, body) - time.time()) < 300
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
    return {
        "answer is malformed": lambda handler, _: reply(handler, b"thank you\n"),
        "expected a cosignature of w.example/liar": lambda handler, body: reply(
            handler, (other.line(body) + stranger.line(body)).encode()
        ),
        "does not verify": lambda handler, body: reply(handler, good(body, damage=True).encode()),
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
        free.wait(120)
        reply(handler, slow.line(body).encode())

    slow.behave = hang
    ask(log, quick, slow)
    until(lambda: slow.requests)
    began = time.monotonic()
    for number in range(5):
        log.add_chain(ca.chain(f"{number}.example.test"))
    assert time.monotonic() - began < 60
    until(lambda: log.checkpoint().split(b"\n")[1] == b"5" and witnessed_by(log) == ["w.example/1"])
    assert len(slow.requests) == 1
    slow.behave = None
    free.set()
    until(lambda: witnessed_by(log) == ["w.example/1", "w.example/slow"])
    assert [body.split("\n")[1] for _, _, body in slow.requests][:2] == ["0", "5"]
    assert len({body for _, _, body in slow.requests[1:]}) == 1


def test_a_dripping_answer_is_cut(log, witness, monkeypatch):
    patient = WitnessClient.__init__
    monkeypatch.setattr(WitnessClient, "__init__", lambda self, *a: patient(self, *a, answer_seconds=0.3))
    dripping = witness("w.example/drip")

    def drip(handler, _body):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            handler.wfile.write(b"x")
            time.sleep(0.05)

    dripping.behave = drip
    witnessing = ask(log, dripping)
    until(lambda: witnessing.status()[0].failures)
    assert witnessing.status()[0].error == "no whole answer within 0.3 s"


def test_closing_does_not_wait_for_witnesses(log, witness, monkeypatch):
    patient = WitnessClient.__init__
    monkeypatch.setattr(WitnessClient, "__init__", lambda self, *a: patient(self, *a, answer_seconds=200))
    hanging = witness("w.example/hang")
    hanging.behave = lambda _handler, _body: time.sleep(200)
    ask(log, hanging)
    until(lambda: hanging.requests)
    began = time.monotonic()
    log.close()
    assert time.monotonic() - began < 40


def test_a_witness_in_trouble_is_asked_less_and_less(log, witness):
    made = witness("w.example/1")
    made.behave = lambda handler, _: reply(handler, b"", 503)
    began = time.monotonic()
    witnessing = ask(log, made)
    for _ in range(100):
        witnessing.offer(log._sequencer.head)
        time.sleep(0.01)
    until(lambda: len(made.requests) >= 3)
    requests, passed = len(made.requests), time.monotonic() - began
    shortest = 0.8 * PAUSE  # spread by a fifth; doubled after each failure
    assert sum(shortest * 2**failures for failures in range(1, requests)) < passed
    assert requests < 15


def test_cosignatures_of_an_older_tree_come_too_late(log, ca, witness):
    early, late = witness("w.example/1"), witness("w.example/late")
    free = threading.Event()

    def hang(handler, body):
        free.wait(120)
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
    until(lambda: witnessed_by(log) == ["w.example/1", "w.example/late"])
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
