"""RFC 9525: which names cover a host."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.certificates import NameMismatch, match_name, normalise_host


@pytest.mark.parametrize(
    ("presented", "host"),
    [
        ("www.example.test", "www.example.test"),
        ("WWW.Example.TEST", "www.eXample.test"),
        ("www.example.test", "www.example.test."),
        ("*.example.test", "www.example.test"),
        ("*.example.test", "xn--fiq228c.example.test"),
        ("xn--fiq228c.example.test", "xn--fiq228c.example.test"),
        ("localhost", "localhost"),
        ("under_score.example.test", "under_score.example.test"),
    ],
)
def test_covered(ecc, presented, host):
    assert match_name(ecc.leaf(ecc.root(), presented).certificate, host) == presented


@pytest.mark.parametrize(
    ("presented", "host"),
    [
        ("www.example.test", "example.test"),
        ("www.example.test", "a.www.example.test"),
        ("*.example.test", "example.test"),
        ("*.example.test", "a.b.example.test"),
        ("*.example.test", ".example.test"),
        ("*.test", "example.test"),
        ("*", "localhost"),
        ("w*.example.test", "www.example.test"),
        ("*w.example.test", "www.example.test"),
        ("www.*.test", "www.example.test"),
        ("*.*.test", "www.example.test"),
        ("*.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),  # a DNS name that looks like an address
        ("127.1", "127.1"),
        ("www.example.test.", "www.example.test"),
        ("www.example.test", "www.example.test.."),
        ("www.example.test", ""),
        ("www.example.test", "www.exam ple.test"),
        ("www.example.test", "www.example.test\0.evil.test"),
        ("www.example.test", "www.еxample.test"),  # Cyrillic
        ("xn--fiq228c.test", "中文.test"),  # only A-labels are compared
    ],
)
def test_not_covered(ecc, presented, host):
    with pytest.raises(NameMismatch):
        match_name(ecc.leaf(ecc.root(), presented).certificate, host)


def test_the_common_name_does_not_count(ecc):
    leaf = ecc.certificate("www.example.test", ecc.root(), dns=["other.test"]).certificate
    assert leaf.common_name == "www.example.test"
    with pytest.raises(NameMismatch, match=r"other\.test"):
        match_name(leaf, "www.example.test")
    without = ecc.certificate("www.example.test", ecc.root()).certificate
    with pytest.raises(NameMismatch, match="the common name does not count"):
        match_name(without, "www.example.test")


@pytest.mark.parametrize(
    ("presented", "host"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:DB8:0::1"), ("2001:db8::1", "[2001:db8::1]")],
)
def test_addresses(ecc, presented, host):
    leaf = ecc.certificate("address", ecc.root(), ips=[presented], dns=["*.example.test"]).certificate
    assert match_name(leaf, host) == presented
    for other in ("192.0.2.2", "::1", "[2001:db8::2]", "2001:db8::1%eth0", "0xc0.0.2.1", "3221225985"):
        with pytest.raises(NameMismatch):
            match_name(leaf, other)


def test_many_names_are_cut_short_in_the_message(ecc):
    leaf = ecc.leaf(ecc.root(), *(f"{n}.test" for n in range(9))).certificate
    with pytest.raises(NameMismatch, match=r"4\.test and 4 more"):
        match_name(leaf, "www.example.test")


@given(st.text(max_size=300))
def test_any_host_is_normalised_or_refused(host):
    try:
        normalised = normalise_host(host)
    except NameMismatch:
        return
    assert normalise_host(normalised) == normalised
    assert normalised.isascii()
