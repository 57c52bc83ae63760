"""Submissions over HTTP, against a bare loop that does the same cryptography and nothing else."""

import hashlib
import json
import multiprocessing
import selectors
import socket
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.figure import Figure
from tlog.ct import CtLog, create_log
from tlog.pool import Limits
from verifier.algorithms import KeyAlgorithm, PrivateKey, der
from verifier.certificates import Certificate
from verifier.transparency.entries import X509Entry, merkle_tree_leaf, signed_data
from verifier.transparency.extensions import sct_extensions

SUBMISSIONS = 3000
CONNECTIONS = 320
ASKED_SHARE = 0.6  # of the bare loop, where the cryptography is what costs: SM2
ASKED_RATE = 1000.0  # a second, where the cryptography is almost free: P-256


@dataclass(frozen=True)
class Made:
    """A CA of one algorithm and certificates that it issued."""

    root: bytes
    leaves: list[bytes]


@dataclass
class Load:
    """What the clients saw: the time of all, and of each."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Return a latency in milliseconds."""
        return sorted(self.latencies)[int(share * (len(self.latencies) - 1))] * 1000


def measure() -> Iterator[Figure]:
    """Both logs: rate and latency, each beside its limit."""
    for name, algorithm in (("SM2", KeyAlgorithm.SM2), ("P-256", KeyAlgorithm.ECDSA)):
        made = _issue(algorithm, SUBMISSIONS)
        bare = _bare_loop(made, algorithm)
        load, on_disk = _over_http(made, algorithm)
        rate = SUBMISSIONS / load.seconds
        sm2 = algorithm is KeyAlgorithm.SM2
        yield Figure(
            f"log {name}: submissions over HTTP", rate, "/s", "same cryptography, bare loop", bare,
            required=ASKED_SHARE if sm2 else None,
        )  # fmt: skip
        if not sm2:
            yield Figure(
                f"log {name}: the same", rate, "/s", "asked of this machine", ASKED_RATE, required=1.0
            )
        period = Limits().period * 1000
        for share in (0.5, 0.99):
            yield Figure(
                f"log {name}: latency p{share * 100:.0f} under that load", load.percentile(share), "ms",
                "flush period", period, higher_is_better=False,
            )  # fmt: skip
        yield Figure(
            f"log {name}: bytes on disk per entry", on_disk / SUBMISSIONS, "bytes",
            "its certificate and leaf hash alone", _mean_size(made) + 32, higher_is_better=False,
        )  # fmt: skip


def _mean_size(made: Made) -> float:
    return sum(map(len, made.leaves)) / len(made.leaves)


def _bare_loop(made: Made, algorithm: KeyAlgorithm, count: int = 600) -> float:
    """Verify the chain's signature, sign the SCT, hash leaf and node: the cryptography of one submission."""
    key = PrivateKey.generate(algorithm)
    ca = Certificate.parse(made.root).public_key
    certificates = [Certificate.parse(leaf) for leaf in made.leaves[:count]]
    start = time.perf_counter()
    for index, certificate in enumerate(certificates):
        ca.verify(certificate.signature, certificate.tbs)
        entry, extensions = X509Entry(certificate.der), sct_extensions(index)
        key.sign(signed_data(entry, 1, extensions))
        leaf = hashlib.sha256(b"\0" + merkle_tree_leaf(entry, 1, extensions)).digest()
        hashlib.sha256(b"\1" + leaf + leaf).digest()
    return count / (time.perf_counter() - start)


def _over_http(made: Made, algorithm: KeyAlgorithm) -> tuple[Load, int]:
    with tempfile.TemporaryDirectory() as directory, _serving(Path(directory), made.root, algorithm) as port:
        load = _submit(port, [_request(leaf) for leaf in made.leaves])
        files = [file for file in (Path(directory) / "log").rglob("*") if file.is_file()]
        return load, sum(file.stat().st_size for file in files)


@contextmanager
def _serving(directory: Path, root: bytes, algorithm: KeyAlgorithm) -> Iterator[int]:
    """A log in a process of its own, as it is in service."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(directory, root, algorithm, theirs))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        process.join()


def _serve(directory: Path, root: bytes, algorithm: KeyAlgorithm, pipe: Connection) -> None:
    import threading

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
    pipe.recv()
    server.stop()
    thread.join()
    log.close()


def _request(leaf: bytes) -> bytes:
    body = json.dumps({"chain": [b64encode(leaf).decode()]}).encode()
    head = f"POST /log/log/ct/v1/add-chain HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Client:
    """One kept-alive connection, one request at a time."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._since, self._answer = 0.0, b""

    def send(self, request: bytes) -> None:
        self._since, self._answer = time.perf_counter(), b""
        self.socket.sendall(request)

    def receive(self) -> float | None:
        """Take what has come; the seconds since the request once the answer is whole."""
        received = self.socket.recv(65536)
        assert received, "the server closed the connection"
        self._answer += received
        head, _, body = self._answer.partition(b"\r\n\r\n")
        if not body.endswith(b"}"):  # the answer is one JSON object without others in it
            return None
        assert head.startswith(b"HTTP/1.1 200 "), self._answer
        return time.perf_counter() - self._since


def _submit(port: int, requests: Sequence[bytes]) -> Load:
    """Send all requests over kept-alive connections from a single quick thread."""
    load, waiting = Load(), list(requests)
    clients = [_Client(port) for _ in range(min(CONNECTIONS, len(waiting)))]
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        start = time.perf_counter()
        for client in clients:
            client.send(waiting.pop())
        while len(load.latencies) < len(requests):
            for key, _ in selector.select():
                took = key.data.receive()
                if took is not None:
                    load.latencies.append(took)
                    if waiting:
                        key.data.send(waiting.pop())
        load.seconds = time.perf_counter() - start
    for client in clients:
        client.socket.close()
    return load


def _issue(algorithm: KeyAlgorithm, count: int) -> Made:
    """A root and leaves below it, small but of usual form."""
    ca, subscriber = PrivateKey.generate(algorithm), PrivateKey.generate(algorithm)
    root = _certificate(ca, ca, "Bench Root", "Bench Root", 1, is_ca=True)
    names = [f"host-{number}.bench.example" for number in range(count)]
    leaves = [
        _certificate(ca, subscriber, "Bench Root", name, number, is_ca=False)
        for number, name in enumerate(names, 2)
    ]
    return Made(root, leaves)


def _certificate(
    ca: PrivateKey,
    key: PrivateKey,
    issuer: str,
    subject: str,
    serial: int,
    *,
    is_ca: bool,
) -> bytes:
    scheme = ca.public_key.default_scheme
    assert scheme.oid is not None
    identifier = der.encode(der.SEQUENCE, der.encode_oid(scheme.oid))
    constraints = der.encode(der.SEQUENCE, der.encode(0x01, b"\xff") if is_ca else b"")
    extensions = _extension("2.5.29.19", constraints) + (
        b""
        if is_ca
        else _extension("2.5.29.17", der.encode(der.SEQUENCE, der.encode(0x82, subject.encode())))
    )
    tbs = der.encode(
        der.SEQUENCE,
        der.encode(der.context(0), der.encode_integer(2)),
        der.encode_integer(serial),
        identifier,
        _name(issuer),
        der.encode(der.SEQUENCE, der.encode(0x17, b"260101000000Z"), der.encode(0x17, b"360101000000Z")),
        _name(subject),
        key.public_key.spki,
        der.encode(der.context(3), der.encode(der.SEQUENCE, extensions)),
    )
    return der.encode(der.SEQUENCE, tbs, identifier, der.encode(der.BIT_STRING, b"\0" + ca.sign(tbs, scheme)))


def _name(common_name: str) -> bytes:
    attribute = der.encode(der.SEQUENCE, der.encode_oid("2.5.4.3"), der.encode(0x0C, common_name.encode()))
    return der.encode(der.SEQUENCE, der.encode(0x31, attribute))


def _extension(oid: str, value: bytes) -> bytes:
    return der.encode(der.SEQUENCE, der.encode_oid(oid), der.encode(der.OCTET_STRING, value))
