"""Names: what is accepted becomes canonical, anything else is the room's error."""

import ipaddress

import pytest
from cryptography import x509
from hypothesis import example, given
from hypothesis import strategies as st

from issuer.errors import NameNotPermitted
from issuer.names import MAXIMUM_NAMES, canonical_name, canonical_names
from issuer.x509.extensions import PermittedNames

PERMITTED = PermittedNames(
    ("mingjing.test", "localhost"), (ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("::1/128"))
)


@pytest.mark.parametrize(
    ("given_name", "canonical"),
    [
        ("Good.Mingjing.TEST", "good.mingjing.test"),
        ("*.mingjing.test", "*.mingjing.test"),
        ("明镜.mingjing.test", "xn--2hvy66h.mingjing.test"),
        ("bücher.mingjing.test", "xn--bcher-kva.mingjing.test"),
        ("xn--strae-oqa.mingjing.test", "xn--strae-oqa.mingjing.test"),
        ("127.0.0.1", "127.0.0.1"),
        ("0:0::1", "::1"),
        ("localhost", "localhost"),
        ("a" * 63 + ".test", "a" * 63 + ".test"),
    ],
)
def test_canonical(given_name: str, canonical: str) -> None:
    assert canonical_name(given_name) == canonical
    assert canonical_name(canonical) == canonical


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "mingjing.test.",
        ".mingjing.test",
        "a..test",
        "un_der.mingjing.test",
        "-a.test",
        "a-.test",
        "a" * 64 + ".test",
        ".".join(["a" * 60] * 5),
        "a.*.test",
        "*a.mingjing.test",
        "*.*.mingjing.test",
        "*.test",
        "*",
        "ab--cd.test",
        "xn--.test",
        "xn--abc-.test",
        "xn--99999999999.test",
        "straße.test",
        "a b.test",
        "a\0.test",
        "a/b.test",
        "1.2.3",
        "127.1",
        "256.256.256.256",
        "fe80::1%eth0",
        "http://mingjing.test",
        "user@mingjing.test",
        "mingjing.test\n",
        "１２７.0.0.1",
    ],
)
def test_refused_by_name(name: str) -> None:
    with pytest.raises(NameNotPermitted) as caught:
        canonical_name(name)
    assert repr(name)[:40] in str(caught.value) or "host name" in str(caught.value)


@given(st.text(max_size=300))
@example("xn--a")
@example("\ud800.test")
@example("xn--" + "z" * 59)
@example("İ.test")
def test_any_text_gives_a_name_or_our_error(text: str) -> None:
    try:
        name = canonical_name(text)
    except NameNotPermitted:
        return
    assert name.isascii()
    assert name == name.lower()
    assert canonical_name(name) == name
    try:
        ipaddress.ip_address(name)
    except ValueError:
        x509.DNSName(name)  # cryptography takes it too


@given(st.text(alphabet="ab-*.xn1_ßü:/", max_size=40))
def test_near_misses(text: str) -> None:
    test_any_text_gives_a_name_or_our_error.hypothesis.inner_test(text)


@pytest.mark.parametrize(
    "name", ["mingjing.test", "*.mingjing.test", "a.b.mingjing.test", "localhost", "::1"]
)
def test_within_constraints(name: str) -> None:
    assert canonical_names([name, name], PERMITTED) == (name,)


@pytest.mark.parametrize(
    "name",
    ["example.com", "notmingjing.test", "mingjing.test.evil", "127.0.0.2", "::2", "*.example.com", "test"],
)
def test_outside_constraints_names_both(name: str) -> None:
    with pytest.raises(NameNotPermitted) as caught:
        canonical_names(["mingjing.test", name], PERMITTED)
    assert repr(name) in str(caught.value)
    assert "mingjing.test, localhost, 127.0.0.1/32, ::1/128" in str(caught.value)


def test_number_of_names() -> None:
    with pytest.raises(NameNotPermitted, match="not 0"):
        canonical_names([], PERMITTED)
    many = [f"n{number}.mingjing.test" for number in range(MAXIMUM_NAMES + 1)]
    with pytest.raises(NameNotPermitted, match=f"not {MAXIMUM_NAMES + 1}"):
        canonical_names(many, PERMITTED)
    assert len(canonical_names(many[:-1], None)) == MAXIMUM_NAMES
