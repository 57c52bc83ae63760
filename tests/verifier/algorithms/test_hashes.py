import gmssl.sm3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.algorithms import hashes, sm3, sm3_hasher


@pytest.mark.parametrize(
    ("message", "digest"),
    [  # GB/T 32905 appendix A
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_known_answers(message: bytes, digest: str) -> None:
    assert sm3(message).hex() == digest


@given(st.binary(max_size=300))
def test_gmssl_agrees(message: bytes) -> None:
    assert sm3(message).hex() == gmssl.sm3.sm3_hash(list(message))


@given(st.lists(st.binary(max_size=80), max_size=5))
def test_in_pieces(pieces: list[bytes]) -> None:
    hasher = sm3_hasher()
    for piece in pieces:
        hasher.update(piece)
    copy = hasher.copy()
    copy.update(b"more")
    assert hasher.digest() == hasher.digest() == sm3(b"".join(pieces))
    assert copy.digest() == sm3(b"".join(pieces) + b"more")


def test_a_python_without_sm3_uses_cryptography(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_sm3(name: str) -> None:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashes.hashlib, "new", no_sm3)
    fallback = hashes._fresh()
    assert isinstance(fallback, hashes._CryptographySm3)
    fallback.update(b"ab")
    copy = fallback.copy()
    copy.update(b"c")
    assert fallback.digest() == fallback.digest() == sm3(b"ab")
    assert copy.digest() == sm3(b"abc")
