"""Forwarding to the logs and to the authority: what goes through, what does not, and what is said."""

import http.server
import json
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from http import HTTPStatus

import pytest

from web.public import create_app
from web.public.errors import ServiceDown
from web.public.upstream import Upstream


@contextmanager
def serving(handler, tls=None):
    """Serve ``handler`` on a free port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked, as JSON."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body.hex()}
        content = json.dumps(said).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_POST = do_HEAD = do_GET  # noqa: N815  http.server's names

    def log_message(self, *_):
        pass


@pytest.fixture
def echo(world):
    with serving(Echo) as port:
        base = f"http://127.0.0.1:{port}"
        yield create_app(world.settings(logs_url=base, authority_url=base)).test_client()


def test_a_log_is_reached_through_the_site(client, world):
    head = client.get("/log/sm2/ct/v1/get-sth")
    assert head.json["tree_size"] == len(world.logs.logs["sm2"].entries)
    assert client.get("/log/sm2/ct/v1/get-entries?start=0&end=1").json["entries"]
    missing = client.get("/log/sm2/ct/v1/nothing")
    assert (missing.status_code, "no such call" in missing.json["error"]) == (404, True)


@pytest.mark.parametrize(
    ("path", "reached"),
    [
        (
            "/log/sm2/ct/v1/get-proof-by-hash?hash=a%2Bb%3D&tree_size=3",
            "/log/sm2/ct/v1/get-proof-by-hash?hash=a%2Bb%3D&tree_size=3",
        ),
        ("/log/sm2/checkpoint", "/log/sm2/checkpoint"),
        ("/log/sm2/tile/0/x001/067.p/5", "/log/sm2/tile/0/x001/067.p/5"),
        ("/log/sm2/issuer/00ff", "/log/sm2/issuer/00ff"),
        ("/ocsp/ssl-sm2/MEIw%2F%2Fab%2Bc%3D", "/ocsp/ssl-sm2/MEIw//ab%2Bc%3D"),
        ("/ocsp/ssl-sm2/MEIw//ab", "/ocsp/ssl-sm2/MEIw//ab"),
    ],
)
def test_addresses_arrive_as_they_were(echo, path, reached):
    assert echo.get(path).json["path"] == reached


def test_no_address_smuggles_a_line(echo):
    assert echo.get("/log/sm2/tile/%0d%0aX-Bad:1/x").status_code == 404
    assert echo.get("/ocsp/ssl-sm2/AA%0d%0aX-Bad:1").status_code == 404
    assert echo.get("/ocsp/ssl-sm2/%0aAA").json["path"] == "/ocsp/ssl-sm2/%0AAA"


def test_bodies_and_few_headers_pass(echo):
    response = echo.post(
        "/log/sm2/ct/v1/add-chain",
        data=b"\x00\xff",
        content_type="application/json",
        headers={
            "X-Forwarded-For": "6.6.6.6",
            "Cookie": "a=b",
            "Authorization": "Basic x",
            "Connection": "X-Odd",
            "X-Odd": "1",
            "Host": "elsewhere.example",
        },
    )
    assert response.json["body"] == "00ff"
    headers = {name.lower(): value for name, value in response.json["headers"].items()}
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["content-type"] == "application/json"
    assert not {"cookie", "authorization", "x-odd"} & set(headers)
    assert headers["host"].startswith("127.0.0.1")


def test_few_headers_come_back(client):
    headers = client.get("/log/sm2/ct/v1/get-sth").headers
    assert headers["Content-Type"] == "application/json"
    assert not {"X-Secret", "Set-Cookie", "Connection", "Access-Control-Allow-Origin"} & set(headers.keys())


@pytest.mark.parametrize("path", ["/log/sm2/ct/v1/add-chain", "/ocsp/ssl-sm2"])
def test_a_body_too_large_is_refused_before_it_is_sent_on(echo, path):
    assert echo.post(path, data=b"x" * (2**20 + 1)).status_code == 413
    assert echo.post(path, data=b"x" * 2**20).status_code == 200


@pytest.mark.parametrize("path", ["/log/sm2/ct/v1/get-sth", "/ocsp/ssl-sm2/AAAA", "/log/sm2/checkpoint"])
def test_a_service_that_is_down_is_told_in_one_sentence(world, path):
    down = create_app(
        world.settings(logs_url="http://127.0.0.1:1", authority_url="https://127.0.0.1:1")
    ).test_client()
    response = down.get(path, headers={"Accept": "application/json"})
    assert response.status_code == 502
    assert response.json["error"].endswith("does not answer at the moment.")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_stay_outside(echo, method):
    assert echo.open("/log/sm2/ct/v1/add-chain", method=method).status_code == 405


def test_redirects_are_not_followed_and_not_passed_on(client):
    response = client.get("/log/sm2/ct/v1/redirect")
    assert response.status_code == 502
    assert "Location" not in response.headers


class Large(Echo):
    """Sends more than it should, with and without saying so, or never ends."""

    def do_GET(self):
        self.send_response(HTTPStatus.OK)
        if "said" in self.path:
            self.send_header("Content-Length", "1000000")
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(b"x" * 1000000)


def test_an_answer_too_large_is_cut_off():
    with serving(Large) as port:
        upstream = Upstream("The log service", f"http://127.0.0.1:{port}", max_answer=1000)
        with pytest.raises(ServiceDown, match="more than is passed on"):
            upstream.send("GET", "/said", {})
        answer = upstream.send("GET", "/silent", {})
        with pytest.raises(ServiceDown, match="more, or for longer"):
            list(answer.body)


class Slow(Echo):
    """Drips a byte at a time."""

    def do_GET(self):
        self.send_response(HTTPStatus.OK)
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        with suppress(OSError):
            for _ in range(1200):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)


def test_an_answer_that_drips_is_cut_off(monkeypatch):
    monkeypatch.setattr("web.public.upstream.WHOLE_SECONDS", 0.1)
    with serving(Slow) as port:
        answer = Upstream("The log service", f"http://127.0.0.1:{port}").send("GET", "/", {})
        started = time.monotonic()
        with pytest.raises(ServiceDown):
            list(answer.body)
        assert time.monotonic() - started < 20, "the whole of it takes a minute"


def test_the_authority_must_prove_who_it_is(world, tmp_path):
    """The same https server: reached under its own root, refused under another."""
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    certificate.write_text("".join(one.pem for one in world.server.chain))
    key.write_bytes(world.server.key.to_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(Echo, context) as port:
        base = f"https://localhost:{port}"
        good = create_app(world.settings(authority_url=base)).test_client()
        assert good.post("/ocsp/ssl-sm2", data=b"1").json["body"] == "31"
        other = tmp_path / "other.pem"
        other.write_text(world.hostile_issuer.pem)
        bad = create_app(world.settings(authority_url=base, authority_roots=other)).test_client()
        assert bad.post("/ocsp/ssl-sm2", data=b"1").status_code == 502
        nothing = create_app(
            world.settings(authority_url=base, authority_roots=tmp_path / "none.pem")
        ).test_client()
        assert nothing.post("/ocsp/ssl-sm2", data=b"1").status_code == 502
