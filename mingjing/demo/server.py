"""The demo's three listeners: dual-certificate TLS, ECC-only TLS, and cleartext HTTP.

Many sites share the dual listener; the name in the ClientHello (SNI) chooses the certificates.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from cheroot import wsgi
from cheroot.ssl.pyopenssl import pyOpenSSLAdapter
from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL

from mingjing.demo.hosts import HOST
from mingjing.demo.sites import SITES, Listener

SIGNATURE_ALGORITHMS = b"sm2sig_sm3:ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256"
GROUPS = b"curveSM2/X25519:P-256"  # the slash: curveSM2 first even where it costs another round trip
SUITES = b"TLS_SM4_GCM_SM3:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"

lib: Any = Binding.lib  # the OpenSSL that pyOpenSSL itself uses

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{host}</title>
<style>body{{font:1.1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:12vh auto;padding:0 1.5rem;
color-scheme:light dark}}a{{color:LinkText}}</style></head>
<body><h1>{host}</h1><p>{what}</p>
<p><a href="http://verifier.mingjing/">Why it is trusted</a> ·
<a href="{search}">Its certificate in the public logs</a></p></body></html>
"""


def context(folder: Path, algorithms: Iterable[str]) -> SSL.Context:
    """Return a TLS server context with the certificates of ``algorithms`` ("sm2", "ecc") in ``folder``."""
    made = SSL.Context(SSL.TLS_SERVER_METHOD)
    made.set_min_proto_version(SSL.TLS1_2_VERSION)
    raw = made._context  # noqa: SLF001  pyOpenSSL has no public call for these two lists
    if lib.SSL_CTX_set1_sigalgs_list(raw, SIGNATURE_ALGORITHMS) != 1:
        raise RuntimeError("this OpenSSL does not know sm2sig_sm3")
    if lib.SSL_CTX_set1_curves_list(raw, GROUPS) != 1:
        raise RuntimeError("this OpenSSL does not know curveSM2")
    made.set_tls13_ciphersuites(SUITES)
    for algorithm in algorithms:
        made.use_certificate_chain_file(str(folder / f"{algorithm}.chain.pem"))
        made.use_privatekey_file(str(folder / f"{algorithm}.key"))
    return made


def choose_by_name(contexts: Mapping[str, SSL.Context], default: str) -> SSL.Context:
    """Return the context of ``default``, which hands over to another site's when the client names it."""

    def choose(connection: SSL.Connection) -> None:
        name = (connection.get_servername() or b"").decode("ascii", "replace")
        if name in contexts:
            connection.set_context(contexts[name])

    contexts[default].set_tlsext_servername_callback(choose)
    return contexts[default]


def application(public_url: str) -> Callable[..., Iterable[bytes]]:
    """Return the WSGI application that says which demo site was reached."""
    what = {site.host: site.what for site in SITES}

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        host = str(environ.get("HTTP_HOST", "")).partition(":")[0]
        body = _PAGE.format(
            host=escape(host),
            what=escape(what.get(host, "unknown")),
            search=escape(f"{public_url}/search?q={host}"),
        ).encode()
        start_response(
            "200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))]
        )
        return [body]

    return answer


def listeners(sites: Path, ports: Mapping[Listener, int], public_url: str) -> list[wsgi.Server]:
    """Return the three servers, not started yet; ``sites`` holds one folder of certificates a host."""
    dual = {s.host: context(sites / s.label, ("sm2", "ecc")) for s in SITES if s.listener is Listener.DUAL}
    ecc = next(site for site in SITES if site.listener is Listener.ECC)
    contexts = {
        Listener.DUAL: choose_by_name(dual, "good.mingjing.test"),
        Listener.ECC: context(sites / ecc.label, ("ecc",)),
        Listener.CLEARTEXT: None,
    }
    return [_server(ports[listener], contexts[listener], public_url) for listener in Listener]


def _server(port: int, tls: SSL.Context | None, public_url: str) -> wsgi.Server:
    server = wsgi.Server((HOST, port), application(public_url), numthreads=6, server_name="mingjing-demo")
    server.shutdown_timeout = 1
    if tls is not None:
        adapter = pyOpenSSLAdapter("", "")
        adapter.context = tls
        server.ssl_adapter = adapter
    return server


def serve(servers: list[wsgi.Server]) -> None:
    """Run all servers until KeyboardInterrupt."""
    for server in servers:
        server.prepare()
    threads = [threading.Thread(target=server.serve, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            threads[0].join(0.5)
    finally:
        for server in servers:
            server.stop()
