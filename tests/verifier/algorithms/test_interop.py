"""SM2 between libcrypto through ctypes, gmssl, and the openssl program, in all directions."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.algorithms import PrivateKey, PublicKey, Sm2Engine, sm2
from verifier.algorithms.gmssl_engine import GmsslEngine
from verifier.algorithms.libcrypto import LibcryptoEngine
from verifier.algorithms.self_test import POINT, SCALAR
from verifier.errors import DecryptionError, InvalidSignature

DISTID = "distid:1234567812345678"
DATA = b"the bright mirror hides nothing"


@pytest.fixture(scope="module")
def key() -> PrivateKey:
    """An SM2 key whose x starts with the hex digits 04, which gmssl's constructor would eat."""
    engine = LibcryptoEngine()
    while True:
        scalar = engine.generate()
        point = engine.public_point(scalar)
        if point[1] in (0x04, 0x40, 0x00):
            return PrivateKey.from_pkcs8(sm2.encode_pkcs8(scalar, point))


def _handles(engine: Sm2Engine, key: PrivateKey) -> tuple[Any, Any]:
    point = key.public_key.spki[-65:]
    return engine.load_public(point), engine.load_private(key._backend._scalar, point)


def test_signatures_between_engines(engine: Sm2Engine, other_engine: Sm2Engine, key: PrivateKey) -> None:
    digest = key.public_key._backend.digest(DATA, sm2.DEFAULT_SM2_ID)
    signature = _handles(engine, key)[1].sign_digest(digest)
    sm2.parse_signature(signature)
    _handles(other_engine, key)[0].verify_digest(signature, digest)
    with pytest.raises(InvalidSignature):
        _handles(other_engine, key)[0].verify_digest(signature, bytes(32))


@pytest.mark.parametrize("size", [1, 32, 33, 300])
def test_encryption_between_engines(
    engine: Sm2Engine, other_engine: Sm2Engine, key: PrivateKey, size: int
) -> None:
    plaintext = bytes([7]) * size
    public = _handles(engine, key)[0]
    ciphertext = public.encrypt(plaintext)
    while sm2.Ciphertext.parse(ciphertext).cipher_text == plaintext:  # a key stream of zeros
        ciphertext = public.encrypt(plaintext)
    private = _handles(other_engine, key)[1]
    assert private.decrypt(ciphertext) == plaintext
    parts = sm2.Ciphertext.parse(ciphertext)
    changed = bytes((parts.cipher_text[0] ^ 1,)) + parts.cipher_text[1:]
    with pytest.raises(DecryptionError):
        private.decrypt(sm2.Ciphertext(parts.x, parts.y, parts.hash, changed).encode())


@settings(max_examples=15)
@given(digest=st.binary(min_size=32, max_size=32), r=st.integers(1, sm2.N - 1), s=st.integers(1, sm2.N - 1))
def test_engines_agree_on_any_signature(digest: bytes, r: int, s: int) -> None:
    genuine = LibcryptoEngine().load_private(SCALAR, POINT).sign_digest(digest)
    for engine in (LibcryptoEngine(), GmsslEngine()):
        public = engine.load_public(POINT)
        public.verify_digest(genuine, digest)
        with pytest.raises(InvalidSignature):
            public.verify_digest(sm2.encode_signature(r, s), digest)


@pytest.mark.needs("openssl")
class TestOpenSslProgram:
    def test_reads_our_keys(self, key: PrivateKey, openssl: Any) -> None:
        shown = openssl("pkey", "-in", "key.pem", "-text", "-noout", **{"key.pem": key.to_pem()})
        assert b"SM2" in shown
        spki = openssl("pkey", "-in", "key.der", "-inform", "DER", "-pubout", "-outform", "DER",
                       **{"key.der": key.to_pkcs8()})  # fmt: skip
        assert spki == key.public_key.spki
        assert openssl("pkey", "-in", "key.pem") == key.to_pem()
        openssl("pkey", "-pubin", "-in", "public.pem", **{"public.pem": key.public_key.to_pem()})

    def test_makes_keys_that_we_read(self, openssl: Any) -> None:
        pem = openssl("genpkey", "-algorithm", "SM2")
        assert PrivateKey.from_pem(pem).to_pem() == pem
        spki = openssl("pkey", "-in", "key.pem", "-pubout", "-outform", "DER", **{"key.pem": pem})
        assert PrivateKey.from_pem(pem).public_key == PublicKey.from_spki(spki)

    def test_verifies_our_signatures(self, engine: Sm2Engine, key: PrivateKey, openssl: Any) -> None:
        digest = key.public_key._backend.digest(DATA, sm2.DEFAULT_SM2_ID)
        files = {
            "public.pem": key.public_key.to_pem(),
            "data": DATA,
            "signature": _handles(engine, key)[1].sign_digest(digest),
        }
        dgst = ["dgst", "-sm3", "-verify", "public.pem", "-sigopt", DISTID, "-signature", "signature", "data"]
        pkeyutl = ["pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-digest", "sm3",
                   "-pkeyopt", DISTID, "-sigfile", "signature", "-in", "data"]  # fmt: skip
        for command in (dgst, pkeyutl):
            assert openssl(*command, **files).strip() in {b"Verified OK", b"Signature Verified Successfully"}
            with pytest.raises(ChildProcessError):
                openssl(*command, **files | {"data": DATA + b"!"})

    @pytest.mark.parametrize("command", ["dgst", "pkeyutl"])
    def test_makes_signatures_that_we_verify(
        self, engine: Sm2Engine, key: PrivateKey, openssl: Any, command: str
    ) -> None:
        files = {"key.pem": key.to_pem(), "data": DATA}
        if command == "dgst":
            signature = openssl("dgst", "-sm3", "-sign", "key.pem", "-sigopt", DISTID, "data", **files)
        else:
            signature = openssl("pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-digest", "sm3",
                                "-pkeyopt", DISTID, "-in", "data", **files)  # fmt: skip
        key.public_key.verify(signature, DATA)
        digest = key.public_key._backend.digest(DATA, sm2.DEFAULT_SM2_ID)
        _handles(engine, key)[0].verify_digest(signature, digest)

    def test_without_an_identifier_it_is_refused_by_name(self, key: PrivateKey, openssl: Any) -> None:
        signature = openssl("dgst", "-sm3", "-sign", "key.pem", "-sigopt", "distid:", "data",
                            **{"key.pem": key.to_pem(), "data": DATA})  # fmt: skip
        with pytest.raises(InvalidSignature, match="empty identifier"):
            key.public_key.verify(signature, DATA)

    def test_decrypts_what_we_encrypt(self, engine: Sm2Engine, key: PrivateKey, openssl: Any) -> None:
        ciphertext = _handles(engine, key)[0].encrypt(DATA)
        files = {"key.pem": key.to_pem(), "ciphertext": ciphertext}
        assert openssl("pkeyutl", "-decrypt", "-inkey", "key.pem", "-in", "ciphertext", **files) == DATA

    def test_encrypts_what_we_decrypt(self, engine: Sm2Engine, key: PrivateKey, openssl: Any) -> None:
        files = {"public.pem": key.public_key.to_pem(), "data": DATA}
        ciphertext = openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", "public.pem", "-in", "data", **files)
        assert key.decrypt(ciphertext) == DATA
        assert _handles(engine, key)[1].decrypt(ciphertext) == DATA
