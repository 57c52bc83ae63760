"""What the peer's handshake messages say that OpenSSL's interface does not hand out.

OpenSSL shows every handshake message to a callback after it has decrypted it. From there come the
certificates exactly as sent, the SCT list of the TLS extension (RFC 6962 section 3.3; in TLS 1.2 in the
ServerHello, in TLS 1.3 in the leaf's CertificateEntry), stapled OCSP responses (RFC 6066 section 8, RFC 8446
section 4.4.2.1; those of intermediates too) and the scheme of the handshake signature.
"""

from dataclasses import dataclass
from enum import IntEnum

TLS_1_3 = 0x0304
HEADER = 4  # type and length of a handshake message, RFC 8446 section 4
SCT_EXTENSION = 18  # signed_certificate_timestamp, RFC 6962 section 3.3.1
STATUS_EXTENSION = 5  # status_request, RFC 6066 section 8
STATUS_TYPE_OCSP = 1
MAX_MESSAGE = 1 << 18  # no certificate message of a real site comes near 256 KiB

_SIGNATURE_SCHEMES = {
    0x0708: "sm2sig_sm3",
    0x0403: "ecdsa_secp256r1_sha256",
    0x0503: "ecdsa_secp384r1_sha384",
    0x0603: "ecdsa_secp521r1_sha512",
    0x0804: "rsa_pss_rsae_sha256",
    0x0805: "rsa_pss_rsae_sha384",
    0x0806: "rsa_pss_rsae_sha512",
    0x0809: "rsa_pss_pss_sha256",
    0x080A: "rsa_pss_pss_sha384",
    0x080B: "rsa_pss_pss_sha512",
    0x0401: "rsa_pkcs1_sha256",
    0x0501: "rsa_pkcs1_sha384",
    0x0601: "rsa_pkcs1_sha512",
    0x0807: "ed25519",
}


class _Message(IntEnum):
    """Handshake message types, RFC 8446 section 4."""

    SERVER_HELLO = 2
    CERTIFICATE = 11
    SERVER_KEY_EXCHANGE = 12
    CERTIFICATE_VERIFY = 15
    CERTIFICATE_STATUS = 22


class _Short(Exception):
    """A length in a message points past its end."""


class _Reader:
    """Reads the vectors of the TLS presentation language from one message."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        if self._at + count > len(self._data):
            raise _Short
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width))

    def vector(self, width: int) -> bytes:
        return self.take(self.number(width))

    @property
    def more(self) -> bool:
        return self._at < len(self._data)


@dataclass(slots=True)
class Transcript:
    """Collects from one connection's incoming handshake messages; never raises on what they hold."""

    chain: tuple[bytes, ...] = ()
    tls_scts: bytes | None = None
    stapled_ocsp: bytes | None = None
    stapled_others: tuple[bytes, ...] = ()
    signature_scheme: str = ""
    certificate_messages: int = 0

    def receive(self, version: int, message: bytes) -> None:
        """Take one message from the peer: 4 bytes of header, then its body (RFC 8446 section 4)."""
        if not HEADER <= len(message) <= MAX_MESSAGE:
            return
        reader = _Reader(message[HEADER:])
        try:
            match message[0], version == TLS_1_3:
                # Before it is processed OpenSSL does not know its version; in TLS 1.3 it carries no SCTs.
                case _Message.SERVER_HELLO, _:
                    self._server_hello(reader)
                case _Message.CERTIFICATE, True:
                    self._certificate_13(reader)
                case _Message.CERTIFICATE, False:
                    self._certificate_12(reader)
                case _Message.SERVER_KEY_EXCHANGE, False:
                    self._server_key_exchange(reader)
                case _Message.CERTIFICATE_STATUS, False:
                    self.stapled_ocsp = _ocsp(reader)
                case _Message.CERTIFICATE_VERIFY, True:
                    self._scheme(reader.number(2))
                case _:
                    pass
        except _Short:
            # OpenSSL refuses a malformed message itself; what it did not show here counts as not sent.
            return

    def _server_hello(self, reader: _Reader) -> None:
        reader.take(2 + 32)  # version, random
        reader.vector(1)  # session id
        reader.take(2 + 1)  # cipher suite, compression method
        if reader.more:
            self.tls_scts = _extensions(reader.vector(2)).get(SCT_EXTENSION)

    def _certificate_12(self, reader: _Reader) -> None:
        entries, chain = _Reader(reader.vector(3)), []
        self.certificate_messages += 1
        while entries.more:
            chain.append(entries.vector(3))
        self.chain = tuple(chain)

    def _certificate_13(self, reader: _Reader) -> None:
        reader.vector(1)  # certificate_request_context
        entries = _Reader(reader.vector(3))
        chain: list[bytes] = []
        self.certificate_messages += 1
        while entries.more:
            certificate, extensions = entries.vector(3), _extensions(entries.vector(2))
            status = extensions.get(STATUS_EXTENSION)
            stapled = _ocsp(_Reader(status)) if status is not None else None
            if not chain:
                self.tls_scts, self.stapled_ocsp = extensions.get(SCT_EXTENSION), stapled
            elif stapled is not None:
                self.stapled_others += (stapled,)
            chain.append(certificate)
        self.chain = tuple(chain)

    def _server_key_exchange(self, reader: _Reader) -> None:
        """ServerKeyExchange of an ECDHE suite, the only ones we offer (RFC 8422 section 5.4)."""
        reader.take(1 + 2)  # named_curve, the curve
        reader.vector(1)  # the server's point
        self._scheme(reader.number(2))

    def _scheme(self, code: int) -> None:
        self.signature_scheme = _SIGNATURE_SCHEMES.get(code, f"0x{code:04x}")


def _extensions(data: bytes) -> dict[int, bytes]:
    """Return a list of extensions by their type."""
    reader = _Reader(data)
    found: dict[int, bytes] = {}
    while reader.more:
        kind = reader.number(2)
        found[kind] = reader.vector(2)
    return found


def _ocsp(reader: _Reader) -> bytes | None:
    """Read a CertificateStatus: the OCSPResponse in it, if it is one."""
    return reader.vector(3) if reader.number(1) == STATUS_TYPE_OCSP else None
