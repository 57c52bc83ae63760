"""How an engine is chosen, and that a wrong one is not."""

import ctypes.util
import gc
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from verifier.algorithms import Sm2Engine, sm2
from verifier.algorithms import engine as engine_module
from verifier.algorithms import libcrypto as libcrypto_module
from verifier.algorithms.engine import LOADERS, choose_engine
from verifier.algorithms.libcrypto import LibcryptoEngine
from verifier.algorithms.self_test import (
    CIPHERTEXT,
    DIGEST,
    PLAINTEXT,
    POINT,
    SCALAR,
    SIGNATURE,
    check_engine,
)
from verifier.errors import DecryptionError, EngineError, InvalidSignature


def test_both_engines_pass_the_self_test(engine: Sm2Engine) -> None:
    check_engine(engine)


def test_libcrypto_is_chosen_first() -> None:
    engine, report = choose_engine(LOADERS, {})
    assert engine.name == report.name == "libcrypto"
    assert report.version.startswith("OpenSSL 3") or report.version.startswith("OpenSSL 4")
    assert report.rejected == ()
    assert str(report) == f"libcrypto ({report.version})"


def test_the_choice_is_made_once() -> None:
    assert engine_module.sm2_engine() is engine_module.sm2_engine()
    assert engine_module.engine_report().name == engine_module.sm2_engine().name


def test_without_libcrypto_gmssl_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    engine, report = choose_engine(LOADERS, {})
    assert engine.name == "gmssl"
    assert report.version.startswith("gmssl 3.2")
    assert "not libcrypto: this system has no shared libcrypto" in str(report)


@pytest.mark.parametrize("library", ["libc.so.6", "no-such-library.so"])
def test_a_library_that_is_not_libcrypto(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: library)
    with pytest.raises(EngineError, match=rf"{library} is not OpenSSL 3"):
        LibcryptoEngine()


def test_an_old_libcrypto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libcrypto_module, "_OLDEST_VERSION", 99 << 28)
    with pytest.raises(EngineError, match=r"older than OpenSSL 3\.0"):
        LibcryptoEngine()


@pytest.mark.parametrize("name", LOADERS)
def test_one_can_be_forced(name: str) -> None:
    assert choose_engine(LOADERS, {"MINGJING_SM2_ENGINE": name})[0].name == name


def test_a_process_can_be_told_to_use_gmssl() -> None:
    program = (
        "from verifier.algorithms import KeyAlgorithm, PrivateKey, engine_report\n"
        "key = PrivateKey.from_pkcs8(PrivateKey.generate(KeyAlgorithm.SM2).to_pkcs8())\n"
        "key.public_key.verify(key.sign(b'data'), b'data')\n"
        "assert key.decrypt(key.public_key.encrypt(b'data')) == b'data'\n"
        "print(engine_report().name)"
    )
    environment = os.environ | {"MINGJING_SM2_ENGINE": "gmssl"}
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, env=environment, capture_output=True, check=True).stdout == b"gmssl\n"


def test_a_forced_engine_has_no_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    with pytest.raises(EngineError, match="no SM2 engine is usable: libcrypto: this system has no"):
        choose_engine(LOADERS, {"MINGJING_SM2_ENGINE": "libcrypto"})


def test_an_unknown_forced_engine() -> None:
    with pytest.raises(EngineError, match="MINGJING_SM2_ENGINE: expected one of libcrypto, gmssl, got"):
        choose_engine(LOADERS, {"MINGJING_SM2_ENGINE": "openssl"})


def test_an_engine_that_cannot_be_imported() -> None:
    def missing() -> Sm2Engine:
        raise ImportError("No module named 'gmssl'")

    with pytest.raises(EngineError, match="gmssl: No module named 'gmssl'"):
        choose_engine({"gmssl": missing}, {})


def _raise(error: Exception) -> Any:
    raise error


class WrongEngine:
    """libcrypto with one answer replaced."""

    name = "wrong"
    version = "0"

    def __init__(self, method: str, answer: Any) -> None:
        self._real = LibcryptoEngine()
        self._method, self._answer = method, answer

    def __getattr__(self, name: str) -> Any:
        return self._answer if name == self._method else getattr(self._real, name)

    def load_public(self, point: bytes) -> Any:
        return self._wrap(self._real.load_public(point))

    def load_private(self, scalar: bytes, point: bytes) -> Any:
        return self._wrap(self._real.load_private(scalar, point))

    def _wrap(self, handle: Any) -> Any:
        names = [name for name in dir(handle) if not name.startswith("_")]
        methods = {name: getattr(handle, name) for name in names}
        return SimpleNamespace(**methods | {self._method: self._answer})


@pytest.mark.parametrize(
    ("method", "answer", "reason"),
    [
        ("public_point", lambda _: bytes(65), "public key"),
        ("verify_digest", lambda *_: None, "one bit flipped was accepted"),
        ("verify_digest", lambda *_: _raise(InvalidSignature("it never does")), "it never does"),
        (
            "verify_digest",
            lambda signature, _: signature == SIGNATURE and _raise(InvalidSignature("own only")),
            "own only",
        ),
        ("sign_digest", lambda _: SIGNATURE[:-1] + b"\1", "does not verify"),
        ("decrypt", lambda _: b"something else....", "decryption"),
        ("decrypt", lambda _: _raise(DecryptionError("it never does")), "it never does"),
        ("encrypt", lambda _: CIPHERTEXT[:-1] + b"\0", "does not decrypt"),
        ("sign_digest", lambda _: _raise(EngineError("out of order")), "out of order"),
    ],
)
def test_a_wrong_engine_is_not_used(method: str, answer: Any, reason: str) -> None:
    loaders = {"wrong": lambda: WrongEngine(method, answer), "libcrypto": LOADERS["libcrypto"]}
    engine, report = choose_engine(loaders, {})
    assert engine.name == "libcrypto"
    assert report.rejected[0].name == "wrong"
    assert report.rejected[0].reason.startswith("self-test: ")
    assert reason in report.rejected[0].reason


def test_wrong_sm3_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sm2, "A", sm2.A + 1)  # goes into Z
    with pytest.raises(EngineError, match="digest"):
        check_engine(LibcryptoEngine())


def test_libcrypto_says_why() -> None:
    with pytest.raises(EngineError, match=r"could not load a key: error:.*point is not on curve"):
        LibcryptoEngine().load_public(b"\x04" + bytes(64))
    with pytest.raises(EngineError, match="could not encrypt"):
        LibcryptoEngine().load_public(POINT).encrypt(b"")


def test_a_failure_leaves_nothing_in_the_error_queue() -> None:
    engine = LibcryptoEngine()
    public = engine.load_public(POINT)
    with pytest.raises(EngineError):
        public.encrypt(b"")
    with pytest.raises(InvalidSignature):
        public.verify_digest(sm2.encode_signature(1, sm2.N - 1), DIGEST)  # refused with a text in the queue
    assert engine._library.c.ERR_get_error() == 0


def test_generated_scalars_are_in_range_and_differ(engine: Sm2Engine) -> None:
    scalars = {engine.generate() for _ in range(20)}
    assert len(scalars) == 20
    for scalar in scalars:
        sm2.check_scalar(scalar)
        assert len(scalar) == 32


@pytest.mark.parametrize("scalar", [1, 2, sm2.N - 2])
def test_engines_derive_the_same_points(scalar: int) -> None:
    points = {LOADERS[name]().public_point(sm2.scalar_bytes(scalar)) for name in LOADERS}
    assert len(points) == 1
    sm2.check_point(points.pop())


def test_one_key_serves_many_threads() -> None:
    engine = LibcryptoEngine()
    private, public = engine.load_private(SCALAR, POINT), engine.load_public(POINT)

    def work(number: int) -> None:
        digest = number.to_bytes(32)
        signature = private.sign_digest(digest)
        public.verify_digest(signature, digest)
        with pytest.raises(InvalidSignature):
            public.verify_digest(signature, (number + 1).to_bytes(32))
        assert private.decrypt(public.encrypt(digest)) == digest
        assert private.decrypt(CIPHERTEXT) == PLAINTEXT

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))


def test_the_whole_error_queue_is_told() -> None:
    library = LibcryptoEngine()._library
    library.c.ERR_clear_error()
    for _ in range(2):
        assert not library.c.EC_GROUP_new_by_curve_name(0)
    assert str(library.failed("find a curve")).count("error:") == 2
    assert library.c.ERR_get_error() == 0
    assert str(library.failed("do this")) == "libcrypto could not do this: it gives no reason"


class CountingLibrary:
    """libcrypto that counts its successful calls."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._library, name)

        def counted(*arguments: Any) -> Any:
            result = function(*arguments)
            if function.restype is None or result not in {None, 0, -1}:
                self.calls[name] += 1
            return result

        return counted


def test_everything_made_is_freed() -> None:
    engine = LibcryptoEngine()
    counting = engine._library.c = CountingLibrary(engine._library.c)
    private = engine.load_private(SCALAR, POINT)
    for _ in range(3):
        private.verify_digest(private.sign_digest(DIGEST), DIGEST)
        with pytest.raises(InvalidSignature):
            private.verify_digest(bytes.fromhex("3006020101020101"), DIGEST)
        with pytest.raises(DecryptionError):
            private.decrypt(CIPHERTEXT[:-1] + b"\0")
        with pytest.raises(EngineError):
            private.encrypt(b"")
        with pytest.raises(EngineError):
            engine.load_public(b"\x04" + bytes(64))
        assert private.decrypt(private.encrypt(PLAINTEXT)) == PLAINTEXT
        engine.public_point(engine.generate())
    del private
    gc.collect()
    calls = counting.calls
    assert calls["EVP_PKEY_free"] == calls["EVP_PKEY_fromdata"] + calls["EVP_PKEY_generate"] == 4
    contexts = calls["EVP_PKEY_CTX_new_from_name"] + calls["EVP_PKEY_CTX_new_from_pkey"]
    assert calls["EVP_PKEY_CTX_free"] == contexts > 10
    assert calls["BN_clear_free"] == calls["BN_bin2bn"] + calls["EVP_PKEY_get_bn_param"] == 6
    assert calls["EC_POINT_free"] == calls["EC_POINT_new"] == 3
    assert calls["EC_GROUP_free"] == calls["EC_GROUP_new_by_curve_name"] == 3


def test_contexts_are_reused() -> None:
    engine = LibcryptoEngine()
    counting = engine._library.c = CountingLibrary(engine._library.c)
    private = engine.load_private(SCALAR, POINT)
    for _ in range(5):
        private.verify_digest(private.sign_digest(DIGEST), DIGEST)
        with pytest.raises(InvalidSignature):
            private.verify_digest(SIGNATURE, bytes(32))
    assert counting.calls["EVP_PKEY_CTX_new_from_pkey"] == 2


def test_a_context_that_cannot_be_prepared() -> None:
    engine = LibcryptoEngine()
    counting = engine._library.c = CountingLibrary(engine._library.c)
    private = engine.load_private(SCALAR, POINT)
    private._sign._initialise = lambda _: 0
    with pytest.raises(EngineError, match="could not prepare to sign"):
        private.sign_digest(DIGEST)
    assert counting.calls["EVP_PKEY_CTX_free"] == 2  # the one of the import, and this one
