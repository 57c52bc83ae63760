"""The TLS that we speak upstream: RFC 8998 first, then ECC and RSA, over memory buffers.

Nothing here decides whether a site is trusted: OpenSSL's own verification is off, because
``verifier.judge`` looks at the evidence with more to check. OpenSSL still proves that the peer holds the
key of the certificate it sent.
"""

import ipaddress
from collections.abc import Iterable
from typing import Any
from weakref import WeakValueDictionary

from OpenSSL import SSL
from OpenSSL._util import ffi, lib

from proxy_addon.connect.transcript import SCT_EXTENSION, Transcript
from proxy_addon.errors import ProxyError

# pyOpenSSL has no public call for groups, signature algorithms, extensions and messages.
_lib: Any = lib
_ffi: Any = ffi

# RFC 8998 first. The rest is what TLS 1.3 and 1.2 servers of today sign with.
SIGNATURE_ALGORITHMS = (
    "sm2sig_sm3:ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ed25519:"
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
    "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
    "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512"
)
# A star sends a key share at once, so that neither an SM2 site nor an ordinary one costs a round trip more.
GROUPS = "*curveSM2MLKEM768:*curveSM2:*X25519MLKEM768:*X25519:P-256:P-384:P-521"
TLS13_SUITES = (
    "TLS_SM4_GCM_SM3:TLS_SM4_CCM_SM3:"
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
)
# The AEAD suites with forward secrecy of TLS 1.2, and the CBC ones that old public sites still need.
TLS12_SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA"
)
HANDSHAKE = 22  # ContentType, RFC 8446 section 5.1
STATUS_TYPE_OCSP = 1  # RFC 6066 section 8


class Upstream:
    """Makes client connections that offer SM2 and remember what the peer's handshake said.

    One per process part that needs it: making an OpenSSL context costs more than a connection.
    """

    def __init__(self) -> None:
        self._transcripts: WeakValueDictionary[int, _Kept] = WeakValueDictionary()
        # The callbacks must live as long as the context that calls them.
        self._on_message = _ffi.callback("void(int, int, int, void *, size_t, SSL *, void *)", self._message)
        self._on_request = _ffi.callback(
            "int(SSL *, unsigned int, unsigned char **, size_t *, int *, void *)", _request_empty
        )
        self._on_answer = _ffi.callback(
            "int(SSL *, unsigned int, unsigned char *, size_t, int *, void *)", _accept_any
        )
        self._context = self._make_context()

    def _make_context(self) -> SSL.Context:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_verify(SSL.VERIFY_NONE, _accept_chain)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        # A renegotiation could put another certificate under a verdict that was given to the first one.
        context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        context.set_cipher_list(TLS12_SUITES.encode())
        context.set_tls13_ciphersuites(TLS13_SUITES.encode())
        native = context._context  # noqa: SLF001  no public accessor
        made = (
            _lib.SSL_CTX_set1_sigalgs_list(native, SIGNATURE_ALGORITHMS.encode()) == 1
            and _lib.SSL_CTX_set1_curves_list(native, GROUPS.encode()) == 1
            and _lib.SSL_CTX_add_client_custom_ext(
                native, SCT_EXTENSION, self._on_request, _ffi.NULL, _ffi.NULL, self._on_answer, _ffi.NULL
            )
            == 1
        )
        if not made:
            raise ProxyError(
                "this installation's OpenSSL cannot speak TLS with SM2 (RFC 8998): install the "
                "cryptography package as released on PyPI, version 46 or later."
            )
        _lib.SSL_CTX_set_msg_callback(native, self._on_message)
        return context

    def _message(  # noqa: PLR0917  the shape of OpenSSL's callback
        self, written: int, version: int, content: int, buffer: Any, length: int, ssl: Any, _argument: Any
    ) -> None:
        if written or content != HANDSHAKE:
            return
        kept = self._transcripts.get(int(_ffi.cast("intptr_t", ssl)))
        if kept is not None:
            kept.transcript.receive(version, bytes(_ffi.buffer(buffer, length)))

    def connection(self, server_name: str, alpn: Iterable[bytes] = ()) -> tuple[SSL.Connection, Transcript]:
        """Return a client connection over memory buffers, ready for do_handshake, and its transcript.

        ``server_name`` goes into the SNI extension unless it is an IP address (RFC 6066 section 3).
        """
        connection = SSL.Connection(self._context, None)
        ssl = connection._ssl  # noqa: SLF001
        kept = _Kept()
        self._transcripts[int(_ffi.cast("intptr_t", ssl))] = kept
        connection.set_app_data(kept)  # one life with the connection
        if not _is_address(server_name):
            connection.set_tlsext_host_name(_ascii(server_name))
        _lib.SSL_set_tlsext_status_type(ssl, STATUS_TYPE_OCSP)
        offered = list(alpn)
        if offered:
            connection.set_alpn_protos(offered)
        connection.set_connect_state()
        return connection, kept.transcript


class _Kept:
    """Holds a transcript for as long as its connection lives."""

    __slots__ = ("__weakref__", "transcript")

    def __init__(self) -> None:
        self.transcript = Transcript()


def group_name(connection: SSL.Connection) -> str:
    """Return the negotiated key-exchange group as OpenSSL names it, or an empty string."""
    name = _lib.SSL_get0_group_name(connection._ssl)  # noqa: SLF001
    return "" if name == _ffi.NULL else _ffi.string(name).decode("ascii", "replace")


def failure_reason(error: SSL.Error) -> str:
    """Say OpenSSL's reason for a failed handshake in words."""
    reasons = [str(entry[-1]) for entry in (error.args[0] if error.args else ()) if entry and entry[-1]]
    return "; ".join(dict.fromkeys(reasons)) or str(error) or "the connection was closed during the handshake"


def looks_like_tls(first: bytes) -> bool:
    """Tell whether a server's first bytes can begin a TLS answer: a handshake or alert record."""
    return first[:1] in {b"\x15", b"\x16"} and first[1:2] in {b"\x03", b""}


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _ascii(name: str) -> bytes:
    """Return a host name as DNS has it; raises UnicodeError for what cannot be one."""
    return name.encode("ascii") if name.isascii() else name.encode("idna")


def _accept_chain(*_arguments: object) -> bool:
    return True


def _request_empty(_ssl: Any, _kind: int, out: Any, length: Any, _alert: Any, _argument: Any) -> int:
    out[0], length[0] = _ffi.NULL, 0
    return 1


def _accept_any(_ssl: Any, _kind: int, _data: Any, _length: int, _alert: Any, _argument: Any) -> int:
    return 1
