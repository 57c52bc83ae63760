"""TBSCertificate (RFC 5280 section 4.1) from a plan, and its signature."""

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from asn1crypto import core, x509

from issuer.x509 import signing
from issuer.x509.extensions import poison, sct_list
from verifier.algorithms import SignatureScheme, Signer
from verifier.certificates import Extension

SERIAL_BYTES = 20  # RFC 5280 section 4.1.2.2: no more; BR 7.1 asks for 64 bits of entropy, this has 158
LAST_UTC_TIME = dt.datetime(2050, 1, 1, tzinfo=dt.UTC)  # RFC 5280 section 4.1.2.5


@dataclass(frozen=True)
class CertificatePlan:
    """Everything that will be signed, except the poison or the SCT list.

    `subject` and `issuer` are DER Names; `extensions` keep their order.
    """

    serial: int
    subject: bytes
    issuer: bytes
    not_before: dt.datetime
    not_after: dt.datetime
    spki: bytes
    scheme: SignatureScheme
    extensions: tuple[Extension, ...]

    def with_extensions(self, *more: Extension) -> "CertificatePlan":
        return replace(self, extensions=(*self.extensions, *more))

    def precertificate(self) -> "CertificatePlan":
        return self.with_extensions(poison())

    def final(self, encoded_sct_list: bytes) -> "CertificatePlan":
        return self.with_extensions(sct_list(encoded_sct_list))

    def tbs(self) -> bytes:
        """Return the DER TBSCertificate."""
        return _tbs(self).dump()  # type: ignore[no-any-return]  # asn1crypto is untyped


def new_serial() -> int:
    """Return 20 octets, positive, the second-highest bit set so that the length never varies."""
    bits = 8 * SERIAL_BYTES - 2
    return (1 << bits) | secrets.randbits(bits)


def name(*, organisation: str | None = None, common_name: str | None = None) -> bytes:
    """Return a DER Name, organisation first, UTF8String values. Both absent: the empty Name."""
    parts = {"organization_name": organisation, "common_name": common_name}
    value = x509.Name.build({key: text for key, text in parts.items() if text is not None})
    return value.dump()  # type: ignore[no-any-return]  # asn1crypto is untyped


def time(moment: dt.datetime) -> x509.Time:
    """UTCTime until 2049, GeneralizedTime from 2050 on, whole seconds (RFC 5280 section 4.1.2.5)."""
    whole = moment.astimezone(dt.UTC).replace(microsecond=0)
    return x509.Time("utc_time" if whole < LAST_UTC_TIME else "general_time", whole)


def _extension(one: Extension) -> x509.Extension:
    value = core.ParsableOctetString(one.value)
    return x509.Extension({"extn_id": one.oid, "critical": one.critical, "extn_value": value})


def _tbs(plan: CertificatePlan) -> x509.TbsCertificate:
    return x509.TbsCertificate({
        "version": "v3",
        "serial_number": plan.serial,
        "signature": signing.algorithm_identifier(plan.scheme),
        "issuer": x509.Name.load(plan.issuer),
        "validity": {"not_before": time(plan.not_before), "not_after": time(plan.not_after)},
        "subject": x509.Name.load(plan.subject),
        "subject_public_key_info": x509.PublicKeyInfo.load(plan.spki),
        "extensions": x509.Extensions([_extension(one) for one in plan.extensions]),
    })


def sign_certificate(plan: CertificatePlan, signer: Signer) -> bytes:
    """Return the DER Certificate, signed in the plan's scheme, which must be the signer's.

    :raises ValueError: where the signer would sign in another scheme than the plan says.
    """
    if signing.scheme_of(signer) is not plan.scheme:
        raise ValueError(f"this key signs {signing.scheme_of(signer).name}, the plan says {plan.scheme.name}")
    tbs = plan.tbs()
    certificate = x509.Certificate({
        "tbs_certificate": x509.TbsCertificate.load(tbs),
        "signature_algorithm": signing.algorithm_identifier(plan.scheme),
        "signature_value": signing.sign(signer, tbs),
    })
    return certificate.dump()  # type: ignore[no-any-return]  # asn1crypto is untyped


def tbs_without(tbs: bytes, oids: Sequence[str]) -> bytes:
    """Return the TBSCertificate with the extensions named taken out and nothing else changed."""
    parsed = x509.TbsCertificate.load(tbs)
    kept = [one for one in parsed["extensions"] if one["extn_id"].dotted not in oids]
    parsed["extensions"] = x509.Extensions(kept)
    return parsed.dump(force=True)  # type: ignore[no-any-return]  # asn1crypto is untyped
