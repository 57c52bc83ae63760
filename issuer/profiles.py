"""The hierarchy and the kinds of certificates, as data. A new CA or a new kind is a new row.

An Email CA, say, is two CaProfile rows and one LeafProfile row; no code changes.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from issuer.x509 import oids
from verifier.algorithms import KeyAlgorithm, PrivateKey

YEAR: Final = dt.timedelta(days=365)


@dataclass(frozen=True)
class KeyProfile:
    """The kind of key: `bits` is for RSA, `curve` for ECDSA."""

    algorithm: KeyAlgorithm
    bits: int = 2048
    curve: str = "P-256"

    def generate(self) -> PrivateKey:
        return PrivateKey.generate(self.algorithm, bits=self.bits, curve=self.curve)


SM2: Final = KeyProfile(KeyAlgorithm.SM2)
P256: Final = KeyProfile(KeyAlgorithm.ECDSA)
P384: Final = KeyProfile(KeyAlgorithm.ECDSA, curve="P-384")


@dataclass(frozen=True)
class CaProfile:
    """A CA: `issuer` is the name of the CA above, None for a root; `title` follows the organisation."""

    name: str
    title: str
    issuer: str | None
    key: KeyProfile
    validity: dt.timedelta
    path_length: int | None
    extended_key_usage: tuple[str, ...] = ()
    constrained: bool = False


@dataclass(frozen=True)
class LeafProfile:
    """A kind of certificate. `second` names its hash of the first's certificate (RFC 9763)."""

    name: str
    first: "AlgorithmProfile"
    second: "AlgorithmProfile"
    encryption: "AlgorithmProfile | None"
    extended_key_usage: tuple[str, ...]
    validity: dt.timedelta


@dataclass(frozen=True)
class AlgorithmProfile:
    """One certificate of a set: which CA signs it, what key it holds, what the key is for."""

    label: str
    ca: str
    key: KeyProfile
    key_usage: frozenset[str]


CA_PROFILES: Final[tuple[CaProfile, ...]] = (
    CaProfile("root-sm2", "SM2 Root CA", None, SM2, 20 * YEAR, None),
    CaProfile("root-ecc", "ECC Root CA", None, P384, 20 * YEAR, None),
    CaProfile(
        "ssl-sm2",
        "SSL SM2 Issuing CA",
        "root-sm2",
        SM2,
        10 * YEAR,
        0,
        (oids.SERVER_AUTH,),
        constrained=True,
    ),
    CaProfile(
        "ssl-ecc",
        "SSL ECC Issuing CA",
        "root-ecc",
        P256,
        10 * YEAR,
        0,
        (oids.SERVER_AUTH,),
        constrained=True,
    ),
)

SIGNING: Final = frozenset({"digital_signature"})
# GM/T 0015 and GB/T 38636: the TLCP server's second certificate, for key exchange only.
ENCRYPTION: Final = frozenset({"key_encipherment", "data_encipherment", "key_agreement"})

LEAF_PROFILES: Final[Mapping[str, LeafProfile]] = MappingProxyType({
    "ssl": LeafProfile(
        name="ssl",
        first=AlgorithmProfile("sm2", "ssl-sm2", SM2, SIGNING),
        second=AlgorithmProfile("ecc", "ssl-ecc", P256, SIGNING),
        encryption=AlgorithmProfile("sm2-enc", "ssl-sm2", SM2, ENCRYPTION),
        extended_key_usage=(oids.SERVER_AUTH,),
        validity=dt.timedelta(days=90),
    )
})
