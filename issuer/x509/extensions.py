"""Certificate extensions as asn1crypto values, in the terms of RFC 5280 section 4.2."""

import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from asn1crypto import algos, core, x509

from issuer.x509 import oids
from verifier.certificates import Extension

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class RelatedCertificate(core.Sequence):  # type: ignore[misc]  # asn1crypto is untyped
    """RFC 9763 section 4.1: hash of the certificate that belongs to the same end entity."""

    _fields: ClassVar = [("hash_algorithm", algos.DigestAlgorithm), ("hash_value", core.OctetString)]


@dataclass(frozen=True)
class PermittedNames:
    """What a name-constrained CA may certify: DNS subtrees and IP networks."""

    dns: tuple[str, ...]
    ip: tuple[IPNetwork, ...]

    def __str__(self) -> str:
        return ", ".join((*self.dns, *(str(network) for network in self.ip)))


def extension(oid: str, value: core.Asn1Value, *, critical: bool = False) -> Extension:
    """Return any ASN.1 value as an extension."""
    return Extension(oid, critical, value.dump())


def key_identifier(spki: bytes) -> bytes:
    """Return RFC 5280 section 4.2.1.2 method 1 key identifier: SHA-1 of the subjectPublicKey's bits.

    An identifier, not a protection: OCSP's byKey responder id is defined as this very value.
    """
    bits = x509.PublicKeyInfo.load(spki)["public_key"].contents[1:]
    return hashlib.sha1(bits, usedforsecurity=False).digest()


def subject_key_id(spki: bytes) -> Extension:
    return extension(oids.SUBJECT_KEY_ID, core.OctetString(key_identifier(spki)))


def authority_key_id(issuer_spki: bytes) -> Extension:
    return extension(
        oids.AUTHORITY_KEY_ID, x509.AuthorityKeyIdentifier({"key_identifier": key_identifier(issuer_spki)})
    )


def basic_constraints(*, ca: bool, path_length: int | None = None) -> Extension:
    value = {"ca": ca} if path_length is None else {"ca": ca, "path_len_constraint": path_length}
    return extension(oids.BASIC_CONSTRAINTS, x509.BasicConstraints(value), critical=True)


def key_usage(usages: Iterable[str]) -> Extension:
    """Usages by asn1crypto's names: digital_signature, key_encipherment, key_cert_sign…"""
    return extension(oids.KEY_USAGE, x509.KeyUsage(set(usages)), critical=True)


def extended_key_usage(purposes: Iterable[str]) -> Extension:
    return extension(oids.EXTENDED_KEY_USAGE, x509.ExtKeyUsageSyntax(list(purposes)))


def general_name(name: str) -> x509.GeneralName:
    """Return a dNSName, or an iPAddress where the text is an address."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return x509.GeneralName("dns_name", name)
    return x509.GeneralName("ip_address", str(address))


def subject_alt_name(names: Iterable[str], *, critical: bool) -> Extension:
    """Names already validated by issuer.names; critical exactly when the subject is empty."""
    value = x509.GeneralNames([general_name(name) for name in names])
    return extension(oids.SUBJECT_ALT_NAME, value, critical=critical)


def name_constraints(permitted: PermittedNames) -> Extension:
    """Section 4.2.1.10, critical. A kind of which nothing is permitted would be unrestricted: refused.

    :raises ValueError: where either kind is empty.
    """
    if not permitted.dns or not permitted.ip:
        raise ValueError("name constraints need at least one DNS name and one network, or that kind is free")
    bases = [x509.GeneralName("dns_name", name) for name in permitted.dns]
    bases += [x509.GeneralName("ip_address", str(network)) for network in permitted.ip]
    value = x509.NameConstraints({"permitted_subtrees": [{"base": base} for base in bases]})
    return extension(oids.NAME_CONSTRAINTS, value, critical=True)


def authority_info_access(*, ocsp: str, ca_issuers: str) -> Extension:
    value = x509.AuthorityInfoAccessSyntax([
        {"access_method": "ocsp", "access_location": x509.GeneralName("uniform_resource_identifier", ocsp)},
        {
            "access_method": "ca_issuers",
            "access_location": x509.GeneralName("uniform_resource_identifier", ca_issuers),
        },
    ])
    return extension(oids.AUTHORITY_INFO_ACCESS, value)


def crl_distribution_point(url: str) -> Extension:
    names = x509.GeneralNames([x509.GeneralName("uniform_resource_identifier", url)])
    point = x509.DistributionPoint({"distribution_point": x509.DistributionPointName("full_name", names)})
    return extension(oids.CRL_DISTRIBUTION_POINTS, x509.CRLDistributionPoints([point]))


def poison() -> Extension:
    """RFC 6962 section 3.1: what makes a precertificate unusable as a certificate."""
    return extension(oids.POISON, core.Null(), critical=True)


def sct_list(encoded: bytes) -> Extension:
    """RFC 6962 section 3.3: `encoded` is the TLS-encoded SignedCertificateTimestampList."""
    return extension(oids.SCT_LIST, core.OctetString(encoded))


def related_certificate(certificate_der: bytes) -> Extension:
    """RFC 9763 section 4.1, SHA-256 over the related certificate's whole DER; never critical."""
    value = RelatedCertificate({
        "hash_algorithm": {"algorithm": oids.SHA256},
        "hash_value": hashlib.sha256(certificate_der).digest(),
    })
    return extension(oids.RELATED_CERTIFICATE, value)
