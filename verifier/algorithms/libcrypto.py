"""SM2 by the system's libcrypto (OpenSSL 3.x), through ctypes.

Every call lets go of the GIL. A key is one EVP_PKEY, made once and only read afterwards; an EVP_PKEY_CTX
belongs to one thread at a time, so each key keeps a pool of idle ones. OpenSSL's error queue belongs to the
thread and is emptied into the exception of the call that failed.
"""

import ctypes
import ctypes.util
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_ulong, c_void_p
from typing import Any, Final

from verifier.algorithms import sm2
from verifier.errors import DecryptionError, EngineError, InvalidSignature

# Names and numbers from openssl/evp.h, core.h, params.h and core_names.h; all are part of OpenSSL 3's ABI.
_EVP_PKEY_PUBLIC_KEY: Final = 0x86  # OSSL_KEYMGMT_SELECT_ALL_PARAMETERS | _PUBLIC_KEY
_EVP_PKEY_KEYPAIR: Final = 0x87
_PARAM_UNSIGNED_INTEGER: Final = 2
_PARAM_UTF8_STRING: Final = 4
_PARAM_OCTET_STRING: Final = 5
_PARAM_UNMODIFIED: Final = c_size_t(-1).value
_NID_SM2: Final = 1172
_POINT_CONVERSION_UNCOMPRESSED: Final = 4
_OPENSSL_VERSION: Final = 0
_OLDEST_VERSION: Final = 3 << 28  # 3.0.0
_ERROR_TEXT_SIZE: Final = 256  # the least that ERR_error_string_n wants
_MAX_SIGNATURE_SIZE: Final = 72  # bytes: SEQUENCE of two INTEGERs of 33 bytes
_CIPHERTEXT_OVERHEAD: Final = 128  # bytes: more than all of SM2Cipher but its text

_OK: Final = 1


class _OsslParam(ctypes.Structure):
    """OSSL_PARAM of openssl/core.h."""

    _fields_ = (
        ("key", c_char_p),
        ("data_type", c_uint),
        ("data", c_void_p),
        ("data_size", c_size_t),
        ("return_size", c_size_t),
    )


_OPERATION = (c_int, (c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t))

_PROTOTYPES: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "OpenSSL_version_num": (c_ulong, ()),
    "OpenSSL_version": (c_char_p, (c_int,)),
    "ERR_get_error": (c_ulong, ()),
    "ERR_error_string_n": (None, (c_ulong, c_char_p, c_size_t)),
    "ERR_clear_error": (None, ()),
    "EVP_PKEY_CTX_new_from_name": (c_void_p, (c_void_p, c_char_p, c_char_p)),
    "EVP_PKEY_CTX_new_from_pkey": (c_void_p, (c_void_p, c_void_p, c_char_p)),
    "EVP_PKEY_CTX_free": (None, (c_void_p,)),
    "EVP_PKEY_fromdata_init": (c_int, (c_void_p,)),
    "EVP_PKEY_fromdata": (c_int, (c_void_p, POINTER(c_void_p), c_int, POINTER(_OsslParam))),
    "EVP_PKEY_free": (None, (c_void_p,)),
    "EVP_PKEY_keygen_init": (c_int, (c_void_p,)),
    "EVP_PKEY_generate": (c_int, (c_void_p, POINTER(c_void_p))),
    "EVP_PKEY_get_bn_param": (c_int, (c_void_p, c_char_p, POINTER(c_void_p))),
    "EVP_PKEY_sign_init": (c_int, (c_void_p,)),
    "EVP_PKEY_sign": _OPERATION,
    "EVP_PKEY_verify_init": (c_int, (c_void_p,)),
    "EVP_PKEY_verify": (c_int, (c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)),
    "EVP_PKEY_encrypt_init": (c_int, (c_void_p,)),
    "EVP_PKEY_encrypt": _OPERATION,
    "EVP_PKEY_decrypt_init": (c_int, (c_void_p,)),
    "EVP_PKEY_decrypt": _OPERATION,
    "BN_bin2bn": (c_void_p, (c_char_p, c_int, c_void_p)),
    "BN_bn2binpad": (c_int, (c_void_p, c_char_p, c_int)),
    "BN_clear_free": (None, (c_void_p,)),
    "EC_GROUP_new_by_curve_name": (c_void_p, (c_int,)),
    "EC_GROUP_free": (None, (c_void_p,)),
    "EC_POINT_new": (c_void_p, (c_void_p,)),
    "EC_POINT_free": (None, (c_void_p,)),
    "EC_POINT_mul": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "EC_POINT_point2oct": (c_size_t, (c_void_p, c_void_p, c_int, c_char_p, c_size_t, c_void_p)),
}


def _open_library() -> Any:
    """Load libcrypto with every prototype set, so that no pointer is ever cut to an int."""
    path = ctypes.util.find_library("crypto")
    if path is None:
        raise EngineError("this system has no shared libcrypto")
    try:
        library = ctypes.CDLL(path)
        for name, (result, arguments) in _PROTOTYPES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise EngineError(f"{path} is not OpenSSL 3: {error}") from error
    if library.OpenSSL_version_num() < _OLDEST_VERSION:
        raise EngineError(f"{path} is older than OpenSSL 3.0")
    return library


class _Library:
    """libcrypto with OpenSSL's return values turned into exceptions."""

    def __init__(self) -> None:
        self.c = _open_library()
        self.version: str = self.c.OpenSSL_version(_OPENSSL_VERSION).decode()

    def failed(self, action: str) -> EngineError:
        """The exception for a call that failed, with this thread's error queue, which it empties."""
        texts = []
        while code := self.c.ERR_get_error():
            buffer = ctypes.create_string_buffer(_ERROR_TEXT_SIZE)
            self.c.ERR_error_string_n(code, buffer, len(buffer))
            texts.append(buffer.value.decode(errors="replace"))
        return EngineError(f"libcrypto could not {action}: {'; '.join(texts) or 'it gives no reason'}")

    def pointer(self, value: int | None, action: str) -> c_void_p:
        if not value:
            raise self.failed(action)
        return c_void_p(value)

    def check(self, result: int, action: str) -> None:
        if result != _OK:
            raise self.failed(action)

    @contextmanager
    def context_by_name(self) -> Iterator[c_void_p]:
        context = self.pointer(self.c.EVP_PKEY_CTX_new_from_name(None, b"SM2", None), "find SM2")
        try:
            yield context
        finally:
            self.c.EVP_PKEY_CTX_free(context)

    def import_key(self, point: bytes, scalar: bytes | None) -> c_void_p:
        """An EVP_PKEY, the caller's to free."""
        selection = _EVP_PKEY_PUBLIC_KEY if scalar is None else _EVP_PKEY_KEYPAIR
        with self.context_by_name() as context, _key_parameters(point, scalar) as parameters:
            key = c_void_p()
            self.check(self.c.EVP_PKEY_fromdata_init(context), "prepare a key")
            self.check(self.c.EVP_PKEY_fromdata(context, byref(key), selection, parameters), "load a key")
            return key


@contextmanager
def _key_parameters(point: bytes, scalar: bytes | None) -> Iterator[Any]:
    """The OSSL_PARAM array of a key; the copy of the scalar is wiped afterwards."""
    values = [(b"group", _PARAM_UTF8_STRING, b"SM2"), (b"pub", _PARAM_OCTET_STRING, point)]
    if scalar is not None:
        native = int.from_bytes(scalar).to_bytes(sm2.SCALAR_SIZE, sys.byteorder)
        values.append((b"priv", _PARAM_UNSIGNED_INTEGER, native))
    buffers = [ctypes.create_string_buffer(value, len(value)) for _, _, value in values]
    array = (_OsslParam * (len(values) + 1))()  # the last one stays zero: the end
    for item, (key, kind, value), buffer in zip(array, values, buffers, strict=False):
        item.key, item.data_type, item.return_size = key, kind, _PARAM_UNMODIFIED
        item.data, item.data_size = ctypes.addressof(buffer), len(value)
    try:
        yield array
    finally:
        for buffer in buffers:
            ctypes.memset(buffer, 0, len(buffer))


def _free_all(free: Callable[[c_void_p], None], contexts: list[c_void_p]) -> None:
    for context in contexts:
        free(context)


class _Operation:
    """One operation (sign, verify…) of one key, with its pool of idle contexts."""

    def __init__(self, library: _Library, key: c_void_p, name: str) -> None:
        self.library = library
        self.name = name
        self._key = key
        self._initialise = getattr(library.c, f"EVP_PKEY_{name}_init")
        self.call = getattr(library.c, f"EVP_PKEY_{name}")
        self._idle: list[c_void_p] = []
        weakref.finalize(self, _free_all, library.c.EVP_PKEY_CTX_free, self._idle).atexit = False

    @contextmanager
    def context(self) -> Iterator[c_void_p]:
        """A context for this thread alone; one that met an error is not used again."""
        try:
            context = self._idle.pop()
        except IndexError:
            context = self._new_context()
        try:
            yield context
        except BaseException:
            self.library.c.EVP_PKEY_CTX_free(context)
            raise
        self._idle.append(context)

    def _new_context(self) -> c_void_p:
        c = self.library.c
        made = c.EVP_PKEY_CTX_new_from_pkey(None, self._key, None)
        context = self.library.pointer(made, f"prepare to {self.name}")
        if self._initialise(context) != _OK:
            c.EVP_PKEY_CTX_free(context)
            raise self.library.failed(f"prepare to {self.name}")
        return context

    def run(self, data: bytes, capacity: int) -> bytes:
        """The output of an operation that gives bytes. Raises EngineError."""
        output, size = ctypes.create_string_buffer(capacity), c_size_t(capacity)
        with self.context() as context:
            result = self.call(context, output, byref(size), data, len(data))
            self.library.check(result, self.name)
        return output.raw[: size.value]


class _PublicHandle:
    def __init__(self, library: _Library, point: bytes, scalar: bytes | None = None) -> None:
        key = library.import_key(point, scalar)
        weakref.finalize(self, library.c.EVP_PKEY_free, key).atexit = False
        self._verify = _Operation(library, key, "verify")
        self._encrypt = _Operation(library, key, "encrypt")
        self._key = key

    def verify_digest(self, signature: bytes, digest: bytes) -> None:
        operation = self._verify
        with operation.context() as context:
            result = operation.call(context, signature, len(signature), digest, len(digest))
        if result == _OK:
            return
        if result < 0:
            raise operation.library.failed("verify")
        operation.library.c.ERR_clear_error()
        raise InvalidSignature("SM2 signature: it does not verify with this key over these bytes")

    def encrypt(self, plaintext: bytes) -> bytes:
        return self._encrypt.run(plaintext, len(plaintext) + _CIPHERTEXT_OVERHEAD)


class _PrivateHandle(_PublicHandle):
    def __init__(self, library: _Library, point: bytes, scalar: bytes) -> None:
        super().__init__(library, point, scalar)
        self._sign = _Operation(library, self._key, "sign")
        self._decrypt = _Operation(library, self._key, "decrypt")

    def sign_digest(self, digest: bytes) -> bytes:
        return self._sign.run(digest, _MAX_SIGNATURE_SIZE)

    def decrypt(self, ciphertext: bytes) -> bytes:
        try:
            return self._decrypt.run(ciphertext, len(ciphertext))
        except EngineError:
            raise DecryptionError("SM2 ciphertext: it does not decrypt with this key") from None


class LibcryptoEngine:
    """The engine. Raises EngineError when the system has no OpenSSL 3 with SM2."""

    name = "libcrypto"

    def __init__(self) -> None:
        self._library = _Library()
        self.version = self._library.version

    def generate(self) -> bytes:
        library = self._library
        with library.context_by_name() as context:
            key = c_void_p()
            library.check(library.c.EVP_PKEY_keygen_init(context), "prepare to generate a key")
            library.check(library.c.EVP_PKEY_generate(context, byref(key)), "generate a key")
        try:
            return self._scalar_of(key)
        finally:
            library.c.EVP_PKEY_free(key)

    def _scalar_of(self, key: c_void_p) -> bytes:
        c, number = self._library.c, c_void_p()
        self._library.check(c.EVP_PKEY_get_bn_param(key, b"priv", byref(number)), "read a new key")
        buffer = ctypes.create_string_buffer(sm2.SCALAR_SIZE)
        try:
            if c.BN_bn2binpad(number, buffer, sm2.SCALAR_SIZE) != sm2.SCALAR_SIZE:
                raise self._library.failed("read a new key")
            return buffer.raw
        finally:
            c.BN_clear_free(number)
            ctypes.memset(buffer, 0, sm2.SCALAR_SIZE)

    def public_point(self, scalar: bytes) -> bytes:
        library, c = self._library, self._library.c
        with ExitStack() as stack:
            group = library.pointer(c.EC_GROUP_new_by_curve_name(_NID_SM2), "find the SM2 curve")
            stack.callback(c.EC_GROUP_free, group)
            point = library.pointer(c.EC_POINT_new(group), "make a point")
            stack.callback(c.EC_POINT_free, point)
            number = library.pointer(c.BN_bin2bn(scalar, len(scalar), None), "make a number")
            stack.callback(c.BN_clear_free, number)
            library.check(c.EC_POINT_mul(group, point, number, None, None, None), "derive a key")
            return self._encode_point(group, point)

    def _encode_point(self, group: c_void_p, point: c_void_p) -> bytes:
        buffer, size = ctypes.create_string_buffer(sm2.POINT_SIZE), sm2.POINT_SIZE
        form = _POINT_CONVERSION_UNCOMPRESSED
        if self._library.c.EC_POINT_point2oct(group, point, form, buffer, size, None) != size:
            raise self._library.failed("encode a point")
        return buffer.raw

    def load_public(self, point: bytes) -> _PublicHandle:
        return _PublicHandle(self._library, point)

    def load_private(self, scalar: bytes, point: bytes) -> _PrivateHandle:
        return _PrivateHandle(self._library, point, scalar)
