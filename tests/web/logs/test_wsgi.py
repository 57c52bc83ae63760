"""A WSGI application behind the logs' server: slow clients hold nobody up, no half answer looks whole."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import urllib3
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.tlog.chains import Ca
from tests.web.logs.test_server import PATIENCE, cut_short, everything
from web.logs import LogServer, ServerLimits
from web.logs.wsgi import WsgiApplication

LIMITS = ServerLimits(submission_workers=4, question_workers=4)
LARGE = 32 << 20


class Made:
    """An application for these tests; ``closed`` is set when the body of /endless was let go."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.pieces_made = 0

    def __call__(self, environ: dict, start_response: Callable) -> Iterator[bytes]:
        return getattr(self, environ["PATH_INFO"].strip("/"))(environ, start_response)

    def echo(self, environ, start_response):
        said = [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
        start_response("200 OK", said)
        shown = {key: value for key, value in environ.items() if isinstance(value, str)}
        body = environ["wsgi.input"].read()
        return [repr((sorted(shown.items()), body)).encode()] if environ["REQUEST_METHOD"] != "HEAD" else []

    def large(self, _environ, start_response):
        start_response("200 OK", [])
        return (b"%07d\n" % number * 1024 for number in range(LARGE // 8192))

    def known(self, _environ, start_response):
        start_response("200 OK", [("Content-Length", str(LARGE))])
        return (bytes(65536) for _ in range(LARGE // 65536))

    def broken(self, _environ, start_response):
        start_response("200 OK", [])
        yield from (bytes(1 << 20) for _ in range(4))
        raise ValueError("in the middle")

    def endless(self, _environ, start_response):
        start_response("200 OK", [])
        try:
            while True:
                self.pieces_made += 1
                yield bytes(65536)
        finally:
            self.closed.set()


@contextmanager
def serving(application, tls: ssl.SSLContext | None = None, limits: ServerLimits = LIMITS) -> Iterator[int]:
    wrapped = WsgiApplication(application, "127.0.0.1", 80, scheme="https" if tls else "http")
    server = LogServer(wrapped, "127.0.0.1", 0, limits=limits, tls=tls)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def port(made: Made) -> Iterator[int]:
    with serving(made) as port:
        yield port


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def ask(port: int, path: str, **options) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager(retries=False, timeout=PATIENCE) as http:
        return http.request(options.pop("method", "GET"), f"http://127.0.0.1:{port}{path}", **options)


def test_clients_that_send_slowly_hold_no_worker(port) -> None:
    """More of them than there are workers, each in the middle of its body."""
    with ExitStack() as slow:
        for _ in range(40):
            client = slow.enter_context(connect(port))
            client.sendall(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\nabc")
        assert ask(port, "/echo").status == 200
        assert ask(port, "/echo", method="POST", body=b"x").status == 200


def test_clients_that_read_slowly_leave_workers_for_others(port) -> None:
    with ExitStack() as slow:
        clients = [slow.enter_context(connect(port)) for _ in range(4)]
        for client in clients:
            client.sendall(b"GET /endless HTTP/1.1\r\nHost: h\r\n\r\n")
        begun = [client.recv(12) for client in clients]
        assert sorted(begun) == [b"HTTP/1.1 200"] * 2 + [b"HTTP/1.1 503"] * 2
        assert ask(port, "/echo").status == 200


def test_a_reader_that_goes_or_takes_nothing_ends_its_stream(made, monkeypatch) -> None:
    monkeypatch.setattr("web.logs.connection.SEND_SECONDS", 1.0)
    monkeypatch.setattr("web.logs.server._SWEEP_SECONDS", 0.05)
    with serving(made) as port:
        for goes in (True, False):
            made.closed.clear()
            with connect(port) as client:
                client.sendall(b"GET /endless HTTP/1.1\r\nHost: h\r\n\r\n")
                assert client.recv(12) == b"HTTP/1.1 200"
                if not goes:
                    assert made.closed.wait(PATIENCE)
            assert made.closed.wait(PATIENCE)


def test_an_answer_is_made_no_faster_than_it_is_taken(made, port) -> None:
    with connect(port) as client:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: h\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
        threading.Event().wait(0.5)
        assert made.pieces_made < 400, "25 MB: what the kernel's buffers hold, and no more"


@pytest.mark.parametrize("path", ["/large", "/known"])
def test_a_large_answer_arrives_whole_and_the_connection_is_kept(port, path) -> None:
    with connect(port) as client:
        http = urllib3.HTTPConnectionPool("127.0.0.1", port, timeout=PATIENCE, retries=False)
        answer = http.request("GET", path)
        assert len(answer.data) == LARGE
        assert ("Transfer-Encoding" in answer.headers) == (path == "/large")
        assert http.request("GET", "/echo").status == 200
        assert http.num_connections == 1
        http.close()
        client.sendall(b"GET /large HTTP/1.0\r\n\r\n")
        _, _, body = everything(client).partition(b"\r\n\r\n")
        assert len(body) == LARGE


def test_a_broken_answer_is_not_taken_for_a_whole_one(port) -> None:
    with pytest.raises(urllib3.exceptions.ProtocolError):
        ask(port, "/broken")
    with connect(port) as client:
        client.sendall(b"GET /broken HTTP/1.1\r\nHost: h\r\n\r\n")
        assert not cut_short(client).endswith(b"0\r\n\r\n")


def test_an_answer_that_breaks_before_anything_is_sent_is_500(made) -> None:
    with serving(lambda *_: 1 / 0) as port:
        assert ask(port, "/").status == 500


def test_what_the_application_is_told(port) -> None:
    with connect(port) as client:
        client.sendall(
            b"POST /ec%68o?q=%41 HTTP/1.1\r\nHost: h:1\r\nX-Real: yes\r\nX_Real: no\r\n"
            b"Content-Type: text/x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
        )
        answer = everything(client).decode()
    for said in (
        "('CONTENT_LENGTH', '2')", "('CONTENT_TYPE', 'text/x')", "('HTTP_HOST', 'h:1')",
        "('HTTP_X_REAL', 'yes')",
        "('PATH_INFO', '/echo')", "('QUERY_STRING', 'q=%41')", "('REMOTE_ADDR', '127.0.0.1')",
        "('REQUEST_METHOD', 'POST')", "('wsgi.url_scheme', 'http')", "b'hi'",
        "Set-Cookie: a=1", "Set-Cookie: b=2",
    ):  # fmt: skip
        assert said in answer, answer


def test_an_answer_to_head_has_no_body(port) -> None:
    with connect(port) as client:
        client.sendall(b"HEAD /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert everything(client).endswith(b"\r\n\r\n")


def test_an_answer_that_never_comes_is_503(made, monkeypatch) -> None:
    monkeypatch.setattr("web.logs.server._SWEEP_SECONDS", 0.05)
    free = threading.Event()
    with serving(lambda *_: free.wait(PATIENCE), limits=ServerLimits(answer_seconds=0.5, grace=0.1)) as port:
        assert ask(port, "/").status == 503
        free.set()


@pytest.fixture
def contexts(tmp_path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a server with a certificate of its own, and of a client that takes any."""
    ca = Ca.root()
    (tmp_path / "key").write_bytes(ca.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "pem").write_text(ssl.DER_cert_to_PEM_cert(ca.der))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "pem", tmp_path / "key")
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    return server, client


def test_over_tls_silent_connections_hold_nobody_up(made, contexts) -> None:
    server, client = contexts
    with serving(made, server) as port, ExitStack() as silent:
        for _ in range(40):
            silent.enter_context(connect(port))
        with client.wrap_socket(connect(port)) as secured:
            secured.sendall(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
            secured.sendall(b"GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            answer = everything(secured)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert b"('wsgi.url_scheme', 'https')" in answer


def test_over_tls_a_client_that_breaks_the_rules_or_ends_early_gets_an_answer_or_an_end(
    made, contexts, caplog
) -> None:
    """TLS knows no half-closed connection, on which the plain server sends its last word."""
    server, client = contexts
    with serving(made, server) as port:
        with client.wrap_socket(connect(port)) as secured:
            secured.sendall(b"nonsense\r\n\r\n")
            assert everything(secured).startswith(b"HTTP/1.1 400 Bad Request\r\n")
        secured = client.wrap_socket(connect(port))
        secured.sendall(b"GET /endless HTTP/1.1\r\nHost: h\r\n\r\n")
        assert secured.recv(12) == b"HTTP/1.1 200"
        secured.settimeout(1)
        with suppress(OSError):
            secured.unwrap()  # says that it ends, and does not read on
        assert made.closed.wait(PATIENCE)
        secured.close()
    assert caplog.records == []
