"""The two ways out: a signed POST to a real receiver, and a program of the operator's."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import logging
import re
import ssl
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from monitor.watching.channel import NotDelivered
from monitor.watching.hook import LONGEST_VALUE, HookRunner, environment
from monitor.watching.watchlist import Hook, Webhook
from monitor.watching.webhook import WebhookSender
from verifier.algorithms import KeyAlgorithm, PrivateKey

DOCS = Path(__file__).parents[3] / "docs" / "watching.md"
SECRET = bytes(range(32))
NOTICE = {
    "id": "urn:uuid:1b4e28ba-2fa1-11d2-883f-0016d3cca427",
    "notice": 7,
    "subject": "certificate",
    "summary": "A certificate for www.example.com",
    "watch": {"kind": "subtree", "value": ".example.com"},
    "matched": ["www.example.com"],
    "certificate": {
        "sha256": "ab",
        "tbs_sha256": "cd",
        "issuer": "CN=\0$(touch x)\nMINGJING_X=1",
        "serial": "01",
    },
    "log": None,
    "code": None,
    "url": "https://site.example/certificate/ab",
}


class Receiver:
    """An HTTP server of the test's own: keeps what it gets, answers as told."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.status, self.headers, self.hold = 204, {}, threading.Event()
        self.drip = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                if outer.drip:
                    self.wfile.write(b"HTTP/1.1 204 No Content\r\n")
                    while not outer.hold.wait(0.05):
                        self.wfile.write(b"X-Slow: 1\r\n")
                    return
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST  # noqa: N815  what a followed redirect would ask for

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None
        self.server.daemon_threads = True
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://localhost:{self.server.server_port}/in?a=b"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text(f"whsec_{base64.b64encode(SECRET).decode()}\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def webhook(receiver, secret_file):
    return Webhook("ops", receiver.url, secret_file, None, 60.0)


class TestWebhook:
    def test_the_signature_is_that_of_the_specification(self, receiver, webhook):
        WebhookSender(webhook).send(NOTICE)
        ((path, headers, body),) = receiver.requests
        assert path == "/in?a=b"
        assert json.loads(body) == NOTICE
        assert headers["webhook-id"] == NOTICE["id"]
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 300
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        version, _, signature = headers["webhook-signature"].partition(",")
        assert version == "v1"
        assert base64.b64decode(signature) == hmac.new(SECRET, signed, hashlib.sha256).digest()

    def test_without_a_secret_our_own_keys_sign(self, watchlist, ca, until, receiver):
        """All the way from watchlist.toml, which names no secret."""
        key = PrivateKey.generate(KeyAlgorithm.ED25519)
        channel = f'[[webhook]]\nname = "ops"\nurl = "{receiver.url}"\n'
        watchlist.watch(".example.com", hook=False, more=channel)
        with watchlist.running(signers=[key]) as runner:
            watchlist.monitor.add_certificate(ca.issue("www.example.com"))
            runner.wake()
            ((_, headers, body),) = until(lambda: receiver.requests)
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        version, _, signature = headers["webhook-signature"].partition(",")
        assert version == "v1a"
        Ed25519PublicKey.from_public_bytes(key.public_key.spki[-32:]).verify(
            base64.b64decode(signature), signed
        )

    def test_the_documented_check_accepts_it_and_refuses_what_was_altered(self, receiver, webhook):
        WebhookSender(webhook).send(NOTICE)
        ((_, headers, body),) = receiver.requests
        names: dict[str, Any] = {}
        exec(DOCS.read_text().split("```python")[1].split("```")[0], names)  # noqa: S102  our documentation
        is_genuine = names["is_genuine"]
        assert is_genuine(SECRET, headers, body)
        assert not is_genuine(SECRET, headers, body + b" ")
        assert not is_genuine(SECRET[1:], headers, body)
        assert not is_genuine(SECRET, {**headers, "webhook-timestamp": "1"}, body)
        assert not is_genuine(SECRET, {**headers, "webhook-id": "another"}, body)

    def test_the_id_stays_the_same_when_it_is_sent_again(self, receiver, webhook):
        sender = WebhookSender(webhook)
        sender.send(NOTICE)
        sender.send(NOTICE)
        assert len({headers["webhook-id"] for _, headers, _ in receiver.requests}) == 1

    @pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 500])
    def test_only_2xx_is_success_and_a_redirect_is_not_followed(self, receiver, webhook, status):
        receiver.status, receiver.headers = status, {"Location": receiver.url}
        with pytest.raises(NotDelivered, match=str(status)):
            WebhookSender(webhook).send(NOTICE)
        assert len(receiver.requests) == 1

    @pytest.mark.parametrize(("value", "seconds"), [
        ("7", 7), ("9" * 30, 3600), ("soon", None), ("-5", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
    ])  # fmt: skip
    def test_retry_after_is_heard_within_reason(self, receiver, webhook, value, seconds):
        receiver.status, receiver.headers = 429, {"Retry-After": value}
        with pytest.raises(NotDelivered) as refused:
            WebhookSender(webhook).send(NOTICE)
        assert refused.value.retry_after == seconds

    def test_a_receiver_that_drips_is_given_up(self, receiver, webhook):
        receiver.drip = True
        began = time.monotonic()
        with pytest.raises(NotDelivered, match=r"within 0\.5 s"):
            WebhookSender(replace(webhook, timeout=0.5)).send(NOTICE)
        assert time.monotonic() - began < 60

    def test_cancel_ends_it_at_once(self, receiver, webhook):
        receiver.drip = True
        sender = WebhookSender(replace(webhook, timeout=250))
        threading.Timer(0.3, sender.cancel).start()
        began = time.monotonic()
        with pytest.raises(NotDelivered):
            sender.send(NOTICE)
        assert time.monotonic() - began < 60
        with pytest.raises(NotDelivered):
            sender.send(NOTICE)

    def test_nobody_there(self, webhook):
        with pytest.raises(NotDelivered, match="could not reach"):
            WebhookSender(replace(webhook, url="http://127.0.0.1:1/")).send(NOTICE)

    def test_a_secret_that_others_can_read_is_not_used(self, receiver, webhook):
        webhook.secret_file.chmod(0o640)
        with pytest.raises(NotDelivered, match="0600"):
            WebhookSender(webhook).send(NOTICE)
        assert receiver.requests == []

    @pytest.mark.parametrize("text", ["", "whsec_", "whsec_AAAA", "not base64!", "whsec_" + "A" * 400])
    def test_a_weak_or_wrong_secret_is_not_used_and_not_shown(self, receiver, webhook, text):
        webhook.secret_file.write_text(text)
        with pytest.raises(NotDelivered) as refused:
            WebhookSender(webhook).send(NOTICE)
        assert len(text) < 7 or text not in str(refused.value)
        assert receiver.requests == []

    def test_the_receivers_certificate_is_verified(self, secret_file, tmp_path):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks")])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509
            .CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = certificate.public_bytes(Encoding.PEM)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (tmp_path / "ca.pem").write_bytes(pem)
        (tmp_path / "both.pem").write_bytes(pem + secret)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "both.pem")
        receiver = Receiver(context)
        try:
            settings = Webhook("ops", receiver.url, secret_file, None, 60.0)
            with pytest.raises(NotDelivered, match="certificate is refused"):
                WebhookSender(settings).send(NOTICE)
            trusting = replace(settings, ca_file=tmp_path / "ca.pem")
            with pytest.raises(NotDelivered, match="certificate is refused"):
                WebhookSender(replace(trusting, url=receiver.url.replace("localhost", "127.0.0.1"))).send(
                    NOTICE
                )
            WebhookSender(trusting).send(NOTICE)
            assert len(receiver.requests) == 1
        finally:
            receiver.close()


class TestHook:
    def test_the_documented_variables_are_those_that_there_are(self):
        told = DOCS.read_text().split("(`MINGJING_ID`")[1].split(")")[0]
        documented = {"ID", *re.findall(r"`_([A-Z0-9_]+)`", told)}
        notice = {**NOTICE, "log": "sm2", "code": "x", "evidence": "e"}
        notice["certificate"] = {**NOTICE["certificate"], "not_before": "1", "not_after": "2"}
        given = {
            name.removeprefix("MINGJING_") for name in environment(notice) if name.startswith("MINGJING_")
        }
        assert given - {"NOTICE", "WATCH_KIND"} == documented - {"NOTICE", "WATCH_KIND"}

    def hook(self, tmp_path, script, timeout=250.0):
        program = tmp_path / "hook.sh"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return HookRunner(Hook("mail", program, timeout))

    def test_json_on_stdin_and_the_facts_as_variables(self, tmp_path, monkeypatch):
        monkeypatch.setenv("MINGJING_MASTER_KEY_FILE", "/secret")
        self.hook(tmp_path, "cat > in.json; env -0 > env").send(NOTICE)
        assert json.loads((tmp_path / "in.json").read_text()) == NOTICE
        pairs = (tmp_path / "env").read_text().split("\0")[:-1]
        variables = dict(pair.split("=", 1) for pair in pairs)
        assert variables["MINGJING_ID"] == NOTICE["id"]
        assert variables["MINGJING_MATCHED"] == "www.example.com"
        assert variables["MINGJING_ISSUER"] == "CN=\\x00$(touch x)\\nMINGJING_X=1"
        assert "MINGJING_X" not in variables
        assert "MINGJING_MASTER_KEY_FILE" not in variables
        allowed = {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "PWD", "OLDPWD", "SHLVL", "_"}
        assert {name for name in variables if not name.startswith("MINGJING_")} <= allowed

    def test_any_other_exit_code_is_a_failure_with_its_last_words(self, tmp_path):
        with pytest.raises(NotDelivered, match=r"exit code 3: no \\x1b\[31mmail"):
            self.hook(tmp_path, "printf 'no \\033[31mmail' >&2; exit 3").send(NOTICE)

    def test_a_program_that_reads_nothing_is_fine(self, tmp_path):
        self.hook(tmp_path, "exit 0").send({**NOTICE, "more": "x" * 1_000_000})

    def test_a_name_longer_than_the_system_takes_in_a_variable(self, tmp_path):
        """Linux starts no program with a string of 128 KiB: nobody would be told of this certificate."""
        self.hook(tmp_path, 'printf %s "$MINGJING_MATCHED" > matched').send({
            **NOTICE,
            "matched": ["x" * 1_000_000],
        })
        assert (tmp_path / "matched").read_text() == "x" * LONGEST_VALUE

    def test_one_that_hangs_is_ended_with_all_that_it_started(self, tmp_path, until):
        began = time.monotonic()
        with pytest.raises(NotDelivered, match=r"did not end within 0\.5 s"):
            self.hook(tmp_path, "sleep 250 & echo $! > child; wait", 0.5).send(NOTICE)
        assert time.monotonic() - began < 60
        child = Path("/proc", (tmp_path / "child").read_text().strip())
        until(lambda: not child.exists() or " Z " in (child / "stat").read_text())

    def test_cancel_ends_it(self, tmp_path):
        hook = self.hook(tmp_path, "sleep 250")
        threading.Timer(0.2, hook.cancel).start()
        began = time.monotonic()
        with pytest.raises(NotDelivered):
            hook.send(NOTICE)
        assert time.monotonic() - began < 60

    @pytest.mark.parametrize(("mode", "said"), [
        (0o775, "can be changed by others"),
        (0o757, "can be changed by others"),
        (0o644, "not an executable"),
    ])  # fmt: skip
    def test_a_program_that_could_be_another_is_not_run(self, tmp_path, mode, said):
        hook = self.hook(tmp_path, "touch ran")
        (tmp_path / "hook.sh").chmod(mode)
        with pytest.raises(NotDelivered, match=said):
            hook.send(NOTICE)
        assert not (tmp_path / "ran").exists()

    def test_none_there(self, tmp_path):
        with pytest.raises(NotDelivered, match="could not find the program"):
            HookRunner(Hook("mail", tmp_path / "missing", 1.0)).send(NOTICE)


def test_no_secret_in_the_log(watchlist, ca, until, receiver, secret_file, caplog):
    receiver.status = 500
    channel = f'[[webhook]]\nname = "ops"\nurl = "{receiver.url}"\nsecret_file = "{secret_file.name}"\n'
    caplog.set_level(logging.DEBUG)
    watchlist.watch(".example.com", hook=False, more=channel)
    with watchlist.running() as runner:
        watchlist.monitor.add_certificate(ca.issue("www.example.com"))
        runner.wake()
        until(lambda: "500" in caplog.text)
    assert base64.b64encode(SECRET).decode() not in caplog.text
    assert "webhook-signature" not in caplog.text
