"""One upstream handshake, without sockets: bytes in, bytes out, evidence at the end."""

from OpenSSL import SSL

from proxy_addon.connect import tls
from verifier.judge.evidence import Evidence, Handshake

FIRST_BYTES = 16  # enough to tell TLS from anything else


class UpstreamHandshake:
    """A client connection to one host, and what was seen of the server.

    ``ssl`` is the connection itself; feed it through ``bio_write`` so that the first bytes are kept.
    """

    def __init__(self, upstream: tls.Upstream, host: str, port: int, alpn: tuple[bytes, ...] = ()) -> None:
        self.host = host
        self.port = port
        self.ssl, self.transcript = upstream.connection(host, alpn)
        self.first = b""

    def bio_write(self, data: bytes) -> int:
        """Take bytes from the server."""
        if len(self.first) < FIRST_BYTES:
            self.first += data[: FIRST_BYTES - len(self.first)]
        return self.ssl.bio_write(data)

    def established(self) -> Evidence:
        """Return the evidence of a finished handshake; revocation answers are added later."""
        return Evidence(
            host=self.host,
            port=self.port,
            handshake=Handshake.ESTABLISHED,
            protocol=self.ssl.get_protocol_version_name(),
            cipher=self.ssl.get_cipher_name() or "",
            group=tls.group_name(self.ssl),
            signature_scheme=self.transcript.signature_scheme,
            alpn=self.ssl.get_alpn_proto_negotiated().decode("ascii", "replace"),
            chain=self.transcript.chain,
            tls_scts=self.transcript.tls_scts,
            stapled_ocsp=self.transcript.stapled_ocsp,
            ocsp_responses=self.transcript.stapled_others,
        )

    def failed(self, reason: str) -> Evidence:
        """Return the evidence of a handshake that ended before it was finished."""
        if self.first and not tls.looks_like_tls(self.first):
            return cleartext(self.host, self.port)
        return Evidence(host=self.host, port=self.port, handshake=Handshake.FAILED, failure=reason)

    @property
    def answered(self) -> bool:
        """Tell whether the server has sent anything at all."""
        return bool(self.first)


def cleartext(host: str, port: int) -> Evidence:
    """Return the evidence of a server that speaks without TLS."""
    return Evidence(
        host=host, port=port, handshake=Handshake.CLEARTEXT, failure="the server answered without encryption"
    )


def reason(error: SSL.Error) -> str:
    """Say why a handshake failed."""
    return tls.failure_reason(error)
