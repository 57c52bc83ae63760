"""What proves who sent a webhook and when, as the Standard Webhooks specification has it.

Every signature is over id "." timestamp "." body, and the header has one for each way to check it:

- ``v1``: HMAC-SHA-256 with a secret that the receiver shares, where the webhook has one;
- ``v1a``: Ed25519 by this service's key, so that the receiver holds no secret;
- ``v1sm2``: SM2-with-SM3 by this service's key, in DER: a version of our own. Receivers pass over those that
  they do not know.
"""

import base64
import hmac
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from monitor.watching.channel import NotDelivered
from verifier.algorithms import KeyAlgorithm, PublicKey, Signer
from verifier.transparency.raw_ed25519 import to_raw

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- no secret: what stands before one
PUBLIC_PREFIX: Final = "whpk_"
SECRET_BYTES: Final = (24, 64)  # Standard Webhooks, "Symmetric"
VERSIONS: Final[Mapping[KeyAlgorithm, str]] = {KeyAlgorithm.ED25519: "v1a", KeyAlgorithm.SM2: "v1sm2"}
"""By the algorithm of a key, what its signatures are called."""


def signed_headers(
    notice_id: str, body: bytes, now: datetime, *, secret: bytes | None, signers: Sequence[Signer]
) -> dict[str, str]:
    """Return the headers that prove who sent ``body`` and when. The id stays the same in every attempt.

    Raises NotDelivered where there is nothing to sign with.
    """
    timestamp = str(int(now.timestamp()))
    signed = b".".join([notice_id.encode(), timestamp.encode(), body])
    signatures = list(_signatures(signed, secret, signers))
    if not signatures:
        raise NotDelivered("there is neither a secret nor a key to sign with")
    return {
        "webhook-id": notice_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def _signatures(signed: bytes, secret: bytes | None, signers: Sequence[Signer]) -> Iterator[str]:
    if secret is not None:
        yield _line("v1", hmac.digest(secret, signed, "sha256"))
    for signer in signers:
        yield _line(VERSIONS[signer.public_key.algorithm], signer.sign(signed))


def _line(version: str, signature: bytes) -> str:
    return f"{version},{base64.b64encode(signature).decode()}"


def public_text(key: PublicKey) -> str:
    """Return an Ed25519 key as receivers' libraries take it."""
    return PUBLIC_PREFIX + base64.b64encode(to_raw(key)).decode()


def read_secret(path: Path) -> bytes:
    """Return the secret in ``path``, which only its owner may read. Raises NotDelivered."""
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise NotDelivered(f"{path} can be read by others: expected mode 0600")
            text = file.read(1024).decode("ascii").strip()
        secret = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except OSError as error:
        raise NotDelivered(f"could not read the secret file {path}: {error.strerror}") from None
    except ValueError:
        raise NotDelivered(f"{path}: expected {SECRET_PREFIX} and base64") from None
    if not SECRET_BYTES[0] <= len(secret) <= SECRET_BYTES[1]:
        raise NotDelivered(f"{path}: expected {SECRET_BYTES[0]} to {SECRET_BYTES[1]} bytes in base64")
    return secret
