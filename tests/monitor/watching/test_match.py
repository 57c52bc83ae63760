"""Which certificates concern a watch, whatever a hostile one writes into its names."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from monitor.values import CertificateSummary, RevocationState
from monitor.watching.match import Matcher
from monitor.watching.names import attributes, readings
from monitor.watching.values import Kind

NOW = datetime.now(UTC)
PLAIN = CertificateSummary(
    b"", b"", False, "", "", (), (), "CN=Some CA,O=Trust", 1, NOW, NOW, "ecdsa", 256, (), NOW, None,
    RevocationState(),
)  # fmt: skip


def matched(kind, value, **changes):
    """Return what of a certificate matched one watch; None where it did not."""
    return Matcher([(7, kind, value)]).certificate(replace(PLAIN, **changes)).get(7)


@pytest.mark.parametrize("name", [
    "example.com",
    "EXAMPLE.com",
    "example.com.",
    "*.com",
    "e*.com",
    "?.com",
    "example.com\0.evil.org",
    "evil.org\0example.com",
    "exam\0ple.com",
    "exa mple.com",
    "ex\u200bample.com",
    "ex\u00adample.com",
    "ｅｘａｍｐｌｅ。ｃｏｍ",
    "ExAmPlE。com",
    "https://example.com/",
    "example.com:443",
    "example.com\n",
    ".example.com",
    "example..com",
    "xn--example-.com",
])  # fmt: skip
def test_a_name_is_recognised(name):
    assert matched(Kind.NAME, "example.com", names=(name,)) is not None
    assert matched(Kind.SUBTREE, ".example.com", names=(name,)) is not None
    assert matched(Kind.NAME, "example.com", common_name=name) is not None


@pytest.mark.parametrize("name", [
    "example.com.evil.org", "notexample.com", "example.community", "example.co", "com", "*.org",
    "*.*.com", "example.com-evil.org", "xample.com", "*", "",
])  # fmt: skip
def test_another_name_is_not(name):
    assert matched(Kind.NAME, "example.com", names=(name,)) is None
    assert matched(Kind.SUBTREE, ".example.com", names=(name,)) in {None, (name,)}


def test_below_a_name_only_with_a_leading_dot():
    for name in ("www.example.com", "a.b.example.com", "*.example.com", "*.b.example.com", "w\0.example.com"):
        assert matched(Kind.SUBTREE, ".example.com", names=(name,)) is not None, name
        assert matched(Kind.NAME, "example.com", names=(name,)) is None or "\0" in name, name


def test_a_wildcard_covers_a_watched_name_one_label_deep():
    assert matched(Kind.NAME, "www.example.com", names=("*.example.com",)) == ("*.example.com",)
    assert matched(Kind.NAME, "a.b.example.com", names=("*.example.com",)) is None
    assert matched(Kind.NAME, "www.example.com", names=("ww*.example.com",)) is not None
    assert matched(Kind.SUBTREE, ".www.example.com", names=("*.example.com",)) is not None


@pytest.mark.parametrize(("watched", "name"), [
    ("xn--fsqu00a.xn--0zwm56d", "例子.测试"),
    ("xn--fsqu00a.xn--0zwm56d", "XN--FSQU00A.测试"),
    ("xn--bcher-kva.example", "BÜCHER.example"),
    ("strasse.example", "straße.example"),
    ("strasse.example", "xn--strae-oqa.example"),
])  # fmt: skip
def test_unicode_and_a_labels_are_one(watched, name):
    assert matched(Kind.NAME, watched, names=(name,)) is not None


def test_what_matched_is_shown_without_control_characters():
    (text,) = matched(Kind.NAME, "example.com", names=("example.com\0\x1b[31m.evil.org",))
    assert text.isprintable()
    assert "\\x00" in text


def test_addresses_networks_and_their_other_spellings():
    assert matched(Kind.ADDRESS, "192.0.2.0/24", names=("192.0.2.7",)) is not None
    assert matched(Kind.ADDRESS, "192.0.2.0/24", names=("::ffff:192.0.2.7",)) is not None
    assert matched(Kind.ADDRESS, "192.0.2.0/24", common_name="192.0.2.9") is not None
    assert matched(Kind.ADDRESS, "192.0.2.0/24", names=("192.0.3.7", "192.0.2")) is None
    assert matched(Kind.ADDRESS, "2001:db8::/32", names=("2001:DB8:0::1",)) is not None


def test_organisations_issuers_and_mail_domains():
    subject = "CN=x,O=EXAMPLE\\, Corp  Ltd.,1.2.840.113549.1.9.1=root@mail.example.com"
    assert matched(Kind.ORGANISATION, "Example, corp", subject=subject) == ("EXAMPLE, Corp  Ltd.",)
    assert matched(Kind.ORGANISATION, "Other", subject=subject) is None
    assert matched(Kind.ORGANISATION, "Example", subject="CN=Example,OU=Example") is None
    assert matched(Kind.ISSUER, "some ca") is not None
    assert matched(Kind.ISSUER, "CN=Other CA") is None
    assert matched(Kind.EMAIL, "mail.example.com", subject=subject) is not None
    assert matched(Kind.EMAIL, ".example.com", names=("a@b@Mail.Example.COM",)) is not None
    assert matched(Kind.EMAIL, "example.com", names=("a@mail.example.com", "example.com")) is None
    assert matched(Kind.NAME, "example.com", names=("a@example.com",)) is None


def test_every_common_name_of_a_subject_counts():
    assert matched(Kind.NAME, "b.example", subject="CN=a.example+CN=b.example,O=X") is not None


def test_attributes_are_read_as_the_library_writes_them():
    value = 'a,b+c\\d"e<f>;=#g\0h'
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, value)])
    assert attributes(f"CN=x,{name.rfc4514_string()}") == [("CN", "x"), ("O", value)]


class TestMalformed:
    """Entries that do not parse: their names, and their very bytes."""

    def match(self, data: bytes, kind=Kind.SUBTREE, value=".example.com", names=()):
        return 7 in Matcher([(7, kind, value)]).malformed(names, data)

    def test_names_in_the_bytes(self):
        assert self.match(b"\x30\x82\x0fwww.Example.com\x82")
        assert self.match(b"\x82\x0bexample.com0\x82")
        assert self.match(b"\x82\x0bexample.com", Kind.NAME, "example.com")
        assert self.match(b"\x82\x0d*.example.com", Kind.NAME, "example.com")
        assert self.match(b"", names=["www.example.com"])

    def test_a_long_name_whose_der_length_reads_as_a_letter(self):
        name = ("a" * 60 + "." + "b" * 49 + ".example").encode()
        assert len(name) == 118
        assert self.match(b"\x82v" + name, Kind.NAME, name.decode())

    def test_other_names(self):
        assert not self.match(b"\x82\x0enotexample.com")
        assert not self.match(b"\x82\x13example.com.evil.org")
        assert not self.match(b"www.example.com", Kind.NAME, "example.com")
        assert not self.match(b"example.community")


class TestLookalikes:
    """Names that a person would take for the watched one."""

    @pytest.mark.parametrize("name", [
        "c0rnpany.example.com", "www.c0mpany.example.com", "cornpany.example.com",
        "*.c\u043empany.example.com", "\u0441ompany.example.com", "c\u00f6mpany.example.com",
        "company.examp1e.com", "company.ex\u0430mple.com",
        "company.example.c0m", "company.example.\u0441om", "COMPANY.EXAMP1E.COM", "ｃ0mpany.example.com",
    ])  # fmt: skip
    def test_are_found(self, name):
        found = matched(Kind.LOOKALIKE, "company.example.com", names=(name,))
        assert found is not None
        written = ".".join(
            "xn--" + label.encode("punycode").decode() if not label.isascii() else label
            for label in name.lower().split(".")
        )
        if "ｃ" not in name:
            assert matched(Kind.LOOKALIKE, "company.example.com", names=(written,)) is not None

    @pytest.mark.parametrize("name", [
        "company.example.com", "www.company.example.com", "*.company.example.com", "COMPANY.example.com.",
        "c0mpany.example.org", "example.com", "my-c0mpany.example.com", "c0mpanyy.example.com", "xn--a.com",
    ])  # fmt: skip
    def test_the_name_itself_and_others_are_not(self, name):
        assert matched(Kind.LOOKALIKE, "company.example.com", names=(name,)) is None

    def test_the_plain_name_looks_like_one_with_marks(self):
        watched = "xn--mnchen-3ya.example"
        assert matched(Kind.LOOKALIKE, watched, names=("munchen.example",)) is not None
        assert matched(Kind.LOOKALIKE, watched, names=("m\u00fcnchen.example",)) is None
        assert matched(Kind.LOOKALIKE, "wide.example", names=("vvide.example",)) is not None

    @given(st.text(max_size=80))
    def test_no_name_is_too_strange(self, name):
        matched(Kind.LOOKALIKE, "company.example.com", names=(name,))


@given(st.text(max_size=300), st.text(max_size=100))
def test_no_text_is_too_strange(name, subject):
    for kind, value in (
        (Kind.SUBTREE, ".example.com"),
        (Kind.EMAIL, "example.com"),
        (Kind.ADDRESS, "10.0.0.0/8"),
        (Kind.ORGANISATION, "Example"),
    ):
        matched(kind, value, names=(name,), subject=subject)
    assert all(label for labels in readings(name) for label in labels)


def test_a_hostile_name_costs_no_time():
    """Punycode takes quadratic time: minutes for a label of some ten thousand different characters."""
    many = "".join(chr(0x4E00 + (number * 7919) % 20_000) for number in range(20_000))
    began = time.process_time()
    for name in ("*." * 20_000 + "com", "xn--" + "a" * 60_000 + ".com", many, "." * 60_000, "a\0" * 30_000):
        matched(Kind.SUBTREE, ".example.com", names=(name,))
        matched(Kind.LOOKALIKE, "example.com", names=(name,))
    assert time.process_time() - began < 20
