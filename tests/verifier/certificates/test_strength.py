"""Keys and signatures that are too weak."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from verifier.certificates import Certificate, Path, weaknesses


def rsa_certificate(ecc, bits, digest):
    key = rsa.generate_private_key(65537, bits)
    name = ecc.name(f"RSA {bits}")
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, ecc.now, ecc.now)
    return Certificate.parse(builder.sign(key, digest).public_bytes(Encoding.DER))


def test_sound_path(pki):
    root = pki.root()
    assert weaknesses(Path((pki.leaf(root).certificate, root.certificate))) == ()


def test_short_rsa_keys(ecc):
    root = ecc.root().certificate
    short = rsa_certificate(ecc, 1024, hashes.SHA256())
    assert "RSA 1024 has an RSA key of 1024 bits, fewer than 2048" in weaknesses(Path((short, root)))
    assert weaknesses(Path((root, short))) != ()  # the anchor's key counts as well
    assert weaknesses(Path((rsa_certificate(ecc, 2048, hashes.SHA256()), root))) == ()


def test_broken_hashes_below_the_anchor(ecc):
    root = ecc.root().certificate
    sound = rsa_certificate(ecc, 2048, hashes.SHA256())
    sha1 = Certificate.parse(sound.der.replace(_oid("2a864886f70d01010b"), _oid("2a864886f70d010105")))
    assert weaknesses(Path((sha1, root))) == ("RSA 2048 is signed with SHA-1, which can be forged",)
    assert weaknesses(Path((root, sha1))) == ()  # an anchor's own signature proves nothing and is not used
    md5 = Certificate.parse(sha1.der.replace(_oid("2a864886f70d010105"), _oid("2a864886f70d010104")))
    assert weaknesses(Path((md5, root))) == ("RSA 2048 is signed with MD5 with RSA, which can be forged",)
    odd = Certificate.parse(sha1.der.replace(_oid("2a864886f70d010105"), _oid("2a864886f70d01017f")))
    assert "algorithm 1.2.840.113549.1.1.127" in weaknesses(Path((odd, root)))[0]


def _oid(contents: str) -> bytes:
    return b"\x06\x09" + bytes.fromhex(contents)
