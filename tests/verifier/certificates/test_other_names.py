"""URIs and otherName texts: what a certificate is found by, though no client accepts a server by it."""

import subprocess

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from verifier.certificates import Certificate
from verifier.certificates.other_names import located, other_names

UPN, MAILBOX, SRV = "1.3.6.1.4.1.311.20.2.3", "1.3.6.1.5.5.7.8.9", "1.3.6.1.5.5.7.8.7"


def test_what_openssl_writes_is_read(tmp_path):
    """Every kind at once; the order is that of the certificate, and the others stay where they were."""
    (tmp_path / "req.cnf").write_text(
        "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=x\n[ext]\nsubjectAltName=@names\n[names]\n"
        "DNS.1=www.corp.example\nURI.1=spiffe://id.corp.example/ns/shop\nemail.1=a@corp.example\nIP.1=192.0.2.1\n"
        f"otherName.1={UPN};UTF8:user@ad.corp.example\n"
        f"otherName.2={MAILBOX};FORMAT:UTF8,UTF8:\u7528\u6237@\u4f8b\u5b50.example\n"
        f"otherName.3={SRV};IA5STRING:_imap.mail.corp.example\n"
        f"otherName.4=1.2.3.4;BMPSTRING:wide.corp.example\n"
        f"otherName.5=1.2.3.4;INTEGER:7\n",
        "utf-8",
    )
    command = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-utf8", "-config", "req.cnf"]
    command += ["-extensions", "ext", "-keyout", "key.pem", "-out", "made.pem"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    made = Certificate.from_pem((tmp_path / "made.pem").read_bytes())
    assert sorted(made.other_names) == sorted([
        "spiffe://id.corp.example/ns/shop",
        "user@ad.corp.example",
        "\u7528\u6237@\u4f8b\u5b50.example",
        "_imap.mail.corp.example",
        "wide.corp.example",
    ])
    assert made.dns_names == ("www.corp.example",)
    assert (made.email_addresses, made.ip_addresses) == (("a@corp.example",), ("192.0.2.1",))


@pytest.mark.parametrize(("name", "places"), [
    ("https://www.corp.example/a?b#c", ("www.corp.example",)),
    ("HTTPS://user:pass@www.corp.example:8443", ("www.corp.example",)),
    ("https://corp.example\\@evil.example/", ("corp.example",)),
    ("ldap://[2001:db8::1]:389/", ("2001:db8::1",)),
    ("spiffe://corp.example/ns/shop", ("corp.example",)),
    ("sip:alice@corp.example;transport=tcp", ("alice@corp.example", "corp.example")),
    ("sips:alice@corp.example:5061", ("alice@corp.example:5061", "corp.example")),
    ("mailto:alice@corp.example?subject=x", ("alice@corp.example",)),
    ("urn:uuid:1b4e28ba-2fa1-11d2-883f-0016d3cca427", ()),
    ("https:///path", ()),
    ("alice@corp.example", ("alice@corp.example",)),
    ("_imap.corp.example", ("_imap.corp.example",)),
])  # fmt: skip
def test_where_a_name_leads(name, places):
    assert located(name) == places


@pytest.mark.parametrize(("value", "text"), [
    (b"\x0c\x09a\xff@b.test", "a\ufffd@b.test"),
    (b"\x0c\x81\xc8" + b"x" * 200, "x" * 200),
    (b"\x1e\x04\x00a\x00b", "ab"),
    (b"\x02\x01a", None),
    (b"\x0c\x00", None),
])  # fmt: skip
def test_a_text_is_read_as_far_as_it_can_be(value, text):
    found = other_names([x509.OtherName(x509.ObjectIdentifier(UPN), value)])
    assert found == (() if text is None else (text,))


@given(st.text(max_size=80), st.binary(max_size=40))
def test_nothing_is_too_strange(text, value):
    assert all(isinstance(place, str) for place in located(text))
    found = other_names([x509.OtherName(x509.ObjectIdentifier(UPN), value)])
    assert all(place.encode() for place in found)
