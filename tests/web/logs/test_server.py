"""The server itself: slow, silent, greedy and vanishing clients, and its own end."""

import json
import socket
import struct
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.web.logs.conftest import Service, served
from tlog.ct import CtLog, SubmissionRefused
from tlog.pool import Limits
from web.logs import Application, LogServer, ServerLimits
from web.logs.connection import Connection
from web.logs.reading import MAX_PIPELINED

PATIENCE = 60
"""Seconds after which a test gives up: only a server without its defence takes as long."""

CHECKPOINT = b"GET /log/p256/checkpoint HTTP/1.1\r\nHost: h\r\n\r\n"


@contextmanager
def connected(service: Service) -> Iterator[socket.socket]:
    port = int(service.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        yield client


def everything(client: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)


def cut_short(client: socket.socket) -> bytes:
    """All that comes until the server ends the connection, however rudely."""
    parts = []
    with suppress(ConnectionResetError):
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)


def submission(chain: list[bytes], *headers: str) -> bytes:
    body = json.dumps({"chain": [b64encode(der).decode() for der in chain]}).encode()
    lines = ["POST /log/p256/ct/v1/add-chain HTTP/1.1", "Host: h", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join((*lines, "", "")).encode() + body


def until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def flush_at_will(log: CtLog) -> Callable[[], None]:
    """Let submissions wait in the pool until the function that is returned is called."""
    sequencer = log._sequencer
    sequencer.limits = Limits(period=3600, head_age=3600)
    sequencer._last_flush = time.monotonic()

    def flush() -> None:
        with sequencer._pool_changed:
            sequencer.limits = Limits(period=0)
            sequencer._pool_changed.notify_all()

    return flush


@pytest.fixture
def quick_clocks(monkeypatch) -> None:
    for name in ("READ_SECONDS", "IDLE_SECONDS", "SEND_SECONDS", "ANSWER_SECONDS", "LINGER_SECONDS"):
        monkeypatch.setattr(f"web.logs.connection.{name}", 1.0)
    monkeypatch.setattr("web.logs.server._SWEEP_SECONDS", 0.05)


@pytest.fixture
def lost(monkeypatch) -> threading.Event:
    """Set when the server has ended a connection."""
    event, ended = threading.Event(), Connection.connection_lost
    monkeypatch.setattr(Connection, "connection_lost", lambda *these: (ended(*these), event.set()))
    return event


# Clients that are slow


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (CHECKPOINT[:-2], b"X: y\r\n"),
        (b"POST /log/p256/ct/v1/add-chain HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\n\r\n", b"X"),
    ],
    ids=["in the head", "in the body"],
)
def test_a_drip_of_bytes_does_not_hold_a_connection(service, quick_clocks, start, drop) -> None:
    with connected(service) as client:
        client.sendall(start)
        dripping = threading.Event()

        def drip() -> None:
            try:
                while not dripping.wait(0.05):
                    client.sendall(drop)
            except OSError:
                pass

        thread = threading.Thread(target=drip)
        thread.start()
        answer = client.recv(65536)
        dripping.set()
        thread.join()
    assert answer.startswith(b"HTTP/1.1 408 "), answer


def test_a_request_that_stops_half_way_is_408(service, quick_clocks) -> None:
    with connected(service) as client:
        client.sendall(CHECKPOINT[:-4])
        answer = everything(client)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b'"error_message": "the request took more than' in answer
    assert b"\r\nConnection: close\r\n" in answer


def test_a_silent_connection_is_closed(service, quick_clocks) -> None:
    with connected(service) as client:
        assert everything(client) == b""
    with connected(service) as client:
        client.sendall(CHECKPOINT)
        assert everything(client).startswith(b"HTTP/1.1 200 OK\r\n")


def test_an_answer_that_is_not_taken_ends_its_connection(logs, ca, quick_clocks, lost) -> None:
    log = logs.create("p256", [ca.anchor])
    log.tile = lambda _path: bytes(32 << 20)  # type: ignore[method-assign]
    with served({"p256": log}) as service, connected(service) as client:
        client.sendall(b"GET /log/p256/tile/0/000 HTTP/1.1\r\nHost: h\r\n\r\n")
        assert lost.wait(PATIENCE)
        assert len(cut_short(client)) < 32 << 20


def test_only_so_many_answers_wait_for_slow_readers(logs, ca, monkeypatch, lost) -> None:
    monkeypatch.setattr("web.logs.server._SWEEP_SECONDS", 0.05)
    log = logs.create("p256", [ca.anchor])
    log.tile = lambda _path: bytes(32 << 20)  # type: ignore[method-assign]
    limits = ServerLimits(slow_readers=1)
    with served({"p256": log}, limits=limits) as service:
        with connected(service) as first, connected(service) as second:
            for client in (first, second):
                client.sendall(b"GET /log/p256/tile/0/000 HTTP/1.1\r\nHost: h\r\n\r\n")
                assert client.recv(1) == b"H", "its answer is being sent"
            assert lost.wait(PATIENCE)
            assert len(cut_short(first)) < 32 << 20
            _head, _, body = second.recv(1 << 20).partition(b"\r\n\r\n")
            while len(body) < 32 << 20:
                body += second.recv(1 << 20)
        assert service.get("/healthz").status == 200


# Clients that are greedy


def test_a_refusal_reaches_a_client_that_is_still_sending(service) -> None:
    with connected(service) as client:
        client.sendall(
            b"POST /log/p256/ct/v1/add-chain HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n"
        )
        client.sendall(bytes(9_000_000))
        client.shutdown(socket.SHUT_WR)
        answer = everything(client)
    assert answer.startswith(b"HTTP/1.1 413 Content Too Large\r\n")


def test_a_client_that_goes_on_sending_after_a_refusal_is_cut_off(service, quick_clocks) -> None:
    with connected(service) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n")

        def is_cut_off() -> bool:
            try:
                client.sendall(bytes(1000))
            except OSError:
                return True
            return False

        until(is_cut_off)


def test_submissions_that_come_in_are_bounded_together(logs, ca) -> None:
    log = logs.create("p256", [ca.anchor])
    with served({"p256": log}, limits=ServerLimits(body_bytes=4000)) as service:
        with connected(service) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3500\r\n\r\n" + bytes(3499))
            until(lambda: service.submit("p256", ca.chain()).status == 503)
            refused = service.submit("p256", ca.chain())
            assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        until(lambda: service.submit("p256", ca.chain()).status == 200)
        for number in range(5):  # and what was held is let go, by the end of a connection or by an answer
            assert service.submit("p256", ca.chain(f"{number}.example.test")).status == 200


def test_a_full_house_takes_the_place_of_who_idled_longest(logs, ca, monkeypatch) -> None:
    log = logs.create("p256", [ca.anchor])
    with served({"p256": log}, limits=ServerLimits(connections=3)) as service:
        clients = [socket.create_connection(("127.0.0.1", int(service.url.rpartition(":")[2])), PATIENCE)]
        for _ in range(3):
            time.sleep(0.05)
            clients.append(socket.create_connection(clients[0].getpeername(), PATIENCE))
        for client in clients[1:]:
            client.sendall(CHECKPOINT)
            assert client.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
        assert cut_short(clients[0]) == b""
        for client in clients:
            client.close()


def test_a_full_house_keeps_who_waits_for_an_answer(logs, ca, monkeypatch) -> None:
    log = logs.create("p256", [ca.anchor])
    asked, release = threading.Event(), threading.Event()

    def checkpoint() -> bytes:
        asked.set()
        return b"at last" if release.wait(PATIENCE) else b""

    monkeypatch.setattr(log, "checkpoint", checkpoint)
    limits = ServerLimits(connections=1)
    with served({"p256": log}, limits=limits) as service, connected(service) as patient:
        patient.sendall(CHECKPOINT)
        assert asked.wait(PATIENCE)
        with connected(service) as late:
            assert cut_short(late) == b""
        release.set()
        assert b"at last" in patient.recv(4096)


# Requests one after the other


def test_pipelined_requests_are_answered_in_their_order(service, ca) -> None:
    close = CHECKPOINT.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    missing = b"GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n"
    with connected(service) as client:
        client.sendall(missing + submission(ca.chain()) + CHECKPOINT + close + CHECKPOINT)
        answer = everything(client)
    statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"404", b"200", b"200", b"200"]
    assert answer.index(b"sct_version") < answer.index(b"logs.example.test/log/p256\n1\n"), answer


def test_more_pipelined_requests_than_are_taken_end_the_connection(service) -> None:
    with connected(service) as client:
        client.sendall(CHECKPOINT * (MAX_PIPELINED + 10))
        answer = everything(client)
    assert 1 <= answer.count(b"HTTP/1.1 200") <= MAX_PIPELINED + 1
    assert b"requests are taken before their answers" in answer


def test_what_comes_before_nonsense_is_answered(service) -> None:
    with connected(service) as client:
        client.sendall(CHECKPOINT + b"nonsense\r\n\r\n")
        answer = everything(client)
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"400"]


def test_a_client_that_asks_before_it_sends_is_told_to_continue(service, ca) -> None:
    head, _, body = submission(ca.chain(), "Expect: 100-continue").partition(b"\r\n\r\n")
    with connected(service) as client:
        client.sendall(head + b"\r\n\r\n")
        assert client.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert client.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
    with connected(service) as client:
        client.sendall(head.replace(b"Content-Length: ", b"Content-Length: 9999") + b"\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_old_clients_and_other_protocols(service) -> None:
    for request in (
        b"GET /healthz HTTP/1.0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    ):
        with connected(service) as client:
            client.sendall(request)
            answer = everything(client)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nConnection: close\r\n" in answer
        assert answer.endswith(b"\r\n\r\nok\n")


# Clients that go


def test_a_client_that_has_said_all_still_gets_its_answer(service, ca) -> None:
    with connected(service) as client:
        client.sendall(submission(ca.chain()))
        client.shutdown(socket.SHUT_WR)
        answer = everything(client)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_submission_is_merged_though_its_client_has_gone(logs, ca, lost) -> None:
    log = logs.create("p256", [ca.anchor])
    flush = flush_at_will(log)
    with served({"p256": log}) as service:
        with connected(service) as client:
            client.sendall(submission(ca.chain()))
            until(lambda: log._sequencer._pool.tickets)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # it goes rudely
        assert lost.wait(PATIENCE)
        assert log.get_sth().tree_size == 0
        flush()
        until(lambda: log.get_sth().tree_size == 1)
        assert service.get("/healthz").status == 200


def test_a_submission_that_waits_too_long_is_told_to_come_again(logs, ca, quick_clocks, monkeypatch) -> None:
    log = logs.create("p256", [ca.anchor])
    disk = threading.Event()
    create = log._sequencer.storage.create
    monkeypatch.setattr(
        log._sequencer.storage, "create", lambda objects: (disk.wait(PATIENCE), create(objects))
    )
    chain = ca.chain()
    with served({"p256": log}) as service:
        answer = service.submit("p256", chain)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        disk.set()
        until(lambda: service.submit("p256", chain).status == 200)
        assert log.get_sth().tree_size == 1


# The server's own life


def test_a_stop_answers_what_is_under_way_and_takes_no_more(logs, ca) -> None:
    log = logs.create("p256", [ca.anchor])
    flush = flush_at_will(log)
    server = LogServer(Application({"p256": log}), "127.0.0.1", 0, limits=ServerLimits(grace=PATIENCE))
    thread = threading.Thread(target=server.run)
    thread.start()
    address = ("127.0.0.1", server.port)
    with (
        socket.create_connection(address, PATIENCE) as idle,
        socket.create_connection(address, PATIENCE) as client,
    ):
        client.sendall(submission(ca.chain()))
        until(lambda: log._sequencer._pool.tickets)
        server.stop()
        server.stop()  # a second order changes nothing
        assert everything(idle) == b""
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(address, PATIENCE)
        flush()
        answer = everything(client)
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in answer


def test_a_stop_does_not_wait_for_ever(logs, ca, monkeypatch) -> None:
    log = logs.create("p256", [ca.anchor])
    flush_at_will(log)
    monkeypatch.setattr("web.logs.connection.ANSWER_SECONDS", 3600)
    server = LogServer(Application({"p256": log}), "127.0.0.1", 0, limits=ServerLimits(grace=0.2))
    thread = threading.Thread(target=server.run)
    thread.start()
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        client.sendall(submission(ca.chain()))
        until(lambda: log._sequencer._pool.tickets)
        server.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    log.close()
    assert log.get_sth().tree_size == 1, "what was taken is merged all the same"


def test_a_port_in_use_is_said_at_once(logs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        LogServer(Application({}), "127.0.0.1", taken.getsockname()[1])


def test_a_log_that_is_added_is_served_at_once(logs, ca) -> None:
    open_logs = {"p256": logs.create("p256", [ca.anchor])}
    with served(open_logs) as service:
        assert service.get("/log/sm2/checkpoint").status == 404
        open_logs["sm2"] = logs.create("sm2", [ca.anchor])
        assert service.get("/log/sm2/checkpoint").status == 200
        assert service.get("/readyz").json() == {"logs": ["p256", "sm2"]}


def test_questions_are_answered_while_all_submission_workers_are_busy(logs, ca, monkeypatch) -> None:
    log = logs.create("p256", [ca.anchor])
    release, busy_ones = threading.Event(), threading.Semaphore(0)

    def busy(*_chain, **_options) -> None:
        busy_ones.release()
        release.wait(PATIENCE)
        raise SubmissionRefused("not today")

    monkeypatch.setattr(log, "submit", busy)
    with served({"p256": log}) as service:
        clients = [threading.Thread(target=service.submit, args=("p256", ca.chain())) for _ in range(8)]
        for client in clients:
            client.start()
        assert all(busy_ones.acquire(timeout=PATIENCE) for _ in range(2)), "at least two work on submissions"
        assert service.get("/log/p256/checkpoint", timeout=PATIENCE / 3).status == 200
        release.set()
        for client in clients:
            client.join()
