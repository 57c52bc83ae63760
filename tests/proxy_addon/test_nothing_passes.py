"""Nothing passes without a recorded trusted verdict: the sites say what reached them."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.proxy.layers.http import HttpStream
from OpenSSL import SSL

pytestmark = pytest.mark.needs("curl")

CANARY = "canary-that-must-not-arrive"


@pytest.fixture
def bad(data: Any, pki: Any, site: Callable[..., Any]) -> Any:
    """A site without SCTs, which the policy asks for."""
    one = site(pki.sm2.issue("bad.mingjing.test"))
    data.hosts(bad=one.address)
    return one


@pytest.fixture
def good(data: Any, dual: Any, site: Callable[..., Any]) -> Any:
    one = site(*dual)
    data.hosts(good=one.address)
    return one


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


class Client:
    """A client of our own: raw CONNECT tunnels through a proxy, with or without TLS inside."""

    def __init__(self, opened: contextlib.ExitStack) -> None:
        self.opened = opened

    def connect(self, proxy: Any, target: str) -> socket.socket:
        sock = self.opened.enter_context(socket.create_connection(("127.0.0.1", proxy.port), timeout=60))
        sock.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        assert sock.recv(4096).startswith(b"HTTP/1.1 200")
        return sock

    def tls(self, proxy: Any, name: str, alpn: bytes = b"http/1.1") -> SSL.Connection:
        """Whom the proxy's own certificate is from is of no interest here."""
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_alpn_protos([alpn])
        sock = self.connect(proxy, f"{name}:443")
        sock.settimeout(None)  # OpenSSL reads the descriptor itself, so the system keeps the time
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 10, 0))
        connection = SSL.Connection(context, sock)
        connection.set_tlsext_host_name(name.encode())
        connection.set_connect_state()
        connection.do_handshake()
        return connection


@pytest.fixture
def client() -> Iterator[Client]:
    with contextlib.ExitStack() as opened:
        yield Client(opened)


def read(connection: Any, until: bytes = b"\r\n\r\n") -> bytes:
    data = b""
    while until not in data:
        try:
            piece = connection.recv(65536)
        except (SSL.Error, OSError):
            break
        if not piece:
            break
        data += piece
    return data


@pytest.mark.parametrize("strategy", ["eager", "lazy"])
@pytest.mark.parametrize("body", ["", "b" * 300_000])
def test_refused_under_every_strategy(
    bad: Any, start_proxy: Callable[..., Any], strategy: str, body: str, tmp_path: Path
) -> None:
    (tmp_path / "body").write_text(body + CANARY)
    proxy = start_proxy(
        "mitmdump", "--set", f"connection_strategy={strategy}", "--set", "stream_large_bodies=10k"
    )
    arguments = ("--data-binary", f"@{tmp_path}/body") if body else ()
    answer = proxy.curl(f"https://bad.mingjing.test/{CANARY}", *arguments)
    assert (answer.status, answer.verdicts) == (403, ["refused; sct-missing"]), (answer, proxy.log)
    assert not bad.received


@pytest.mark.parametrize("strategy", ["eager", "lazy"])
def test_trusted_under_every_strategy(good: Any, start_proxy: Callable[..., Any], strategy: str) -> None:
    proxy = start_proxy(
        "mitmdump", "--set", f"connection_strategy={strategy}", "--set", "stream_large_bodies=10k"
    )
    answer = proxy.curl("https://good.mingjing.test/", "--data-binary", "b" * 100_000)
    assert (answer.status, answer.verdicts) == (200, ["trusted; sm2 pq"]), (answer, proxy.log)
    assert len(answer.body) == 100_000


def broken(*_arguments: object, **_named: object) -> None:
    raise RuntimeError("broken on purpose")


@pytest.mark.parametrize(
    "name",
    [
        "addon.ClientAddon.tls_start_server",
        "addon.ClientAddon.tls_established_server",
        "addon.ClientAddon.server_connect",
        "addon.ClientAddon.requestheaders",
        "addon.ClientAddon.request",
        "addon.ClientAddon.responseheaders",
        "addon.ClientAddon.response",
        "desk.Desk.decide",
        "desk.Desk._assess",
        "desk.Desk.verdict_for",
        "pages.block",
    ],
)
def test_a_hook_that_raises_lets_nothing_pass(
    bad: Any, start_proxy: Callable[..., Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"proxy_addon.client.{name}", broken)
    answer = start_proxy().curl(f"https://bad.mingjing.test/{CANARY}", "-m", "12")
    assert not bad.received, answer
    assert all(verdict.startswith("refused; ") for verdict in answer.verdicts), answer
    assert len(answer.verdicts) == (1 if answer.status else 0), answer


@pytest.mark.parametrize(
    "walls",
    [
        {"guard.GuardedConnection.is_open": True, "addon.ClientAddon.request": broken},
        {
            "stream.VerdictStream.make_server_connection": HttpStream.make_server_connection,
            "addon.ClientAddon.request": broken,
        },
    ],
    ids=["the stream alone", "the guard alone"],
)
def test_each_wall_holds_alone(
    bad: Any, start_proxy: Callable[..., Any], walls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, replacement in walls.items():
        monkeypatch.setattr(f"proxy_addon.client.{name}", replacement)
    answer = start_proxy().curl(f"https://bad.mingjing.test/{CANARY}", "-m", "12")
    assert not bad.received, answer
    assert [verdict.partition(";")[0] for verdict in answer.verdicts] in (["refused"], []), answer


def test_no_connection_of_mitmproxys_own_takes_the_guards_place(
    bad: Any, client: Client, start_proxy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without our hook there is no upstream TLS at all, also where an option says not to verify it."""
    for name in ("tls_start_server", "tcp_start", "tcp_message"):
        monkeypatch.setattr(f"proxy_addon.client.addon.ClientAddon.{name}", broken)
    inner = client.tls(start_proxy("thread", "ssl_insecure=true"), "bad.mingjing.test", b"acme")
    with contextlib.suppress(SSL.Error):
        inner.sendall(b"\x00\x01" + CANARY.encode() + b"\r\n")
    read(inner, b"never")
    assert not bad.received


def test_a_response_hook_that_raises_lets_no_false_claim_through(
    data: Any,
    dual: Any,
    site: Callable[..., Any],
    start_proxy: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("responseheaders", "response"):
        monkeypatch.setattr(f"proxy_addon.client.addon.ClientAddon.{name}", broken)
    data.hosts(good=site(*dual, headers=[("Mingjing-Verdict", "trusted; everything")]).address)
    answer = start_proxy().curl("https://good.mingjing.test/")
    assert answer.verdicts == ["trusted; sm2 pq"]


def test_a_judge_that_raises_is_a_refusal(
    good: Any, start_proxy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy_addon.connect.engine.judge", broken)
    answer = start_proxy().curl("https://good.mingjing.test/")
    assert (answer.status, answer.verdicts) == (403, ["refused; check-failed"]), answer
    assert not good.received


@pytest.mark.parametrize("option", ["ignore_hosts=.*", "allow_hosts=nothing.at.all", "tcp_hosts=.*"])
def test_ignored_hosts_are_not_connected(bad: Any, start_proxy: Callable[..., Any], option: str) -> None:
    proxy = start_proxy("thread", option)
    answer = proxy.curl(f"https://bad.mingjing.test/{CANARY}", "-k", "-m", "12")
    assert answer.status in {0, 403}, answer
    assert not bad.received


def test_another_addon_cannot_ignore_a_connection(
    bad: Any, start_proxy: Callable[..., Any], tmp_path: Path
) -> None:
    ignoring = script(tmp_path, "ignoring", "def tls_clienthello(data):\n    data.ignore_connection = True\n")
    proxy = start_proxy("mitmdump", scripts=[ignoring])
    answer = proxy.curl(f"https://bad.mingjing.test/{CANARY}", "-k", "-m", "12")
    assert answer.verdicts == ["refused; sct-missing"], answer
    assert not bad.received


def test_raw_tcp_is_refused(
    client: Client, data: Any, site: Callable[..., Any], start_proxy: Callable[..., Any]
) -> None:
    plain = site()
    data.hosts(raw=plain.address)
    proxy = start_proxy()
    sock = client.connect(proxy, "raw.mingjing.test:25")
    sock.sendall(b"\x00\x01" + CANARY.encode() + b"\r\n")
    assert CANARY.encode() not in read(sock, b"never")
    assert not plain.received
    assert not plain.connections


def test_raw_bytes_inside_tls_are_refused(client: Client, bad: Any, start_proxy: Callable[..., Any]) -> None:
    proxy = start_proxy()
    inner = client.tls(proxy, "bad.mingjing.test", b"acme")
    inner.sendall(b"\x00\x01" + CANARY.encode() + b"\r\n")
    read(inner, b"never")
    assert not bad.received


def test_websocket_to_a_refused_site(client: Client, bad: Any, start_proxy: Callable[..., Any]) -> None:
    inner = client.tls(start_proxy(), "bad.mingjing.test")
    inner.sendall(websocket_request("bad.mingjing.test"))
    assert read(inner).startswith(b"HTTP/1.1 403")
    assert not bad.received


def test_websocket_to_a_trusted_site(client: Client, good: Any, start_proxy: Callable[..., Any]) -> None:
    import wsproto
    from wsproto import events

    inner = client.tls(start_proxy(), "good.mingjing.test")
    inner.sendall(websocket_request("good.mingjing.test"))
    head = read(inner)
    assert head.startswith(b"HTTP/1.1 101")
    assert head.lower().count(b"mingjing-verdict: trusted; sm2 pq") == 1
    client = wsproto.connection.Connection(wsproto.ConnectionType.CLIENT)
    inner.sendall(client.send(events.TextMessage("hello")))
    client.receive_data(inner.recv(4096))
    assert [event.data for event in client.events()] == ["echo hello"]


def websocket_request(host: str) -> bytes:
    return (
        f"GET /socket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"X-Note: {CANARY}\r\n\r\n"
    ).encode()


def test_reused_connection_keeps_its_verdict(
    client: Client, good: Any, start_proxy: Callable[..., Any]
) -> None:
    inner = client.tls(start_proxy(), "good.mingjing.test")
    for number in range(3):
        inner.sendall(f"GET /{number} HTTP/1.1\r\nHost: good.mingjing.test\r\n\r\n".encode())
        answer = read(inner, b"</h1>")
        assert answer.lower().count(b"mingjing-verdict: trusted; sm2 pq") == 1
    assert good.connections == 1


def test_open_connection_is_judged_again_when_the_policy_changes(
    client: Client, data: Any, good: Any, start_proxy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy_addon.connect.trust.LOOK_AGAIN", 0.0)
    inner = client.tls(start_proxy(), "good.mingjing.test")
    inner.sendall(b"GET /first HTTP/1.1\r\nHost: good.mingjing.test\r\n\r\n")
    assert b"200 OK" in read(inner, b"</h1>")
    data.policy = data.policy.replace("scts = 2", "scts = 3")
    inner.sendall(f"GET /{CANARY} HTTP/1.1\r\nHost: good.mingjing.test\r\n\r\n".encode())
    assert b"refused; sct-too-few" in read(inner, b"</html>")
    assert CANARY.encode() not in good.received


def test_upstream_that_turns_bad_under_a_reused_tunnel(
    client: Client, data: Any, dual: Any, pki: Any, site: Callable[..., Any], start_proxy: Callable[..., Any]
) -> None:
    """The browser's connection stays; the one behind it is new, and judged anew."""
    first, second = site(*dual), site(pki.sm2.issue("good.mingjing.test"))
    data.hosts(good=first.address)
    relay = Relay(first.port, client.opened)
    data.hosts(good=f"127.0.0.1:{relay.port}")
    inner = client.tls(start_proxy(), "good.mingjing.test")
    inner.sendall(b"GET /close HTTP/1.1\r\nHost: good.mingjing.test\r\n\r\n")
    assert b"200 OK" in read(inner, b"</h1>")
    relay.target = second.port
    time.sleep(0.3)
    inner.sendall(f"GET /{CANARY} HTTP/1.1\r\nHost: good.mingjing.test\r\n\r\n".encode())
    answer = read(inner, b"</html>")
    assert b"HTTP/1.1 403" in answer
    assert answer.lower().count(b"mingjing-verdict: refused; sct-missing") == 1
    assert not second.received


class Relay:
    """Passes TCP on to a port that can change."""

    def __init__(self, target: int, opened: contextlib.ExitStack) -> None:
        self.target, self._opened = target, opened
        self._socket = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port = int(self._socket.getsockname()[1])
        opened.callback(self._socket.shutdown, socket.SHUT_RDWR)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here = self._opened.enter_context(self._socket.accept()[0])
                there = self._opened.enter_context(socket.create_connection(("127.0.0.1", self.target)))
                for source, sink in ((here, there), (there, here)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


def test_request_for_another_name_over_a_trusted_connection(
    client: Client, data: Any, pki: Any, site: Callable[..., Any], start_proxy: Callable[..., Any]
) -> None:
    """One certificate for a public and a pinned name: the pinned name has its own policy."""
    leaf = pki.public.issue("www.example.test", "pinned.mingjing.test")
    one = site(leaf)
    data.configuration(f'"www.example.test" = "{one.address}"\n')
    inner = client.tls(start_proxy(), "www.example.test")
    inner.sendall(b"GET /first HTTP/1.1\r\nHost: www.example.test\r\n\r\n")
    assert b"mingjing-verdict: trusted" in read(inner, b"</h1>").lower()
    inner.sendall(f"GET /{CANARY} HTTP/1.1\r\nHost: pinned.mingjing.test\r\n\r\n".encode())
    answer = read(inner, b"</html>")
    assert b"refused; issuer-not-pinned" in answer
    assert CANARY.encode() not in one.received


def test_malformed_requests_carry_a_verdict_too(start_proxy: Callable[..., Any]) -> None:
    proxy = start_proxy()
    for request in (
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET http://a b/ HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=60) as sock:
            sock.sendall(request)
            answer = read(sock, b"never")
        assert answer.lower().count(b"mingjing-verdict: refused; ") == 1, (request, answer)


def test_upstream_that_breaks_off_carries_one_verdict(
    data: Any, dual: Any, site: Callable[..., Any], start_proxy: Callable[..., Any]
) -> None:
    one = site(*dual)
    one._answer = lambda _path, _body: b"nonsense\r\n\r\n"
    data.hosts(good=one.address)
    answer = start_proxy().curl("https://good.mingjing.test/")
    assert answer.status == 502
    assert answer.verdicts == ["refused; unreachable"]
