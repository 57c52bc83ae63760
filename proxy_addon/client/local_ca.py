"""The local CA: what the browser trusts instead of the sites' own certificates, on this machine only.

Its key lies sealed in the key store and goes from there into mitmproxy's memory; mitmproxy's own way, a
key in a plain file, is not used. Browsers see its certificate at ``data/proxy/ca.pem``.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys import FileKeyStore, KeyStoreError, KeyUsage
from keys.files import replace_file
from proxy_addon.errors import SettingsError
from verifier.algorithms import KeyAlgorithm

KEY_NAME: Final = "local-ca"
LIFETIME: Final = timedelta(days=5 * 365)
BACKDATE: Final = timedelta(days=1)  # a browser's clock may be a little behind


def create_local_ca(data: Path) -> Path:
    """Make the local CA of a data directory unless it has one; return the path of its certificate."""
    path = data / "proxy" / "ca.pem"
    store = FileKeyStore.create(data / "keys", "proxy")
    if store.exists(KEY_NAME) and path.exists():
        return path
    if not store.exists(KEY_NAME):
        store.generate(KEY_NAME, KeyAlgorithm.ECDSA, usage=KeyUsage.LOCAL_CA)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, _self_signed(_private_key(store)).public_bytes(serialization.Encoding.PEM))
    return path


def load_local_ca(data: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Open the local CA; raises SettingsError when the directory has none or its halves do not match."""
    path = data / "proxy" / "ca.pem"
    try:
        key = _private_key(FileKeyStore(data / "keys", "proxy"))
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (KeyStoreError, OSError) as error:
        raise SettingsError(
            f"could not open the proxy's local CA: {error}. `mingjing init --data {data}` makes one."
        ) from None
    if certificate.public_key() != key.public_key():
        raise SettingsError(
            f"{path} does not belong to the key in {data}/keys/proxy: remove it and run init."
        )
    return key, certificate


def _private_key(store: FileKeyStore) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_der_private_key(store.open(KEY_NAME).export_pkcs8(KeyUsage.LOCAL_CA), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SettingsError("the proxy's local CA key is not an elliptic-curve key")
    return key


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([
        x509.NameAttribute(NameOID.COMMON_NAME, "mingjing verifier on this machine"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "mingjing local CA"),
    ])
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509
        .CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
