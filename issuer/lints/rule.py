"""What a lint rule is, and the certificate it looks at."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from asn1crypto import x509

from verifier.certificates import Certificate


class Kind(StrEnum):
    """What the profile says the certificate is to be, whatever its extensions claim."""

    ROOT = "root"
    ISSUING = "issuing"
    LEAF = "leaf"


LEAF = frozenset({Kind.LEAF})
ALL_KINDS = frozenset(Kind)


@dataclass(frozen=True)
class LintTarget:
    """A certificate under judgement: signed by a throw-away key before, by the CA's key after.

    `issuer` is the certificate of the CA that signs it, None for a root. `key_usage` is what the
    profile wants, in asn1crypto's names. `now` is the time of issuance.
    """

    certificate: Certificate
    issuer: Certificate | None
    kind: Kind
    key_usage: frozenset[str]
    now: dt.datetime
    precertificate: bool = False

    @cached_property
    def tbs(self) -> x509.TbsCertificate:
        return x509.Certificate.load(self.certificate.der, strict=True)["tbs_certificate"]

    def extension(self, oid: str) -> Any | None:
        """Return the parsed value of an extension, None where it is absent."""
        found = self.raw_extension(oid)
        return None if found is None else found["extn_value"].parsed

    def raw_extension(self, oid: str) -> Any | None:
        matching = [one for one in self.tbs["extensions"] if one["extn_id"].dotted == oid]
        return matching[0] if matching else None

    def is_critical(self, oid: str) -> bool:
        found = self.raw_extension(oid)
        return found is not None and bool(found["critical"].native)

    @cached_property
    def names(self) -> tuple[x509.GeneralName, ...]:
        """The subjectAltName entries."""
        value = self.extension("2.5.29.17")
        return () if value is None else tuple(value)

    @cached_property
    def dns_names(self) -> tuple[str, ...]:
        """DNSNames as their own octets say, not as asn1crypto's IDNA would show them."""
        return tuple(one.chosen.contents.decode("latin-1") for one in self.names if one.name == "dns_name")


@dataclass(frozen=True)
class Rule:
    """`check` yields one sentence for each thing that is wrong."""

    name: str
    citation: str
    effective: dt.date
    kinds: frozenset[Kind]
    check: Callable[[LintTarget], Iterator[str]]
