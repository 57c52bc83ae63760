"""SM2 signatures through ``PublicKey`` and ``PrivateKey``, beside libcrypto called in a bare loop."""

import ctypes
import ctypes.util
import time
from collections.abc import Callable, Iterator
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_void_p
from typing import Any, Final

from benchmarks.figure import Figure
from verifier.algorithms import KeyAlgorithm, PrivateKey, sm3

MESSAGE: Final = bytes(1200)  # about a certificate's TBS, what an SCT signs
_ROUNDS: Final = 8
_SECONDS_A_ROUND: Final = 0.25


def measure() -> Iterator[Figure]:
    """Rates of one thread. The two sides take turns, so that a busy machine slows both alike."""
    key = PrivateKey.generate(KeyAlgorithm.SM2)
    public, signature = key.public_key, key.sign(MESSAGE)
    raw = _RawLibcrypto(key.to_pkcs8())
    bare_signature = raw.sign()

    rate, limit = _rates(lambda: public.verify(signature, MESSAGE), lambda: raw.verify(bare_signature))
    yield Figure("SM2 verification", rate, "signatures/s", "EVP_PKEY_verify in a loop", limit)
    rate, limit = _rates(lambda: key.sign(MESSAGE), raw.sign)
    yield Figure("SM2 signing", rate, "signatures/s", "EVP_PKEY_sign in a loop", limit)


def _rates(ours: Callable[[], object], bare: Callable[[], object]) -> tuple[float, float]:
    calls, seconds = [0, 0], [0.0, 0.0]
    for _ in range(_ROUNDS):
        for side, call in enumerate((ours, bare)):
            start = time.perf_counter()
            while (elapsed := time.perf_counter() - start) < _SECONDS_A_ROUND:
                call()
                calls[side] += 1
            seconds[side] += elapsed
    return calls[0] / seconds[0], calls[1] / seconds[1]


class _RawLibcrypto:
    """As few calls as libcrypto allows: one key, one context for each operation, one digest."""

    def __init__(self, pkcs8: bytes) -> None:
        self._c: Any = ctypes.CDLL(ctypes.util.find_library("crypto"))
        self._c.d2i_AutoPrivateKey.restype = c_void_p
        self._c.d2i_AutoPrivateKey.argtypes = (c_void_p, POINTER(c_char_p), c_long)
        self._c.EVP_PKEY_CTX_new.restype = c_void_p
        self._c.EVP_PKEY_CTX_new.argtypes = (c_void_p, c_void_p)
        for name in ("EVP_PKEY_sign_init", "EVP_PKEY_verify_init"):
            getattr(self._c, name).argtypes = (c_void_p,)
        self._c.EVP_PKEY_verify.argtypes = (c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)
        self._c.EVP_PKEY_sign.argtypes = (c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t)
        self._c.EVP_PKEY_sign.restype = self._c.EVP_PKEY_verify.restype = c_int
        pkey = self._c.d2i_AutoPrivateKey(None, byref(c_char_p(pkcs8)), len(pkcs8))
        self._signing = c_void_p(self._c.EVP_PKEY_CTX_new(pkey, None))
        self._verifying = c_void_p(self._c.EVP_PKEY_CTX_new(pkey, None))
        assert self._c.EVP_PKEY_sign_init(self._signing) == 1
        assert self._c.EVP_PKEY_verify_init(self._verifying) == 1
        self._digest = sm3(MESSAGE)
        self._buffer = ctypes.create_string_buffer(72)

    def sign(self) -> bytes:
        size = c_size_t(len(self._buffer))
        assert self._c.EVP_PKEY_sign(self._signing, self._buffer, byref(size), self._digest, 32) == 1
        return self._buffer.raw[: size.value]

    def verify(self, signature: bytes) -> None:
        assert self._c.EVP_PKEY_verify(self._verifying, signature, len(signature), self._digest, 32) == 1
