"""CertificateList (RFC 5280 section 5)."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from asn1crypto import core, crl, x509

from issuer.x509 import oids, signing
from issuer.x509.certificate import time
from issuer.x509.extensions import key_identifier
from verifier.algorithms import Signer


@dataclass(frozen=True)
class RevokedEntry:
    """One revokedCertificates entry; `reason` by RFC 5280's name, or None for unspecified."""

    serial: int
    revoked_at: dt.datetime
    reason: str | None


@dataclass(frozen=True)
class CrlPlan:
    """`issuer` is the CA's DER Name; `number` must grow with every list of this CA (section 5.2.3)."""

    issuer: bytes
    number: int
    this_update: dt.datetime
    next_update: dt.datetime
    entries: tuple[RevokedEntry, ...]


def _entry(entry: RevokedEntry) -> crl.RevokedCertificate:
    value: dict[str, object] = {
        "user_certificate": entry.serial,
        "revocation_date": time(entry.revoked_at),
    }
    if entry.reason is not None:  # section 5.3.1: unspecified is written by leaving the extension out
        reason = {"extn_id": "crl_reason", "critical": False, "extn_value": crl.CRLReason(entry.reason)}
        value["crl_entry_extensions"] = crl.CRLEntryExtensions([reason])
    return crl.RevokedCertificate(value)


def _extensions(plan: CrlPlan, spki: bytes) -> Iterable[dict[str, object]]:
    identifier = x509.AuthorityKeyIdentifier({"key_identifier": key_identifier(spki)})
    yield {"extn_id": oids.AUTHORITY_KEY_ID, "critical": False, "extn_value": identifier}
    yield {"extn_id": oids.CRL_NUMBER, "critical": False, "extn_value": core.Integer(plan.number)}


def sign_crl(plan: CrlPlan, signer: Signer) -> bytes:
    """Return the DER CertificateList; an empty list leaves revokedCertificates out (section 5.1.2.6)."""
    algorithm = signing.algorithm_identifier(signing.scheme_of(signer))
    value: dict[str, object] = {
        "version": "v2",
        "signature": algorithm,
        "issuer": x509.Name.load(plan.issuer),
        "this_update": time(plan.this_update),
        "next_update": time(plan.next_update),
        "crl_extensions": crl.TBSCertListExtensions(list(_extensions(plan, signer.public_key.spki))),
    }
    if plan.entries:
        value["revoked_certificates"] = crl.RevokedCertificates([_entry(entry) for entry in plan.entries])
    tbs = crl.TbsCertList(value)
    signed = crl.CertificateList({
        "tbs_cert_list": tbs,
        "signature_algorithm": algorithm,
        "signature": signing.sign(signer, tbs.dump()),
    })
    return signed.dump()  # type: ignore[no-any-return]  # asn1crypto is untyped
