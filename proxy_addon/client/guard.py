"""The one place through which bytes reach a TLS site: closed until a trusted verdict opens it."""

from typing import Final

from OpenSSL import SSL, crypto

from proxy_addon.connect.handshake import UpstreamHandshake
from proxy_addon.connect.tls import failure_reason
from verifier.judge.verdict import Verdict

BUFFER: Final = 65535


class GuardedConnection:
    """Stands where mitmproxy expects an ``SSL.Connection`` to a server, by the methods that it calls.

    Default deny: as long as no trusted verdict was recorded on this very object, ``sendall`` forwards
    nothing and ``recv`` gives nothing. So a hook that raises, an option that changes the layers or a
    reused connection cannot let a byte through. A second Certificate message closes it again.
    """

    def __init__(self, handshake: UpstreamHandshake) -> None:
        self.handshake = handshake
        self._ssl = handshake.ssl
        self._verdict: Verdict | None = None
        self.failure = ""  # OpenSSL's reason, in words

    def record(self, verdict: Verdict) -> None:
        """Record the verdict on this connection; a later one replaces it."""
        self._verdict = verdict

    @property
    def verdict(self) -> Verdict | None:
        """The verdict in force, or None before there is one."""
        return self._verdict

    @property
    def is_open(self) -> bool:
        """Tell whether application data may pass."""
        return (
            self._verdict is not None
            and self._verdict.trusted
            and self.handshake.transcript.certificate_messages == 1
        )

    def recv(self, size: int) -> bytes:
        """Give decrypted data if trusted; wait for the verdict, or act as closed after a refusal."""
        if self.is_open:
            return self._ssl.recv(size)
        if self._verdict is None:
            raise SSL.WantReadError
        raise SSL.ZeroReturnError

    def sendall(self, data: bytes) -> int:
        """Encrypt data if trusted; otherwise act as a closed connection."""
        if not self.is_open:
            raise SSL.ZeroReturnError
        return self._ssl.sendall(data)

    def do_handshake(self) -> None:
        """Go on with the handshake; the reason of a failure is kept."""
        try:
            self._ssl.do_handshake()
        except SSL.WantReadError:
            raise
        except SSL.Error as error:
            self.failure = failure_reason(error)
            raise

    def bio_write(self, data: bytes) -> int:
        return self.handshake.bio_write(data)

    def bio_read(self, size: int) -> bytes:
        return self._ssl.bio_read(size)

    def shutdown(self) -> bool:
        return self._ssl.shutdown()

    def get_shutdown(self) -> int:
        """A refusal has already been told to the layers above as the end of the connection."""
        if self._verdict is not None and not self.is_open:
            return int(SSL.RECEIVED_SHUTDOWN)
        return self._ssl.get_shutdown()

    def get_peer_cert_chain(self) -> list[crypto.X509] | None:
        return self._ssl.get_peer_cert_chain()

    def get_peer_certificate(self) -> crypto.X509 | None:
        return self._ssl.get_peer_certificate()

    def get_alpn_proto_negotiated(self) -> bytes:
        return self._ssl.get_alpn_proto_negotiated()

    def get_cipher_name(self) -> str | None:
        return self._ssl.get_cipher_name()

    def get_protocol_version_name(self) -> str:
        return self._ssl.get_protocol_version_name()
