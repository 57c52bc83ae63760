"""Clients that cost little: prepared requests over kept-alive sockets, one process, answers hardly parsed."""

import json
import select
import socket
import time
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Load:
    """What the clients saw: the time of all, of each, and what they themselves cost (seconds)."""

    seconds: float = 0.0
    own_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Submissions a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return a latency in milliseconds."""
        return sorted(self.latencies)[int(share * (len(self.latencies) - 1))] * 1000


def add_chain_request(leaf: bytes) -> bytes:
    """Return the whole request that submits one certificate to the log named ``log``."""
    body = json.dumps({"chain": [b64encode(leaf).decode()]}).encode()
    head = f"POST /log/log/ct/v1/add-chain HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def submit(port: int, requests: Sequence[bytes], connections: int, rate: float = 0.0) -> Load:
    """Send all requests, each connection one at a time: as fast as answers come, or ``rate`` a second.

    With a rate, a latency counts from the moment that the request was due, whether or not it could be sent.
    """
    clients = _Clients(port, min(connections, len(requests)))
    load, start, own = Load(), time.perf_counter(), time.process_time()
    sent = 0
    while len(load.latencies) < len(requests):
        now = time.perf_counter()
        due = len(requests) if rate == 0 else min(len(requests), int((now - start) * rate) + 1)
        while sent < due and clients.free:
            clients.send(requests[sent], start + sent / rate if rate else now)
            sent += 1
        wait = start + sent / rate - now if rate and clients.free and sent < len(requests) else 1.0
        load.latencies += clients.receive(max(0.0, wait))
    load.seconds, load.own_seconds = time.perf_counter() - start, time.process_time() - own
    clients.close()
    return load


class _Clients:
    """Kept-alive connections, those without a request in ``free``."""

    def __init__(self, port: int, count: int) -> None:
        self._epoll = select.epoll()
        self._sockets = {}
        self._since: dict[int, float] = {}
        self._answers: dict[int, bytes] = {}
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", port))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets[one.fileno()] = one
            self._epoll.register(one.fileno(), select.EPOLLIN)
        self.free = list(self._sockets)

    def send(self, request: bytes, since: float) -> None:
        number = self.free.pop()
        self._since[number], self._answers[number] = since, b""
        self._sockets[number].sendall(request)

    def receive(self, timeout: float) -> list[float]:
        """Take what has come; return the latencies (seconds) of the answers that are whole."""
        latencies = []
        for number, _ in self._epoll.poll(timeout):
            received = self._sockets[number].recv(65536)
            assert received, "the server closed the connection"
            answer = self._answers[number] = self._answers[number] + received
            if answer.endswith(b"}"):  # the answer is one JSON object without others in it
                assert answer.startswith(b"HTTP/1.1 200 "), answer
                latencies.append(time.perf_counter() - self._since[number])
                self.free.append(number)
        return latencies

    def close(self) -> None:
        self._epoll.close()
        for one in self._sockets.values():
            one.close()
