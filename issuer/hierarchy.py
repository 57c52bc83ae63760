"""The hierarchy: roots and issuing CAs, made once from the profiles, loaded ever after.

Making can be killed at any point and run again. For each CA, in this order: the key in the key store,
the certificate in the database (the truth), the file under ca/ (a copy). What exists is kept.
"""

import contextlib
import datetime as dt
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from issuer.errors import HierarchyError
from issuer.lints import Kind, LintTarget, lint
from issuer.profiles import CA_PROFILES, CaProfile
from issuer.settings import AuthoritySettings
from issuer.store import IssuerStore
from issuer.x509 import certificate as builder
from issuer.x509 import extensions, signing
from keys import FileKeyStore, KeyExists, KeyHandle
from keys.files import replace_file
from verifier.algorithms import PrivateKey, Signer
from verifier.certificates import Certificate, Extension
from verifier.errors import VerifierError

CA_KEY_USAGE = frozenset({"key_cert_sign", "crl_sign", "digital_signature"})  # the last for OCSP answers
LOOPBACK = (ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("::1/128"))


@dataclass(frozen=True)
class CertificateAuthority:
    """A CA that can sign. `issuers` are the CAs above it, the root last; empty for a root."""

    profile: CaProfile
    certificate: Certificate
    signer: KeyHandle
    issuers: tuple[Certificate, ...]

    @property
    def name(self) -> str:
        return self.profile.name


def throwaway_key(like: Signer) -> PrivateKey:
    """Return a key of the same kind, to sign what is to be linted and nothing else."""
    key = like.public_key
    return PrivateKey.generate(key.algorithm, bits=key.bits, curve=key.curve or "")


def create_hierarchy(
    directory: Path,
    keys: FileKeyStore,
    store: IssuerStore,
    settings: AuthoritySettings,
    now: dt.datetime,
) -> Mapping[str, CertificateAuthority]:
    """Make what is missing of every CA in the profiles and write ca/*.pem and ca/roots.pem.

    :raises HierarchyError: where the database's certificate and the key store's key do not fit.
    """
    made: dict[str, CertificateAuthority] = {}
    for profile in CA_PROFILES:
        signer = _key(keys, profile)
        der = store.authority(profile.name)
        if der is None:
            built = _certificate(profile, signer, made, settings, now)
            der = store.add_authority(profile.name, built.serial, built.der, now)
        made[profile.name] = _authority(profile, Certificate.parse(der), signer, made)
    _write_files(directory, made)
    return made


def load_hierarchy(keys: FileKeyStore, store: IssuerStore) -> Mapping[str, CertificateAuthority]:
    """Open every CA that was made.

    :raises HierarchyError: where one is missing or does not fit its key.
    """
    loaded: dict[str, CertificateAuthority] = {}
    for profile in CA_PROFILES:
        der = store.authority(profile.name)
        if der is None or not keys.exists(profile.name):
            raise HierarchyError(f"CA {profile.name} was not made yet: run init")
        loaded[profile.name] = _authority(profile, Certificate.parse(der), keys.open(profile.name), loaded)
    return loaded


def _key(keys: FileKeyStore, profile: CaProfile) -> KeyHandle:
    """Open the CA's key, making it first where there is none; of two processes, one makes it."""
    if not keys.exists(profile.name):
        key = profile.key
        with contextlib.suppress(KeyExists):
            keys.generate(profile.name, key.algorithm, bits=key.bits, curve=key.curve)
    return keys.open(profile.name)


def _authority(
    profile: CaProfile, certificate: Certificate, signer: KeyHandle, above: Mapping[str, CertificateAuthority]
) -> CertificateAuthority:
    if certificate.public_key.spki != signer.public_key.spki:
        raise HierarchyError(f"the key of CA {profile.name} is not the one in its certificate")
    issuer = None if profile.issuer is None else above[profile.issuer]
    try:
        certificate.verify_signed_by(certificate if issuer is None else issuer.certificate)
    except VerifierError as error:
        raise HierarchyError(f"the certificate of CA {profile.name} does not verify: {error}") from error
    issuers = () if issuer is None else (issuer.certificate, *issuer.issuers)
    return CertificateAuthority(profile, certificate, signer, issuers)


def _certificate(
    profile: CaProfile,
    signer: KeyHandle,
    above: Mapping[str, CertificateAuthority],
    settings: AuthoritySettings,
    now: dt.datetime,
) -> Certificate:
    """Plan, lint with a throw-away key, sign, lint again."""
    issuer = None if profile.issuer is None else above[profile.issuer]
    issuing_signer = signer if issuer is None else issuer.signer
    plan = _plan(profile, signer, issuer, settings, now)
    kind = Kind.ROOT if issuer is None else Kind.ISSUING

    def checked(der: bytes) -> Certificate:
        parsed = Certificate.parse(der)
        above_it = None if issuer is None else issuer.certificate
        lint(LintTarget(parsed, above_it, kind, CA_KEY_USAGE, now))
        return parsed

    trial = checked(builder.sign_certificate(plan, throwaway_key(issuing_signer)))
    certificate = checked(builder.sign_certificate(plan, issuing_signer))
    if certificate.tbs != trial.tbs:
        raise HierarchyError(f"the certificate of CA {profile.name} is not the one that was linted")
    certificate.verify_signed_by(certificate if issuer is None else issuer.certificate)
    return certificate


def _plan(
    profile: CaProfile,
    signer: KeyHandle,
    issuer: CertificateAuthority | None,
    settings: AuthoritySettings,
    now: dt.datetime,
) -> builder.CertificatePlan:
    subject = builder.name(organisation=settings.org, common_name=settings.ca_common_name(profile.title))
    not_before = (now - settings.backdate).replace(microsecond=0)
    not_after = not_before + profile.validity - dt.timedelta(seconds=1)
    if issuer is not None:
        not_after = min(not_after, issuer.certificate.not_after)
    return builder.CertificatePlan(
        serial=builder.new_serial(),
        subject=subject,
        issuer=subject if issuer is None else issuer.certificate.subject_der,
        not_before=not_before,
        not_after=not_after,
        spki=signer.public_key.spki,
        scheme=signing.scheme_of(signer if issuer is None else issuer.signer),
        extensions=tuple(_extensions(profile, signer, issuer, settings)),
    )


def _extensions(
    profile: CaProfile, signer: KeyHandle, issuer: CertificateAuthority | None, settings: AuthoritySettings
) -> list[Extension]:
    wanted = [
        extensions.basic_constraints(ca=True, path_length=profile.path_length),
        extensions.key_usage(CA_KEY_USAGE),
        extensions.subject_key_id(signer.public_key.spki),
    ]
    if profile.extended_key_usage:
        wanted.append(extensions.extended_key_usage(profile.extended_key_usage))
    if profile.constrained:
        permitted = extensions.PermittedNames((settings.domain, "localhost"), LOOPBACK)
        wanted.append(extensions.name_constraints(permitted))
    if issuer is not None:
        wanted += [
            extensions.authority_key_id(issuer.signer.public_key.spki),
            *pointers(issuer.name, settings),
        ]
    return wanted


def pointers(ca: str, settings: AuthoritySettings) -> list[Extension]:
    """Where a certificate of this CA can be asked about, and its issuer fetched."""
    return [
        extensions.authority_info_access(ocsp=settings.ocsp_url(ca), ca_issuers=settings.issuer_url(ca)),
        extensions.crl_distribution_point(settings.crl_url(ca)),
    ]


def _write_files(directory: Path, made: Mapping[str, CertificateAuthority]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for authority in made.values():
        replace_file(directory / f"{authority.name}.pem", authority.certificate.pem.encode())
    roots = [one.certificate.pem for one in made.values() if one.profile.issuer is None]
    replace_file(directory / "roots.pem", "".join(roots).encode())
