"""A page through the verifying proxy, beside the same page through plain mitmdump without the addon."""

import contextlib
import os
import socket
import socketserver
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, override

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.figure import Figure
from proxy_addon.client.local_ca import create_local_ca
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.bundle import TrustBundle, encode_trust_bundle
from verifier.certificates import Certificate
from verifier.transparency.log_list import LogList

ROOT: Final = Path(__file__).resolve().parent.parent
KEPT_ALIVE: Final = 300
NEW: Final = 60
WARM: Final = 10
BODY: Final = b"<!doctype html><title>page</title>" + b"x" * 10_000
START_SECONDS: Final = 30


def measure() -> Iterator[Figure]:
    """Ask one site by both proxies in turns: over one kept-alive connection, and over a new one each time."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        root, port = _site(folder, stack)
        plain = _start(_plain_command(folder, root), stack)
        ours = _start(_our_command(folder, root), stack)
        for name, work, rounds in (
            ("a page, kept alive, through the proxy", _kept_alive, KEPT_ALIVE),
            ("a page, new connection, through the proxy", _new_connection, NEW),
        ):
            for proxy in (ours, plain):
                work(proxy, port, WARM)
            taken = [(work(ours, port, rounds), work(plain, port, rounds)) for _ in range(3)]
            value, limit = (statistics.median(times) * 1000 for times in zip(*taken, strict=True))
            yield Figure(name, value, "ms", "plain mitmdump", limit, higher_is_better=False)


def _kept_alive(proxy: int, port: int, rounds: int) -> float:
    with _tunnel(proxy, port) as stream:
        started = time.perf_counter()
        for _ in range(rounds):
            _page(stream, port)
        return (time.perf_counter() - started) / rounds


def _new_connection(proxy: int, port: int, rounds: int) -> float:
    started = time.perf_counter()
    for _ in range(rounds):
        with _tunnel(proxy, port) as stream:
            _page(stream, port)
    return (time.perf_counter() - started) / rounds


@contextlib.contextmanager
def _tunnel(proxy: int, port: int) -> Iterator[ssl.SSLSocket]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the proxy is measured, not believed
    with socket.create_connection(("127.0.0.1", proxy)) as raw:
        raw.sendall(f"CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        assert raw.recv(4096).startswith(b"HTTP/1.1 200")
        with context.wrap_socket(raw, server_hostname="localhost") as stream:
            yield stream


def _page(stream: ssl.SSLSocket, port: int) -> None:
    stream.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
    data = b""
    while not data.endswith(BODY):
        piece = stream.recv(65536)
        assert piece, data
        data += piece
    assert data.startswith(b"HTTP/1.1 200"), data


def _start(command: Callable[[int], list[str]], stack: contextlib.ExitStack) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    deadline = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return port
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the proxy to be measured did not start")
        time.sleep(0.05)


def _plain_command(folder: Path, root: Path) -> Callable[[int], list[str]]:
    program = str(Path(sys.executable).parent / "mitmdump")
    fixed = [program, "-q", "--listen-host", "127.0.0.1", "--set", f"confdir={folder}/confdir"]
    return lambda port: [
        *fixed, "--listen-port", str(port), "--set", f"ssl_verify_upstream_trusted_ca={root}",
    ]  # fmt: skip


def _our_command(folder: Path, root: Path) -> Callable[[int], list[str]]:
    data = _data(folder / "data", root)
    code = (
        "import sys; from pathlib import Path; from proxy_addon.client.runner import run_proxy; "
        "run_proxy(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]))"
    )
    return lambda port: [sys.executable, "-c", code, str(data), str(port)]


def _data(data: Path, root: Path) -> Path:
    """A data directory under the default policy, with the site's root among the public ones."""
    proxy = data / "proxy"
    proxy.mkdir(parents=True)
    (data / "root.pem").write_bytes(root.read_bytes())
    (data / "policy.toml").write_text('[default]\n[roots]\nfiles = ["root.pem"]\n')
    (data / "mingjing.toml").write_text('[service]\npublic_url = "http://127.0.0.1:1"\n')
    now = datetime.now(UTC).replace(microsecond=0)
    signer = PrivateKey.generate(KeyAlgorithm.ECDSA)
    bundle = TrustBundle(
        issued_at=now,
        expires_at=now + timedelta(days=1),
        public_url="http://127.0.0.1:1",
        domain="example.test",
        operator="benchmark",
        merge_delay=timedelta(days=1),
        roots=(Certificate.from_pem(root.read_bytes()),),
        issuers=(),
        log_lists={"own": LogList((), timestamp=now, name="own")},
        distrusted_logs=frozenset(),
        policy="[default]\n",
    )
    (proxy / "trust-bundle.json").write_bytes(encode_trust_bundle(bundle, signer))
    (proxy / "bundle-fingerprint").write_text(signer.public_key.key_id.hex())
    create_local_ca(data)
    return data


class _Handler(socketserver.BaseRequestHandler):
    """Answers every request with the same page, for as long as the connection lasts."""

    @override
    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b" % (
            len(BODY),
            BODY,
        )
        with (
            contextlib.suppress(OSError),
            self.server.context.wrap_socket(self.request, server_side=True) as stream,
        ):
            buffer = b""
            while piece := stream.recv(65536):
                buffer += piece
                while b"\r\n\r\n" in buffer:
                    buffer = buffer.partition(b"\r\n\r\n")[2]
                    stream.sendall(answer)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    context: ssl.SSLContext


def _site(folder: Path, stack: contextlib.ExitStack) -> tuple[Path, int]:
    """Start the site; return its root's file and its port."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("benchmark root", root_key, "benchmark root", root_key, ca=True)
    leaf = _certificate("localhost", key, "benchmark root", root_key, ca=False)
    (folder / "root.pem").write_bytes(root)
    (folder / "site.pem").write_bytes(
        leaf
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    server = stack.enter_context(_Server(("127.0.0.1", 0), _Handler))
    server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.context.load_cert_chain(folder / "site.pem")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.shutdown)
    return folder / "root.pem", int(server.server_address[1])


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, *, ca: bool
) -> bytes:
    now = datetime.now(UTC)

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = (
        x509
        .CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=60))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if not ca:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
