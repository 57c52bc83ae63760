"""What a key file says in the clear about the key it seals. It is authenticated together with the key."""

import base64
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from keys.errors import KeyStoreError
from verifier.algorithms import KeyAlgorithm, PublicKey
from verifier.errors import VerifierError

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9_-]|\.(?!\.)){0,63}", re.ASCII)


class KeyUsage(StrEnum):
    """What a key may be used for; a key has one or more of these, fixed when it is made.

    The last two are the purposes for which a key may leave the store, because another library needs the
    key itself: the TLS server of ours that holds it, and mitmproxy with its local CA.
    """

    SIGN = "sign"
    DECRYPT = "decrypt"
    TLS_SERVER = "tls-server"
    LOCAL_CA = "local-ca"


EXPORT_PURPOSES: Final = frozenset({KeyUsage.TLS_SERVER, KeyUsage.LOCAL_CA})


class KeyState(StrEnum):
    """Where a key is in its life; it only ever goes down this list."""

    ACTIVE = "active"  # does all that its usage allows
    RETIRED = "retired"  # signs nothing new; still decrypts what was encrypted to it
    DESTROYED = "destroyed"  # the private key is gone; what it was stays on record


@dataclass(frozen=True, slots=True)
class KeyHeader:
    """The public facts of a stored key."""

    name: str
    service: str
    algorithm: KeyAlgorithm
    usage: frozenset[KeyUsage]
    state: KeyState
    created_at: datetime
    public_key: PublicKey

    def with_state(self, state: KeyState) -> "KeyHeader":
        return replace(self, state=state)

    def encode(self) -> bytes:
        """JSON with sorted keys: readable in the file, and the same bytes every time."""
        fields = {
            "name": self.name,
            "service": self.service,
            "algorithm": self.algorithm,
            "usage": sorted(self.usage),
            "state": self.state,
            "created_at": self.created_at.astimezone(UTC).isoformat(),
            "public_key": base64.b64encode(self.public_key.spki).decode(),
        }
        return json.dumps(fields, sort_keys=True).encode()

    @classmethod
    def parse(cls, encoded: bytes) -> "KeyHeader":
        """Raises KeyStoreError. What it says is believed only once the seal has been opened with it."""
        try:
            fields = json.loads(encoded)
            return cls(
                name=check_name(fields["name"]),
                service=check_name(fields["service"]),
                algorithm=KeyAlgorithm(fields["algorithm"]),
                usage=frozenset(KeyUsage(usage) for usage in fields["usage"]),
                state=KeyState(fields["state"]),
                created_at=datetime.fromisoformat(fields["created_at"]),
                public_key=PublicKey.from_spki(base64.b64decode(fields["public_key"], validate=True)),
            )
        except (ValueError, KeyError, TypeError, RecursionError, VerifierError) as error:
            raise KeyStoreError(f"key file header: expected the fields of a key: {error}") from None


def check_name(name: object) -> str:
    """The name of a key or service. It becomes a file name, so nothing in it can leave its directory.

    Lower-case letters, digits, ``-``, ``_`` and single dots, at most 64, starting with a letter or digit.
    Raises KeyStoreError.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise KeyStoreError(
            f"key name {name!r}: expected at most 64 of a-z 0-9 _ - and single dots, a letter or digit first"
        )
    return name
