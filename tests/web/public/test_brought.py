"""What people bring to /inspect: certificates in every form, and things that are none, keys above all."""

import base64
import datetime as dt
import subprocess
from contextlib import suppress

import pytest
from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, expect

from verifier.certificates import Certificate
from web.public.errors import BadParameter
from web.public.models.brought import MOST_CERTIFICATES, read_brought

from .test_inspect import client, organisation  # noqa: F401  fixtures

KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "brought.test")])


def signed_data(*chain: Certificate, kind: str = "1.2.840.113549.1.7.2") -> bytes:
    """Return a PKCS #7 file that holds certificates alone."""
    data = cms.SignedData({
        "version": "v1",
        "digest_algorithms": [],
        "encap_content_info": {"content_type": "data"},
        "certificates": [asn1_x509.Certificate.load(one.der) for one in chain],
        "signer_infos": [],
    })
    body = core.ObjectIdentifier(kind).dump() + data.retag({"explicit": 0}).dump()
    return core.Sequence(contents=body).dump()


def pem(label: str, der: bytes) -> bytes:
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


def test_every_form_gives_the_same_certificates_the_sites_own_first(world):
    leaf, issuer = world.pair.sm2.certificate, world.pair.sm2.chain[1]
    for content in (
        leaf.pem.encode() + issuer.pem.encode(),
        b"Certificate:\r\n  Data: text of openssl\r\n"
        + (leaf.pem + issuer.pem).replace("\n", "\r\n").encode(),
        signed_data(issuer, leaf),
        signed_data(issuer, leaf, kind="1.2.156.10197.6.1.4.2.2"),
        pem("PKCS7", signed_data(issuer, leaf)),
    ):
        assert [one.der for one in read_brought(content)] == [leaf.der, issuer.der]
    for content in (leaf.der, base64.b64encode(leaf.der), base64.encodebytes(leaf.der)):
        assert read_brought(content) == (leaf,)


def test_openssls_own_pkcs7_is_read(world, tmp_path):
    chain = tmp_path / "chain.pem"
    chain.write_text(world.pair.ecc.chain[1].pem + world.pair.ecc.certificate.pem)
    made = subprocess.run(
        ["openssl", "crl2pkcs7", "-nocrl", "-certfile", str(chain)],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert read_brought(made)[0] == world.pair.ecc.certificate


def key(form: PrivateFormat, encoding: Encoding, password: bytes = b"") -> bytes:
    sealed = BestAvailableEncryption(password) if password else NoEncryption()
    return KEY.private_bytes(encoding, form, sealed)


KEYS = {
    "PKCS #8": key(PrivateFormat.PKCS8, Encoding.PEM),
    "PKCS #8, sealed": key(PrivateFormat.PKCS8, Encoding.PEM, b"secret"),
    "SEC 1": key(PrivateFormat.TraditionalOpenSSL, Encoding.PEM),
    "OpenSSH": key(PrivateFormat.OpenSSH, Encoding.PEM),
    "PKCS #8 in DER": key(PrivateFormat.PKCS8, Encoding.DER),
    "SEC 1 in DER": key(PrivateFormat.TraditionalOpenSSL, Encoding.DER),
    "base64 without its frame": base64.b64encode(key(PrivateFormat.PKCS8, Encoding.DER)),
    "PKCS #12": pkcs12.serialize_key_and_certificates(b"x", KEY, None, None, BestAvailableEncryption(b"x")),
    "cut short": b"-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIOs",
}


@pytest.mark.parametrize("content", KEYS.values(), ids=KEYS)
def test_a_private_key_is_refused_and_never_shown_kept_or_logged(client, content, caplog, capfd):  # noqa: F811
    secret = KEYS["PKCS #8"].decode().splitlines()[2]
    for language in ("en", "zh"):
        answer = client.post(f"/inspect?lang={language}", data=content, content_type="application/x-pem-file")
        assert answer.status_code == 400
        assert ("This is, or holds, a private key" if language == "en" else "这是私钥") in answer.text
        assert secret not in answer.text
    assert client.post("/inspect?output=json", data=content).json["field"] == "certificate"
    assert secret not in caplog.text + "".join(capfd.readouterr())


def test_a_key_beside_its_certificate_is_refused_too(world):
    with pytest.raises(BadParameter, match="private key"):
        read_brought(world.pair.ecc.certificate.pem.encode() + KEYS["PKCS #8"])


def request() -> bytes:
    made = x509.CertificateSigningRequestBuilder().subject_name(NAME).sign(KEY, hashes.SHA256())
    return made.public_bytes(Encoding.PEM)


def revocations() -> bytes:
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = x509.CertificateRevocationListBuilder(NAME, now, now).sign(KEY, hashes.SHA256())
    return made.public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (request(), "a request for a certificate"),
        (revocations(), "a revocation list"),
        (
            KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "a public key alone",
        ),
        (pem("TRUSTED CERTIFICATE", b"x"), "OpenSSL's own"),
        (b"%PDF-1.7 hello", "Expected certificates"),
        (b"<!doctype html><html>", "Expected certificates"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "Expected certificates"),
        (pem("PKCS7", b"\x30\x80"), "Expected certificates"),
        (b"\x30\x0b\x06\x09*\x86H\x86\xf7\r\x01\x07\x02", "Expected certificates"),
        (b"\x30\x80" * 9000, "Expected certificates"),
        (b"MII" * 400, "Expected certificates"),
        (b"  \r\n", "Paste a certificate"),
        (signed_data(), "Expected certificates"),
    ],
)
def test_what_else_it_is_is_said(content, words):
    with pytest.raises(BadParameter, match=words) as told:
        read_brought(content)
    assert told.value.field == "certificate"


def test_too_many_in_one_file_are_refused(world):
    with pytest.raises(BadParameter, match=f"at most {MOST_CERTIFICATES}"):
        read_brought(world.pair.ecc.certificate.pem.encode() * (MOST_CERTIFICATES + 1))


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x30\x20", b"\x30\x20\x06\x09", b"-----BEGIN PKCS7-----\n"]),
)
def test_no_bytes_crash_it(content, start):
    with suppress(BadParameter):
        read_brought(start + content)


def test_a_refused_one_gets_the_form_again_in_both_languages(client):  # noqa: F811
    answer = client.post("/inspect", data={"certificate": "hello"})
    assert answer.status_code == 400
    assert 'id="inspect"' in answer.text
    assert "This cannot be inspected" in answer.text
    assert "hello" not in answer.text
    chinese = client.post("/inspect", data={"certificate": "hello"}, headers={"Accept-Language": "zh"})
    assert "无法检查" in chinese.text


def test_the_page_shows_what_a_strange_certificate_says(client, world):  # noqa: F811
    facts = client.post("/inspect?output=json", data={"certificate": world.hostile.pem}).json
    assert any("plain.hostile.test" in line for one in facts["extensions"] for line in one["says"])
    page = client.post("/inspect", data={"certificate": world.hostile.pem}).text
    assert "DNS plain.hostile.test" in page


# in a browser


@pytest.mark.needs("chromium")
@pytest.mark.xdist_group("public-site-inspect")
class TestInABrowser:
    """Dropping, and what is stopped before it leaves the machine."""

    def opened(self, browser: Browser, base: str, **options: object):
        page = browser.new_context(base_url=base, **options).new_page()
        page.goto("/inspect")
        page.sent = []
        page.on("request", lambda asked: page.sent.append(asked) if asked.method == "POST" else None)
        return page

    def drop(self, page, text: str) -> None:
        page.evaluate(
            """(text) => {
                const files = new DataTransfer();
                files.items.add(new File([text], "brought.pem"));
                document.getElementById("pem").dispatchEvent(
                    new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: files}));
            }""",
            text,
        )

    def test_a_dropped_file_is_sent_at_once(self, browser, base, world):
        page = self.opened(browser, base)
        with page.expect_request(lambda asked: asked.method == "POST"):
            self.drop(page, world.pair.ecc.certificate.pem)
        page.context.close()

    def test_a_key_and_a_huge_file_never_leave_the_machine(self, browser, base):
        page = self.opened(browser, base)
        self.drop(page, KEYS["PKCS #8"].decode())
        expect(page.get_by_text("nothing was sent. The certificate alone is enough")).to_be_visible()
        page.locator("#pem").fill(KEYS["SEC 1"].decode())
        page.get_by_role("button", name="Inspect").click()
        expect(page.locator("#pem")).to_have_value("")
        page.locator("#file").set_input_files({
            "name": "huge.bin",
            "mimeType": "application/octet-stream",
            "buffer": b"x" * 2**21,
        })
        page.get_by_role("button", name="Inspect").click()
        expect(page.get_by_text("larger than any certificate")).to_be_visible()
        assert page.sent == []
        page.context.close()

    def test_a_huge_file_is_answered_without_javascript(self, browser, base):
        page = self.opened(browser, base, java_script_enabled=False)
        page.locator("#file").set_input_files({
            "name": "huge.bin",
            "mimeType": "application/octet-stream",
            "buffer": b"x" * 2**21,
        })
        page.get_by_role("button", name="Inspect").click()
        expect(page.get_by_text("larger than this address accepts")).to_be_visible()
        page.context.close()
