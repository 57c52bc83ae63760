"""What is asked of an authority, and what it hands back."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from verifier.algorithms import PrivateKey, PublicKey
from verifier.certificates import Certificate
from verifier.transparency.entries import Entry
from verifier.transparency.sct import SignedCertificateTimestamp

# Takes the chain (certificate or precertificate first; DER) and what an SCT for it signs; gives the SCTs.
SctSource = Callable[[Sequence[bytes], Entry], tuple[SignedCertificateTimestamp, ...]]


@dataclass(frozen=True)
class IssueRequest:
    """A set of certificates for these names.

    `validity` None: the profile's. The last four fields are for the demo's deliberately bad
    certificates, and refused by an authority whose settings do not say `demo`: a validity in the past,
    no SCTs, SCTs from elsewhere (say, damaged).
    """

    names: tuple[str, ...]
    profile: str = "ssl"
    validity: dt.timedelta | None = None
    tlcp: bool = False
    not_before: dt.datetime | None = None
    not_after: dt.datetime | None = None
    include_scts: bool = True
    sct_source: SctSource | None = None

    @property
    def is_demo(self) -> bool:
        """Whether anything is asked for that only the demo does."""
        overrides = (self.not_before, self.not_after, self.sct_source)
        return not self.include_scts or any(one is not None for one in overrides)


@dataclass(frozen=True)
class SubscriberKeys:
    """The public halves to be certified; `encryption` for TLCP only."""

    first: PublicKey
    second: PublicKey
    encryption: PublicKey | None = None


@dataclass(frozen=True)
class CertifiedKey:
    """A certificate with the CAs above it, the root last."""

    certificate: Certificate
    issuers: tuple[Certificate, ...]

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """What a TLS server sends: leaf and intermediates, no root (RFC 8446 section 4.4.2)."""
        return (self.certificate, *self.issuers[:-1])


@dataclass(frozen=True)
class CertifiedSet:
    """The certificates of one order. `pair` is what ties them together in the store."""

    pair: str
    first: CertifiedKey
    second: CertifiedKey
    encryption: CertifiedKey | None


@dataclass(frozen=True)
class IssuedCertificate:
    """With its private key, which exists here and, once written, in the subscriber's directory only."""

    certificate: Certificate
    chain: tuple[Certificate, ...]
    key: PrivateKey

    @property
    def chain_pem(self) -> str:
        return "".join(one.pem for one in self.chain)


@dataclass(frozen=True)
class DualCertificate:
    """A dual set with its keys; `sm2_encryption` for TLCP."""

    pair: str
    sm2: IssuedCertificate
    ecc: IssuedCertificate
    sm2_encryption: IssuedCertificate | None = None
