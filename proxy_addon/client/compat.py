"""Where mitmproxy itself must bend: each change with its reason, and refused loudly if it no longer fits."""

import ipaddress
import types
from collections.abc import Callable, Iterable
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from mitmproxy import certs, connection, http, tls
from mitmproxy.addons import tlsconfig
from mitmproxy.net.http import http1
from mitmproxy.proxy.layers import http as http_layer
from mitmproxy.proxy.layers.http import _http1

from proxy_addon.client.pages import HEADER
from proxy_addon.errors import ProxyError
from verifier.certificates.certificate import Certificate
from verifier.errors import VerifierError

_CERTIFICATE_OPTIONS = {"certs", "confdir", "key_size", "cert_passphrase"}


class GuardedTlsConfig(tlsconfig.TlsConfig):
    """mitmproxy's own TLS addon, with our local CA and without a way upstream.

    It never makes an upstream connection object: when our hook fails there is none, and mitmproxy closes
    the connection. It never touches a certificate store on disk.
    """

    name = "tlsconfig"  # other addons look it up by this

    def tls_start_server(self, tls_start: tls.TlsData) -> None:
        """Leave this to the guard."""

    def configure(self, updated: Iterable[str]) -> None:
        configure: Any = super().configure  # untyped in mitmproxy
        configure(set(updated) - _CERTIFICATE_OPTIONS)

    def running(self) -> None:
        """Keep our certificate store, where mitmproxy would read its own again."""


class UnignorableClientHello(tls.ClientHelloData):
    """A ClientHello whose connection no addon, called before or after ours, can have passed on unread."""

    @property
    def ignore_connection(self) -> bool:
        return False

    @ignore_connection.setter
    def ignore_connection(self, _value: bool) -> None:
        return


def take_over_tls(
    config: tlsconfig.TlsConfig, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> None:
    """Turn mitmproxy's TLS addon into the guarded one, with the local CA in memory."""
    # mitmproxy types the key as RSA; it signs with any key that cryptography knows.
    authority: Any = key
    config.certstore = certs.CertStore(
        default_privatekey=authority,
        default_ca=certs.Cert(certificate),
        default_chain_file=None,
        default_crl=certs.dummy_crl(authority, certificate),
        dhparams=None,  # type: ignore[arg-type]  # no finite-field Diffie-Hellman towards the browser
    )
    config.__class__ = GuardedTlsConfig


def give_name_back(server: connection.Server, address: connection.Address) -> None:
    """Put a server's own name and port where the address that was connected to stands.

    mitmproxy forbids this on an open connection, lest somebody thinks that it moves the connection. Here
    the name is what requests are compared with and what people see; ``peername`` keeps the address.
    """
    object.__setattr__(server, "address", address)


def make_certificates_readable() -> None:
    """Let mitmproxy show certificates that cryptography cannot read whole.

    cryptography raises for SM2 keys (UnsupportedAlgorithm) and for SCTs signed with SM2 (ValueError, hash
    algorithm 7), the latter whenever any extension is asked for. Either breaks mitmweb's flow list and the
    console's detail view for every SM2 site (mitmproxy/tools/web/app.py, tools/console/flowdetailview.py).
    Where mitmproxy's own reading fails, our parser answers.
    """
    replacements: dict[str, Callable[[Certificate], Any]] = {
        "keyinfo": lambda parsed: (parsed.public_key.algorithm.upper(), parsed.public_key.bits),
        "altnames": _general_names,
        "is_ca": lambda parsed: parsed.is_ca,
        "crl_distribution_points": lambda parsed: list(parsed.crl_urls),
    }
    for name, answer in replacements.items():
        found: Any = certs.Cert.__dict__[name]
        if not getattr(found.fget, "falls_back", False):
            setattr(certs.Cert, name, property(_with_fallback(found.fget, answer, _UNREADABLE[name])))


_UNREADABLE: dict[str, Any] = {
    "keyinfo": ("unknown", -1),
    "altnames": x509.GeneralNames([]),
    "is_ca": False,
    "crl_distribution_points": [],
}


def _with_fallback(
    original: Callable[[certs.Cert], Any], answer: Callable[[Certificate], Any], unreadable: Any
) -> Callable[[certs.Cert], Any]:
    def read(self: certs.Cert) -> Any:
        try:
            return original(self)
        except (UnsupportedAlgorithm, ValueError):
            try:
                return answer(Certificate.parse(self.to_cryptography().public_bytes(Encoding.DER)))
            except VerifierError:
                return unreadable

    read.falls_back = True  # type: ignore[attr-defined]  # marks the change, so that it is made once
    return read


def _general_names(parsed: Certificate) -> x509.GeneralNames:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in parsed.dns_names]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in parsed.ip_addresses]
    return x509.GeneralNames(names)


def mark_early_errors(verdict_header: str) -> None:
    """Put our header on the answer to a request that mitmproxy cannot even parse; no hook sees that one."""
    original: Callable[..., bytes] = _http1.make_error_response
    if getattr(original, "marked", False):
        return

    def make_error_response(status_code: int, message: str = "") -> bytes:
        response = http.Response.make(
            status_code,
            f"{status_code}: {message}\n",
            {"Content-Type": "text/plain; charset=utf-8", "Connection": "close", HEADER: verdict_header},
        )
        assemble: Callable[[http.Response], bytes] = http1.assemble_response
        return assemble(response)

    make_error_response.marked = True  # type: ignore[attr-defined]  # marks the change, so that it is made once
    _http1.make_error_response = make_error_response


def use_stream(stream: type[http_layer.HttpStream]) -> None:
    """Let mitmproxy's HTTP layer make our streams; raises ProxyError where it would not."""
    make_stream: Any = http_layer.HttpLayer.make_stream
    if not isinstance(make_stream, types.FunctionType) or "HttpStream" not in make_stream.__code__.co_names:
        raise ProxyError("this version of mitmproxy makes its HTTP streams in a way that is not known here")
    http_layer.HttpStream = stream  # type: ignore[misc]  # looked up by name in HttpLayer.make_stream
