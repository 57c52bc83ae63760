"""The authority over https: revocation answers; its certificate is one of our own SSL CA."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mingjing.config import Config, replace_file
from mingjing.initialise import TLS_KEYS
from mingjing.output import step
from mingjing.rooms import authority, key_store, room_errors
from mingjing.serving import serve

if TYPE_CHECKING:
    import ssl

CHAIN_FILE = Path("authority") / "tls-ecc.chain.pem"
RENEW_BEFORE = timedelta(days=30)


def run(data: Path, settings: Config) -> None:
    """Serve until SIGTERM."""
    from web.authority import create_app

    with room_errors(), authority(data, settings) as opened:
        serve(create_app(opened), settings.listen.host, settings.listen.authority, tls=_tls(data))


def ensure_certificate(data: Path, settings: Config) -> None:
    """Issue the authority's own dual certificate, for the domain and this machine, unless it has one."""
    from issuer.authority import IssueRequest, SubscriberKeys

    if not _is_due(data / CHAIN_FILE):
        return
    keys = key_store(data, "authority")
    first, second = (keys.open(name).public_key for name in TLS_KEYS)
    names = (settings.domain, "localhost", "127.0.0.1")
    with room_errors(), step("Issuing the authority's own certificate"), authority(data, settings) as opened:
        certified = opened.certify(IssueRequest(names=names), SubscriberKeys(first, second))
    (data / CHAIN_FILE).parent.mkdir(exist_ok=True)
    for name, member in zip(TLS_KEYS, (certified.first, certified.second), strict=True):
        chain = "".join(certificate.pem for certificate in member.chain)
        replace_file(data / "authority" / f"{name}.chain.pem", chain.encode())


def _is_due(path: Path) -> bool:
    from verifier.certificates import load_pem_chain

    if not path.exists():
        return True
    return load_pem_chain(path.read_bytes())[0].not_after < datetime.now(UTC) + RENEW_BEFORE


def _tls(data: Path) -> "ssl.SSLContext":
    """Return the context with certificate and key; the key is in memory only, in a file without a name."""
    import ssl

    key = key_store(data, "authority").open("tls-ecc").export_pkcs8("tls-server")
    pem = ssl.DER_cert_to_PEM_cert(key).replace("CERTIFICATE", "PRIVATE KEY").encode()
    descriptor = os.memfd_create("authority-tls", os.MFD_CLOEXEC)
    os.write(descriptor, (data / CHAIN_FILE).read_bytes() + pem)
    path = f"/proc/self/fd/{descriptor}"
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context
