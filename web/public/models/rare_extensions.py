"""Extensions that decide nothing here but may stand in a certificate: read for show, never relied on."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from asn1crypto import core, x509

from web.public.language import Text, say

Lines = tuple[Text | str, ...]
_MOST: Final = 50
_POLICIES: Final = {
    "2.23.140.1.2.1": "domain validated",
    "2.23.140.1.2.2": "organisation validated",
    "2.23.140.1.2.3": "individual validated",
    "2.23.140.1.1": "extended validation",
    "2.5.29.32.0": "any policy",
}


def rare_lines(oid: str, value: bytes) -> Lines:
    """Return what the extension says; one line that says so where its bytes cannot be read."""
    reader = _READERS.get(oid)
    if reader is None:
        return ()
    try:
        return tuple(reader(value))[:_MOST]
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError):
        return (say("its bytes cannot be read as this extension"),)


def _policies(value: bytes) -> Iterator[Text | str]:
    for policy in x509.CertificatePolicies.load(value, strict=True):
        oid = policy["policy_identifier"].dotted
        yield say("{policy}, {oid}", policy=say(_POLICIES[oid]), oid=oid) if oid in _POLICIES else oid
        for qualifier in policy["policy_qualifiers"] or ():
            if qualifier["policy_qualifier_id"].native == "certification_practice_statement":
                yield str(qualifier["qualifier"].native)


def _name_constraints(value: bytes) -> Iterator[Text | str]:
    constraints = x509.NameConstraints.load(value, strict=True)
    for tree in constraints["permitted_subtrees"] or ():
        yield say("permitted: {name}", name=_name(tree["base"]))
    for tree in constraints["excluded_subtrees"] or ():
        yield say("excluded: {name}", name=_name(tree["base"]))


def _alternative_names(value: bytes) -> Iterator[Text | str]:
    for name in x509.GeneralNames.load(value, strict=True):
        yield _name(name)


def _distribution_points(value: bytes) -> Iterator[Text | str]:
    for point in x509.CRLDistributionPoints.load(value, strict=True):
        for name in point["distribution_point"].chosen:
            yield _name(name)


def _access(value: bytes) -> Iterator[Text | str]:
    for description in x509.SubjectInfoAccessSyntax.load(value, strict=True):
        yield f"{description['access_method'].dotted} {_name(description['access_location'])}"


def _policy_constraints(value: bytes) -> Iterator[Text | str]:
    constraints = x509.PolicyConstraints.load(value, strict=True).native
    if constraints["require_explicit_policy"] is not None:
        yield say(
            "an explicit policy is required after {count} CAs", count=constraints["require_explicit_policy"]
        )
    if constraints["inhibit_policy_mapping"] is not None:
        yield say("no policy mapping after {count} CAs", count=constraints["inhibit_policy_mapping"])


def _policy_mappings(value: bytes) -> Iterator[Text | str]:
    for mapping in x509.PolicyMappings.load(value, strict=True):
        yield f"{mapping['issuer_domain_policy'].dotted} = {mapping['subject_domain_policy'].dotted}"


def _inhibited(value: bytes) -> Iterator[Text | str]:
    yield say(
        "any policy is not accepted after {count} CAs", count=core.Integer.load(value, strict=True).native
    )


def _period(value: bytes) -> Iterator[Text | str]:
    period = x509.PrivateKeyUsagePeriod.load(value, strict=True).native
    yield say("from {start}", start=period["not_before"]) if period["not_before"] else say("from its start")
    yield say("until {end}", end=period["not_after"]) if period["not_after"] else say("until its end")


def _no_check(_value: bytes) -> Iterator[Text | str]:
    yield say("clients need not ask whether this OCSP signer is revoked")


def _name(name: Any) -> str:
    native = name.native
    return str(name.chosen.human_friendly) if name.name == "directory_name" else str(native)


_READERS: Final[dict[str, Callable[[bytes], Iterator[Text | str]]]] = {
    "2.5.29.16": _period,
    "2.5.29.17": _alternative_names,
    "2.5.29.18": _alternative_names,
    "2.5.29.30": _name_constraints,
    "2.5.29.31": _distribution_points,
    "2.5.29.32": _policies,
    "2.5.29.33": _policy_mappings,
    "2.5.29.36": _policy_constraints,
    "2.5.29.46": _distribution_points,
    "2.5.29.54": _inhibited,
    "1.3.6.1.5.5.7.1.11": _access,
    "1.3.6.1.5.5.7.48.1.5": _no_check,
}
