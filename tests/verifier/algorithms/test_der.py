import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from verifier.algorithms import der
from verifier.errors import MalformedInput


@given(st.integers(0, 2**600))
def test_integers_are_as_asn1crypto_writes_them(value: int) -> None:
    encoded = der.encode_integer(value)
    assert encoded == core.Integer(value).dump()
    assert der.Reader(encoded, "test").integer("value") == value


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=6), st.integers(0, 39))
def test_oids_are_as_asn1crypto_writes_them(rest: list[int], second: int) -> None:
    dotted = ".".join(map(str, (1, second, *rest)))
    assert der.encode_oid(dotted) == core.ObjectIdentifier(dotted).dump()


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_lengths(size: int) -> None:
    encoded = der.encode(der.OCTET_STRING, bytes(size))
    assert encoded == core.OctetString(bytes(size)).dump()
    reader = der.Reader(encoded, "test")
    assert reader.read(der.OCTET_STRING, "value") == bytes(size)
    reader.finish()


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        ("", "expected tag"),
        ("03", "expected tag"),
        ("02", "the input ends before"),
        ("0201", "the input ends before"),
        ("0282", "the input ends before"),
        ("028001", "definite length"),
        ("02810101", "minimal form of a length"),
        ("0282000101", "minimal form of a length"),
        ("02820080" + "7f" * 128, "minimal form of a length"),
        ("02858080808080", "definite length"),
        ("0200", "non-negative"),
        ("0201ff", "non-negative"),
        ("02020001", "minimal form of an INTEGER"),
    ],
)
def test_what_is_not_der_is_refused(encoded: str, reason: str) -> None:
    with pytest.raises(MalformedInput, match=rf"^test\.number: .*{reason}"):
        der.Reader(bytes.fromhex(encoded), "test").integer("number")


@pytest.mark.parametrize("encoded", ["0300", "030101", "03020780"])
def test_only_whole_bytes_in_bit_strings(encoded: str) -> None:
    with pytest.raises(MalformedInput, match="whole bytes"):
        der.Reader(bytes.fromhex(encoded), "test").bit_string("bits")


def test_what_is_left_over_is_refused() -> None:
    reader = der.Reader(bytes.fromhex("0201010500"), "test")
    reader.integer("number")
    with pytest.raises(MalformedInput, match="2 bytes are left over"):
        reader.finish()


def test_elements_do_not_reach_beyond_their_parent() -> None:
    body = der.Reader(bytes.fromhex("3003020201ffff"), "test").enter(der.SEQUENCE, "outer")
    with pytest.raises(MalformedInput, match=r"test\.outer\.inner"):
        body.integer("inner")


@given(st.binary(max_size=40))
def test_any_bytes_give_a_value_that_encodes_to_them_or_the_error(data: bytes) -> None:
    reader = der.Reader(data, "test")
    try:
        value = reader.integer("number")
        reader.finish()
    except MalformedInput:
        return
    assert der.encode_integer(value) == data
