"""Evidence: what a handshake shows, also where OpenSSL has no call for it."""

import base64
import contextlib
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from proxy_addon.client.guard import GuardedConnection
from proxy_addon.connect.dial import dial
from proxy_addon.connect.engine import check_failed
from proxy_addon.connect.handshake import UpstreamHandshake
from proxy_addon.connect.revocation import ocsp_request
from proxy_addon.connect.tls import Upstream
from proxy_addon.connect.transcript import Transcript
from proxy_addon.errors import SettingsError, Unreachable
from proxy_addon.settings import Settings, load_settings
from verifier.judge.evidence import Handshake
from verifier.judge.verdict import Finding, Outcome, Verdict

SCTS = b"\x00\x0c\x00\x0apretend-it"


@pytest.fixture(scope="module")
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, "http://127.0.0.1:1")


def at(port: int, settings: Settings, upstream: Upstream, host: str = "localhost") -> Any:
    import dataclasses

    local = dataclasses.replace(settings, hosts={host: f"127.0.0.1:{port}"})
    return dial(host, 443, settings=local, upstream=upstream)


# -- SCTs in the TLS extension ------------------------------------------------------------------------


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_scts_in_the_tls_extension(
    version: str,
    pki: Any,
    tmp_path: Path,
    free_port: Callable[[], int],
    settings: Settings,
    upstream: Upstream,
) -> None:
    """OpenSSL's own server sends them: in TLS 1.2 in the ServerHello, in TLS 1.3 beside the leaf."""
    leaf, port = pki.ecc.issue("localhost"), free_port()
    (tmp_path / "site.pem").write_text(leaf.certificate.pem + leaf.key.to_pem().decode())
    context = 0x1000 | 0x0080 | 0x0100 | 0x0002  # certificate, ServerHello of TLS 1.2, ClientHello (ssl.h)
    encoded = base64.encodebytes(struct.pack(">IHH", context, 18, len(SCTS)) + SCTS).decode()
    information = tmp_path / "information.pem"
    information.write_text(
        f"-----BEGIN SERVERINFOV2 FOR SCT-----\n{encoded}-----END SERVERINFOV2 FOR SCT-----\n"
    )
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(tmp_path / "site.pem")]
    with running([*command, "-serverinfo", str(information), version, "-quiet"], port):
        evidence = at(port, settings, upstream)
    assert evidence.handshake is Handshake.ESTABLISHED, evidence.failure
    assert evidence.tls_scts == SCTS
    assert evidence.signature_scheme == "ecdsa_secp256r1_sha256"
    assert evidence.chain == (leaf.certificate.der,)
    assert evidence.protocol == {"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}[version]


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(1200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            threading.Event().wait(0.05)
        yield
    finally:
        process.terminate()
        process.communicate()


@pytest.mark.parametrize("version", [SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION])
def test_stapled_ocsp_and_the_whole_chain(
    version: int,
    pki: Any,
    service: Any,
    dual: Any,
    site: Callable[..., Any],
    settings: Settings,
    upstream: Upstream,
) -> None:
    # TLS 1.2 has no SM2: there it is the other half of the pair.
    leaf, ca = (dual[0], pki.sm2) if version == SSL.TLS1_3_VERSION else (dual[1], pki.ecc)
    response = service._ocsp(ca, ocsp_request(leaf.certificate, ca.certificate))
    one = site(*dual, staple=response, max_version=version)
    evidence = at(one.port, settings, upstream, "good.mingjing.test")
    assert evidence.stapled_ocsp == response
    assert evidence.chain == tuple(certificate.der for certificate in leaf.chain)
    assert evidence.group == ("curveSM2MLKEM768" if leaf is dual[0] else "x25519")
    assert evidence.alpn == "http/1.1"


@pytest.mark.parametrize(
    ("greeting", "expected"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Handshake.CLEARTEXT),
        (b"220 mail.example.test ESMTP\r\n", Handshake.CLEARTEXT),
        (b"\x15\x03\x03\x00\x02\x02\x28", Handshake.FAILED),
        (b"", Handshake.FAILED),
    ],
)
def test_a_server_without_tls(
    greeting: bytes, expected: Handshake, settings: Settings, upstream: Upstream
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(greeting)

        threading.Thread(target=serve, daemon=True).start()
        evidence = at(listener.getsockname()[1], settings, upstream)
        listener.shutdown(socket.SHUT_RDWR)
    assert evidence.handshake is expected
    assert evidence.failure


def test_a_silent_server_is_given_up(
    settings: Settings, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy_addon.connect.dial.HANDSHAKE_SECONDS", 0.3)
    monkeypatch.setattr("proxy_addon.connect.dial.PROBE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        evidence = at(listener.getsockname()[1], settings, upstream)
    assert evidence.handshake is Handshake.FAILED
    assert "in time" in evidence.failure


@pytest.mark.parametrize("host", ["no-such-name.invalid", "..", "a" * 80 + ".test"])
def test_names_without_an_address(host: str, settings: Settings, upstream: Upstream) -> None:
    with pytest.raises(Unreachable):
        dial(host, 443, settings=settings, upstream=upstream)


@given(st.lists(st.tuples(st.sampled_from([0x0303, 0x0304]), st.binary(max_size=200)), max_size=8))
def test_no_message_breaks_the_transcript(messages: list[tuple[int, bytes]]) -> None:
    transcript = Transcript()
    for version, message in messages:
        transcript.receive(version, message)
        for kind in (2, 11, 12, 15):
            transcript.receive(version, bytes([kind, 0, 0, 0]) + message)


# -- the guard ---------------------------------------------------------------------------------------


def trusted() -> Verdict:
    finding = Finding(check="test", title="Test", outcome=Outcome.PASSED, detail="Passed.")
    return Verdict(trusted=True, host="good.mingjing.test", judged_at=datetime.now(UTC), findings=(finding,))


@pytest.fixture
def pair(dual: Any, upstream: Upstream, site: Callable[..., Any]) -> tuple[GuardedConnection, SSL.Connection]:
    """A guarded client and its server, shaken hands in memory."""
    guard = GuardedConnection(UpstreamHandshake(upstream, "good.mingjing.test", 443))
    server = SSL.Connection(site(*dual)._context, None)
    server.set_accept_state()
    for _ in range(4):
        for here, there in ((guard, server), (server, guard)):
            with contextlib.suppress(SSL.WantReadError):
                here.do_handshake()
            move(here, there)
    return guard, server


def move(here: Any, there: Any) -> None:
    with contextlib.suppress(SSL.WantReadError):
        while True:
            there.bio_write(here.bio_read(65536))


def test_the_guard_is_closed_until_a_trusted_verdict(pair: tuple[GuardedConnection, SSL.Connection]) -> None:
    guard, server = pair
    server.sendall(b"from the server")
    move(server, guard)
    with pytest.raises(SSL.WantReadError):
        guard.recv(100)
    with pytest.raises(SSL.ZeroReturnError):
        guard.sendall(b"canary")
    with pytest.raises(SSL.WantReadError):
        guard.bio_read(100)
    guard.record(trusted())
    assert guard.recv(100) == b"from the server"
    guard.sendall(b"hello")
    move(guard, server)
    assert server.recv(100) == b"hello"


def test_the_guard_closes_with_a_refusal(pair: tuple[GuardedConnection, SSL.Connection]) -> None:
    guard, server = pair
    guard.record(trusted())
    guard.record(check_failed("good.mingjing.test", datetime.now(UTC), "a test"))
    server.sendall(b"from the server")
    move(server, guard)
    with pytest.raises(SSL.ZeroReturnError):
        guard.recv(100)
    with pytest.raises(SSL.ZeroReturnError):
        guard.sendall(b"canary")


def test_the_guard_closes_when_another_certificate_is_sent(
    pair: tuple[GuardedConnection, SSL.Connection],
) -> None:
    guard, _ = pair
    guard.record(trusted())
    assert guard.is_open
    guard.handshake.transcript.receive(0x0304, b"\x0b\x00\x00\x04\x00\x00\x00\x00")
    assert not guard.is_open


def test_a_connection_offers_no_renegotiation(pki: Any, upstream: Upstream, site: Callable[..., Any]) -> None:
    """TLS 1.2 could put another certificate under a verdict; the offer is refused."""
    one = site(pki.ecc.issue("localhost"), max_version=SSL.TLS1_2_VERSION, groups=b"X25519")
    client, server = UpstreamHandshake(upstream, "localhost", 443).ssl, SSL.Connection(one._context, None)
    server.set_accept_state()
    for _ in range(4):
        for here, there in ((client, server), (server, client)):
            with contextlib.suppress(SSL.WantReadError):
                here.do_handshake()
            move(here, there)
    assert client.get_protocol_version_name() == "TLSv1.2"
    with contextlib.suppress(SSL.Error):
        server.renegotiate()
        server.do_handshake()
    move(server, client)
    with contextlib.suppress(SSL.Error):
        client.recv(10)
    assert client.total_renegotiations() == 0


# -- settings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[service]\n", "public_url"),
        ("[service]\npublic_url = 7\n", "public_url"),
        ('[service]\npublic_url = "http://x"\n[hosts]\n"a" = "b"\n', '"a"'),
        ('[service]\npublic_url = "http://x"\n[listen]\nsite = "x"\n', "site"),
        ("not toml at all", "mingjing.toml"),
    ],
)
def test_wrong_settings_name_the_key(text: str, named: str, tmp_path: Path) -> None:
    (tmp_path / "mingjing.toml").write_text(text)
    with pytest.raises(SettingsError, match=named):
        load_settings(tmp_path)


def test_the_services_own_addresses_are_asked_here(tmp_path: Path) -> None:
    (tmp_path / "mingjing.toml").write_text(
        '[service]\npublic_url = "https://pki.corp.example/"\n[listen]\nhost = "0.0.0.0"\nsite = 8440\n'
    )
    settings = load_settings(tmp_path)
    assert settings.local("https://pki.corp.example/crl/x.crl") == "http://127.0.0.1:8440/crl/x.crl"
    assert settings.local("https://pki.corp.example.evil/x") == "https://pki.corp.example.evil/x"
    assert settings.resolve("Some.Where", 443) == ("Some.Where", 443)
