"""An SCT made and checked (RFC 6962 section 3.2)."""

from verifier.algorithms import PublicKey, Signer
from verifier.errors import InvalidSignature
from verifier.transparency import digitally_signed
from verifier.transparency.entries import Entry, signed_data
from verifier.transparency.sct import SignedCertificateTimestamp


def verify_sct(
    sct: SignedCertificateTimestamp, entry: Entry, key: PublicKey, codepoint: int | None = None
) -> None:
    """Check that the log with this key promised to include ``entry``. Raises ``InvalidSignature``.

    1. The SCT names this very log (section 3.2, LogID).
    2. It is signed with the one algorithm that the log's key allows (section 2.1.4), or under ``codepoint``
       where the log list says that the log writes that.
    3. The signature holds over version, timestamp, entry and extensions.

    The caller must still know the log and its state, that the SCT's time is not in the future (section 5.2),
    and in time that the entry was included.
    """
    if sct.log_id != key.key_id:
        raise InvalidSignature(f"SCT.log_id: expected the log {key.key_id.hex()}, got {sct.log_id.hex()}")
    data = signed_data(entry, sct.timestamp, sct.extensions)
    digitally_signed.verify(sct.digitally_signed, data, key, codepoint)


def sign_sct(
    entry: Entry, timestamp: int, extensions: bytes, signer: Signer, codepoint: int | None = None
) -> SignedCertificateTimestamp:
    """A log's promise to include ``entry``, given once the entry is safely stored.

    ``timestamp`` is in milliseconds since 1970. Raises ``UnsupportedAlgorithm`` for a key no log may have.
    """
    data = signed_data(entry, timestamp, extensions)
    signed = digitally_signed.sign(data, signer, codepoint)
    return SignedCertificateTimestamp(
        signer.public_key.key_id, timestamp, extensions, signed.code, signed.signature
    )
