"""Every rule: a good certificate passes it, a bad one breaks it and is named with its citation."""

import datetime as dt
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from asn1crypto import core
from asn1crypto import x509 as asn1_x509

import issuer.lints
from issuer.errors import LintFailed
from issuer.lints import RULES, Kind, LintTarget, findings, lint
from issuer.lints.maximum_validity import maximum_validity
from issuer.x509 import certificate as builder
from issuer.x509 import extensions, oids
from verifier.algorithms import KeyAlgorithm, PrivateKey, SignatureScheme
from verifier.certificates import Certificate, Extension
from verifier.transparency.entries import X509Entry
from verifier.transparency.sct import encode_sct_list
from verifier.transparency.verify import sign_sct

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
CA_KEY = PrivateKey.generate(KeyAlgorithm.ECDSA)
LEAF_KEY = PrivateKey.generate(KeyAlgorithm.ECDSA)
CA_NAME = builder.name(organisation="Ming", common_name="CA")
CA_USAGE = frozenset({"key_cert_sign", "crl_sign"})
LEAF_USAGE = frozenset({"digital_signature"})
SCTS = encode_sct_list([sign_sct(X509Entry(b"x"), 1, b"", PrivateKey.generate(KeyAlgorithm.ECDSA))])
PERMITTED = extensions.PermittedNames(
    ("mingjing.test",), (ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("::1/128"))
)


def ca_plan() -> builder.CertificatePlan:
    return builder.CertificatePlan(
        serial=builder.new_serial(),
        subject=CA_NAME,
        issuer=CA_NAME,
        not_before=NOW - dt.timedelta(days=1),
        not_after=NOW + dt.timedelta(days=365),
        spki=CA_KEY.public_key.spki,
        scheme=SignatureScheme.ECDSA_SHA256,
        extensions=(
            extensions.basic_constraints(ca=True, path_length=0),
            extensions.key_usage(CA_USAGE),
            extensions.extended_key_usage([oids.SERVER_AUTH]),
            extensions.name_constraints(PERMITTED),
            extensions.subject_key_id(CA_KEY.public_key.spki),
            extensions.authority_key_id(CA_KEY.public_key.spki),
            extensions.authority_info_access(ocsp="http://x/o", ca_issuers="http://x/c"),
            extensions.crl_distribution_point("http://x/crl"),
        ),
    )


def leaf_plan() -> builder.CertificatePlan:
    return builder.CertificatePlan(
        serial=builder.new_serial(),
        subject=builder.name(common_name="a.mingjing.test"),
        issuer=CA_NAME,
        not_before=NOW - dt.timedelta(hours=1),
        not_after=NOW + dt.timedelta(days=80),
        spki=LEAF_KEY.public_key.spki,
        scheme=SignatureScheme.ECDSA_SHA256,
        extensions=(
            extensions.basic_constraints(ca=False),
            extensions.key_usage(LEAF_USAGE),
            extensions.extended_key_usage([oids.SERVER_AUTH]),
            extensions.subject_alt_name(
                ["a.mingjing.test", "*.a.mingjing.test", "127.0.0.1"], critical=False
            ),
            extensions.subject_key_id(LEAF_KEY.public_key.spki),
            extensions.authority_key_id(CA_KEY.public_key.spki),
            extensions.authority_info_access(ocsp="http://x/o", ca_issuers="http://x/c"),
            extensions.crl_distribution_point("http://x/crl"),
            extensions.sct_list(SCTS),
        ),
    )


CA = Certificate.parse(builder.sign_certificate(ca_plan(), CA_KEY))


def leaf(plan: builder.CertificatePlan, **more: object) -> LintTarget:
    certificate = Certificate.parse(builder.sign_certificate(plan, CA_KEY))
    return replace(LintTarget(certificate, CA, Kind.LEAF, LEAF_USAGE, NOW), **more)  # type: ignore[arg-type]


def issuing(plan: builder.CertificatePlan) -> LintTarget:
    certificate = Certificate.parse(builder.sign_certificate(plan, CA_KEY))
    return LintTarget(certificate, CA, Kind.ISSUING, CA_USAGE, NOW)


def without(plan: builder.CertificatePlan, oid: str) -> builder.CertificatePlan:
    kept = tuple(one for one in plan.extensions if one.oid != oid)
    assert len(kept) == len(plan.extensions) - 1
    return replace(plan, extensions=kept)


def swap(plan: builder.CertificatePlan, changed: Extension) -> builder.CertificatePlan:
    """Put another value in an extension's place."""
    assert changed.oid in {one.oid for one in plan.extensions}
    exchanged = tuple(changed if one.oid == changed.oid else one for one in plan.extensions)
    return replace(plan, extensions=exchanged)


def critical(plan: builder.CertificatePlan, oid: str, *, value: bool) -> builder.CertificatePlan:
    (found,) = (one for one in plan.extensions if one.oid == oid)
    return swap(plan, replace(found, critical=value))


def named(*names: str, is_critical: bool = False, plan: builder.CertificatePlan | None = None) -> LintTarget:
    return leaf(swap(plan or leaf_plan(), extensions.subject_alt_name(names, critical=is_critical)))


def raw_dns(*names: bytes) -> LintTarget:
    """DNSNames that asn1crypto would not write."""
    entries = b"".join(bytes([0x82, len(name)]) + name for name in names)
    value = bytes([0x30, len(entries)]) + entries
    return leaf(swap(leaf_plan(), Extension(oids.SUBJECT_ALT_NAME, critical=False, value=value)))


def dates(not_before: dt.datetime, not_after: dt.datetime, **more: object) -> LintTarget:
    return leaf(replace(leaf_plan(), not_before=not_before, not_after=not_after), **more)


def key(private: PrivateKey) -> LintTarget:
    plan = swap(leaf_plan(), extensions.subject_key_id(private.public_key.spki))
    return leaf(replace(plan, spki=private.public_key.spki))


def rewritten(change: Callable[[asn1_x509.TbsCertificate], None]) -> LintTarget:
    """A certificate that the strict parser would refuse: only what the rule looks at is changed."""
    good = leaf(leaf_plan())
    parsed = asn1_x509.Certificate.load(good.certificate.der)
    tbs = asn1_x509.TbsCertificate.load(parsed["tbs_certificate"].dump())
    change(tbs)
    changed = asn1_x509.Certificate({
        "tbs_certificate": asn1_x509.TbsCertificate.load(tbs.dump(force=True)),
        "signature_algorithm": parsed["signature_algorithm"],
        "signature_value": parsed["signature_value"],
    })
    return replace(good, certificate=replace(good.certificate, der=changed.dump()))


def other_signature(tbs: asn1_x509.TbsCertificate) -> None:
    tbs["signature"] = {"algorithm": "sha384_ecdsa"}


def version_one(tbs: asn1_x509.TbsCertificate) -> None:
    tbs["version"] = "v1"


def twice(tbs: asn1_x509.TbsCertificate) -> None:
    tbs["extensions"] = asn1_x509.Extensions([*tbs["extensions"], tbs["extensions"][0]])


def generalized_time(tbs: asn1_x509.TbsCertificate) -> None:
    tbs["validity"]["not_after"] = asn1_x509.Time("general_time", NOW + dt.timedelta(days=80))


def email(plan: builder.CertificatePlan) -> builder.CertificatePlan:
    value = asn1_x509.GeneralNames([asn1_x509.GeneralName("rfc822_name", "a@mingjing.test")])
    return swap(plan, extensions.extension(oids.SUBJECT_ALT_NAME, value))


def serial(number: int) -> LintTarget:
    good = leaf(leaf_plan())
    return replace(good, certificate=replace(good.certificate, serial=number))


def weak_rsa(bits: int) -> LintTarget:
    good = leaf(leaf_plan())
    strong = PrivateKey.generate(KeyAlgorithm.RSA).public_key
    return replace(good, certificate=replace(good.certificate, public_key=replace(strong, bits=bits)))


def signed_by_other_kind() -> LintTarget:
    other = PrivateKey.generate(KeyAlgorithm.RSA)
    plan = replace(leaf_plan(), scheme=SignatureScheme.RSA_PKCS1_SHA256)
    certificate = Certificate.parse(builder.sign_certificate(plan, other))
    return LintTarget(certificate, CA, Kind.LEAF, LEAF_USAGE, NOW)


@dataclass(frozen=True)
class Bad:
    rule: str
    make: Callable[[], LintTarget]
    says: str


DAY = dt.timedelta(days=1)
BAD = [
    Bad("serial-number", lambda: serial(5), "fewer than 64 of entropy"),
    Bad("serial-number", lambda: serial(-5), "not positive"),
    Bad("serial-number", lambda: serial(0), "not positive"),
    Bad("serial-number", lambda: serial(1 << 159), "more than 20 octets"),
    Bad("version", lambda: rewritten(version_one), "not v3"),
    Bad("validity-encoding", lambda: rewritten(generalized_time), "written as general_time"),
    Bad("validity-encoding", lambda: dates(NOW, NOW), "not later"),
    Bad("validity-backdated", lambda: dates(NOW - 3 * DAY, NOW + DAY), "more than 48 hours"),
    Bad("validity-backdated", lambda: dates(NOW + 3 * DAY, NOW + 4 * DAY), "more than 48 hours"),
    Bad("validity-within-issuer", lambda: dates(NOW, NOW + 366 * DAY), "later than the issuer's"),
    Bad("maximum-validity", lambda: dates(NOW, NOW + 200 * DAY), "at most 200 days"),
    Bad("subject-alt-name", lambda: leaf(without(leaf_plan(), oids.SUBJECT_ALT_NAME)), "absent"),
    Bad("subject-alt-name", lambda: leaf(email(leaf_plan())), "holds rfc822_name"),
    Bad("subject-alt-name", lambda: named("a.mingjing.test", is_critical=True), "critical with a subject"),
    Bad(
        "subject-alt-name",
        lambda: named("a.mingjing.test", plan=replace(leaf_plan(), subject=builder.name())),
        "not critical without one",
    ),
    Bad("common-name-in-san", lambda: named("b.mingjing.test"), "'a.mingjing.test' is not among"),
    Bad("dns-name-syntax", lambda: raw_dns(b"a.mingjing.test", b"b..mingjing.test"), "b..mingjing.test"),
    Bad("dns-name-syntax", lambda: raw_dns(b"a.mingjing.test", b"b.*.mingjing.test"), "preferred syntax"),
    Bad("dns-name-syntax", lambda: raw_dns(b"a.mingjing.test", b"B.mingjing.test"), "preferred syntax"),
    Bad("dns-name-syntax", lambda: raw_dns(b"a.mingjing.test", b"b\0.mingjing.test"), "preferred syntax"),
    Bad("no-underscore", lambda: raw_dns(b"a.mingjing.test", b"b_c.mingjing.test"), "has an underscore"),
    Bad("unique-names", lambda: named("a.mingjing.test", "a.mingjing.test"), "repeats"),
    Bad("extended-key-usage", lambda: leaf(without(leaf_plan(), oids.EXTENDED_KEY_USAGE)), "any purpose"),
    Bad(
        "extended-key-usage",
        lambda: leaf(
            swap(leaf_plan(), extensions.extended_key_usage([oids.SERVER_AUTH, oids.ANY_EXTENDED_KEY_USAGE]))
        ),
        "anyExtendedKeyUsage",
    ),
    Bad(
        "extended-key-usage",
        lambda: leaf(swap(leaf_plan(), extensions.extended_key_usage([oids.CLIENT_AUTH]))),
        "not among the issuing CA's",
    ),
    Bad(
        "key-usage",
        lambda: leaf(swap(leaf_plan(), extensions.key_usage({"digital_signature", "key_cert_sign"}))),
        "the profile wants",
    ),
    Bad("key-usage", lambda: leaf(critical(leaf_plan(), oids.KEY_USAGE, value=False)), "not critical"),
    Bad("key-usage", lambda: leaf(without(leaf_plan(), oids.KEY_USAGE)), r"keyUsage is \[\]"),
    Bad("authority-key-identifier", lambda: leaf(without(leaf_plan(), oids.AUTHORITY_KEY_ID)), "absent"),
    Bad(
        "authority-key-identifier",
        lambda: leaf(swap(leaf_plan(), extensions.authority_key_id(LEAF_KEY.public_key.spki))),
        "differs from the issuer's",
    ),
    Bad(
        "authority-key-identifier",
        lambda: leaf(critical(leaf_plan(), oids.AUTHORITY_KEY_ID, value=True)),
        "is critical",
    ),
    Bad("subject-key-identifier", lambda: leaf(without(leaf_plan(), oids.SUBJECT_KEY_ID)), "absent"),
    Bad(
        "subject-key-identifier",
        lambda: leaf(swap(leaf_plan(), extensions.subject_key_id(CA_KEY.public_key.spki))),
        "not the SHA-1 of this key",
    ),
    Bad(
        "subject-key-identifier",
        lambda: leaf(critical(leaf_plan(), oids.SUBJECT_KEY_ID, value=True)),
        "is critical",
    ),
    Bad(
        "basic-constraints",
        lambda: leaf(swap(leaf_plan(), extensions.basic_constraints(ca=True))),
        "cA is True in a leaf certificate",
    ),
    Bad(
        "basic-constraints",
        lambda: issuing(swap(ca_plan(), extensions.basic_constraints(ca=True))),
        "no pathLenConstraint of 0",
    ),
    Bad(
        "basic-constraints",
        lambda: issuing(swap(ca_plan(), extensions.basic_constraints(ca=True, path_length=1))),
        "no pathLenConstraint of 0",
    ),
    Bad(
        "basic-constraints",
        lambda: issuing(critical(ca_plan(), oids.BASIC_CONSTRAINTS, value=False)),
        "not critical in a CA",
    ),
    Bad("basic-constraints", lambda: issuing(without(ca_plan(), oids.BASIC_CONSTRAINTS)), "cA is False"),
    Bad("key-strength", lambda: key(PrivateKey.generate(KeyAlgorithm.ED25519)), "not certified"),
    Bad("key-strength", lambda: weak_rsa(1024), "RSA key of 1024 bits"),
    Bad("key-strength", lambda: weak_rsa(2049), "in whole octets"),
    Bad("signature-algorithm", lambda: rewritten(other_signature), "inside and outside"),
    Bad("signature-algorithm", signed_by_other_kind, "this issuer signs ECDSA_SHA256"),
    Bad("issuer-name", lambda: leaf(replace(leaf_plan(), issuer=builder.name(common_name="B"))), "differs"),
    Bad(
        "revocation-pointers",
        lambda: leaf(without(leaf_plan(), oids.CRL_DISTRIBUTION_POINTS)),
        "no pointer to CRL",
    ),
    Bad(
        "revocation-pointers",
        lambda: leaf(without(leaf_plan(), oids.AUTHORITY_INFO_ACCESS)),
        "no pointer to OCSP",
    ),
    Bad(
        "revocation-pointers",
        lambda: leaf(swap(leaf_plan(), extensions.crl_distribution_point("ldap://x/crl"))),
        "not an HTTP URL",
    ),
    Bad("name-constraints", lambda: named("a.mingjing.test", "a.example"), "'a.example' lies outside"),
    Bad("name-constraints", lambda: named("a.mingjing.test", "127.0.0.2"), "'127.0.0.2' lies outside"),
    Bad(
        "name-constraints",
        lambda: issuing(critical(ca_plan(), oids.NAME_CONSTRAINTS, value=False)),
        "nameConstraints is not critical",
    ),
    Bad("poison-and-scts", lambda: leaf(without(leaf_plan(), oids.SCT_LIST)), "SCT list is missing"),
    Bad("poison-and-scts", lambda: leaf(leaf_plan().precertificate()), "poison extension stands in"),
    Bad("poison-and-scts", lambda: leaf(leaf_plan(), precertificate=True), "missing from a precertificate"),
    Bad("unique-extensions", lambda: rewritten(twice), "repeated"),
    Bad(
        "unique-extensions",
        lambda: leaf(
            leaf_plan().with_extensions(extensions.extension("1.2.3.4", core.Null(), critical=True))
        ),
        r"extension 1\.2\.3\.4 is critical",
    ),
    Bad("own-key", lambda: key(CA_KEY), "the issuing CA's own"),
]


def test_good_certificates_break_nothing() -> None:
    assert list(findings(leaf(leaf_plan()))) == []
    assert list(findings(issuing(ca_plan()))) == []
    precertificate = without(leaf_plan(), oids.SCT_LIST).precertificate()
    assert list(findings(leaf(precertificate, precertificate=True))) == []
    for algorithm in (KeyAlgorithm.SM2, KeyAlgorithm.RSA):
        assert list(findings(key(PrivateKey.generate(algorithm)))) == []


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad.rule}:{bad.says}")
def test_a_bad_certificate_breaks_its_rule(bad: Bad) -> None:
    target = bad.make()
    with pytest.raises(LintFailed, match=f"{bad.rule}: .*{bad.says}") as caught:
        lint(target)
    (rule,) = (rule for rule in RULES if rule.name == bad.rule)
    assert rule.citation in str(caught.value)
    others = {name.name for name, _ in findings(target)} - {bad.rule}
    # A bad certificate may break a neighbouring rule too, never most of them.
    assert len(others) <= 2
    waived = frozenset({bad.rule, *others})
    lint(target, waived=waived)


def test_every_rule_has_a_bad_certificate() -> None:
    assert {rule.name for rule in RULES} == {bad.rule for bad in BAD}


def test_every_file_is_a_rule_and_cites() -> None:
    files = {path.stem for path in Path(issuer.lints.__file__).parent.glob("*.py")} - {"__init__", "rule"}
    assert files == {rule.name.replace("-", "_") for rule in RULES}
    assert len(RULES) == len(files) >= 12
    for rule in RULES:
        assert any(source in rule.citation for source in ("RFC", "BR", "Mozilla"))


def test_a_rule_is_silent_before_its_date() -> None:
    (rule,) = (rule for rule in RULES if rule.name == "no-underscore")
    target = raw_dns(b"a.mingjing.test", b"b_c.mingjing.test")
    early = replace(target, now=dt.datetime(2019, 3, 31, tzinfo=dt.UTC))
    assert rule.name not in {found.name for found, _ in findings(early)}
    assert rule.name in {found.name for found, _ in findings(target)}


@pytest.mark.parametrize(
    ("year", "days"), [(2019, 398), (2021, 398), (2026, 398), (2027, 200), (2028, 100), (2030, 47)]
)
def test_the_browsers_schedule(year: int, days: int) -> None:
    assert maximum_validity(dt.datetime(year, 1, 1, tzinfo=dt.UTC)) == dt.timedelta(days=days)


def test_the_last_second_counts() -> None:
    exact = dt.timedelta(days=200) - dt.timedelta(seconds=1)
    assert "maximum-validity" not in {rule.name for rule, _ in findings(dates(NOW, NOW + exact))}
