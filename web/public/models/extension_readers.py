"""The extensions of RFC 5280, RFC 6962 and RFC 7633 in words: read for show, never relied on.

Each reader takes the content of extnValue and yields lines. It may raise whatever its parser raises:
:func:`web.public.models.extensions.extensions_shown` shows the bytes as a tree then.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from asn1crypto import core, x509

from verifier.transparency.sct import parse_sct_list
from web.public.language import Text, join, say
from web.public.models.extension_names import ACCESS, POLICIES, PURPOSES
from web.public.models.general_names import general_name
from web.public.text import moment

type Lines = Iterator[Text | str]
type Reader = Callable[[bytes], Lines]
_USAGES: Final = (
    "digital signature", "content commitment", "key encipherment", "data encipherment", "key agreement",
    "key cert sign", "crl sign", "encipher only", "decipher only",
)  # fmt: skip
_STATUS_REQUEST, _STATUS_REQUEST_V2 = 5, 17  # RFC 7633, with the numbers of TLS extensions


def named(oid: str, names: dict[str, str]) -> Text:
    """Return an identifier with what it is called, or alone where nobody here knows it."""
    return say("{policy}, {oid}", policy=say(names[oid]), oid=oid) if oid in names else Text(oid, oid)


def octets(value: bytes) -> Lines:
    """Yield what an OCTET STRING holds, in hexadecimal."""
    yield bytes(core.OctetString.load(value, strict=True).native).hex()


def _authority_key(value: bytes) -> Lines:
    identifier = x509.AuthorityKeyIdentifier.load(value, strict=True)
    if identifier["key_identifier"].native:
        yield bytes(identifier["key_identifier"].native).hex()
    for name in identifier["authority_cert_issuer"] or ():
        yield say("of the certificate of {name}", name=general_name(name))
    serial = identifier["authority_cert_serial_number"].native
    if serial is not None:
        yield say("of the certificate with serial number {serial}", serial=f"{serial:x}")


def bits(value: bytes, names: tuple[str, ...]) -> Lines:
    """Yield the name of each bit that is set."""
    for number, bit in enumerate(core.BitString.load(value, strict=True).native):
        if bit:
            yield say(names[number]) if number < len(names) else say("bit {number}", number=number)


def _key_usage(value: bytes) -> Lines:
    return bits(value, _USAGES)


def _names(value: bytes) -> Lines:
    for name in x509.GeneralNames.load(value, strict=True):
        yield general_name(name)


def _basic_constraints(value: bytes) -> Lines:
    found = x509.BasicConstraints.load(value, strict=True).native
    if not found["ca"]:
        yield say("not a CA")
    elif found["path_len_constraint"] is None:
        yield say("a CA, with any number of CAs below it")
    else:
        yield say("a CA, with at most {count} CAs below it", count=found["path_len_constraint"])


def _name_constraints(value: bytes) -> Lines:
    constraints = x509.NameConstraints.load(value, strict=True)
    for tree in constraints["permitted_subtrees"] or ():
        yield say("permitted: {name}", name=general_name(tree["base"]))
    for tree in constraints["excluded_subtrees"] or ():
        yield say("excluded: {name}", name=general_name(tree["base"]))


def _distribution_points(value: bytes) -> Lines:
    for point in x509.CRLDistributionPoints.load(value, strict=True):
        where = point["distribution_point"]
        if where.native and where.name == "full_name":
            yield from map(general_name, where.chosen)
        elif where.native:
            yield say("relative to its issuer: {name}", name=where.chosen.dump().hex())
        if reasons := point["reasons"].native:
            words = [say(reason.replace("_", " ")) for reason in sorted(reasons)]
            yield say("for these reasons: {reasons}", reasons=join(", ", words))
        for name in point["crl_issuer"] or ():
            yield say("signed by {name}", name=general_name(name))


def _policies(value: bytes) -> Lines:
    for policy in x509.CertificatePolicies.load(value, strict=True):
        yield named(policy["policy_identifier"].dotted, POLICIES)
        for qualifier in policy["policy_qualifiers"] or ():
            yield _qualifier(qualifier)


def _qualifier(qualifier: Any) -> Text:
    kind, held = qualifier["policy_qualifier_id"].native, qualifier["qualifier"]
    if kind == "certification_practice_statement":
        return say(
            "statement of practice: {url}", url=bytes(held.contents).decode("utf-8", "backslashreplace")
        )
    if kind != "user_notice":
        return say(
            "qualifier {oid}: {value}", oid=qualifier["policy_qualifier_id"].dotted, value=held.dump().hex()
        )
    notice = held.native
    reference = notice["notice_ref"]
    said = notice["explicit_text"] or ""
    if reference:
        numbers = ", ".join(map(str, reference["notice_numbers"]))
        said = f"{said} ({reference['organization']}, {numbers})".strip()
    return say("notice: {text}", text=said)


def _policy_mappings(value: bytes) -> Lines:
    for mapping in x509.PolicyMappings.load(value, strict=True):
        yield f"{mapping['issuer_domain_policy'].dotted} = {mapping['subject_domain_policy'].dotted}"


def _policy_constraints(value: bytes) -> Lines:
    constraints = x509.PolicyConstraints.load(value, strict=True).native
    required, inhibited = constraints["require_explicit_policy"], constraints["inhibit_policy_mapping"]
    if required is not None:
        yield say("an explicit policy is required after {count} CAs", count=required)
    if inhibited is not None:
        yield say("no policy mapping after {count} CAs", count=inhibited)


def _inhibited(value: bytes) -> Lines:
    count = core.Integer.load(value, strict=True).native
    yield say("any policy is not accepted after {count} CAs", count=count)


def _extended_usage(value: bytes) -> Lines:
    for purpose in x509.ExtKeyUsageSyntax.load(value, strict=True):
        yield named(purpose.dotted, PURPOSES)


def _access(value: bytes) -> Lines:
    for description in x509.AuthorityInfoAccessSyntax.load(value, strict=True):
        method, where = description["access_method"].dotted, general_name(description["access_location"])
        kind = say(ACCESS[method]) if method in ACCESS else method
        yield say("{kind}: {where}", kind=kind, where=where)


def _period(value: bytes) -> Lines:
    period = x509.PrivateKeyUsagePeriod.load(value, strict=True).native
    start, end = period["not_before"], period["not_after"]
    yield say("from {start}", start=moment(start)) if start else say("from its start")
    yield say("until {end}", end=moment(end)) if end else say("until its end")


def _features(value: bytes) -> Lines:
    for feature in core.SequenceOf.load(value, strict=True, spec=core.Integer):
        if feature.native == _STATUS_REQUEST:
            yield say("a stapled OCSP answer is required")
        elif feature.native == _STATUS_REQUEST_V2:
            yield say("stapled OCSP answers for the whole chain are required")
        else:
            yield say("TLS extension {number} is required", number=feature.native)


def _timestamps(value: bytes) -> Lines:
    for sct in parse_sct_list(bytes(core.OctetString.load(value, strict=True).native)):
        algorithm = sct.scheme.name.lower() if sct.scheme else f"0x{sct.algorithm:04x}"
        yield say(
            "log {id}, {when}, {algorithm}", id=sct.log_id.hex(), when=moment(sct.time), algorithm=algorithm
        )


def _poison(_value: bytes) -> Lines:
    yield say("this is a precertificate: no client accepts it")


def _no_check(_value: bytes) -> Lines:
    yield say("clients need not ask whether this OCSP signer is revoked")


def _no_revocation(_value: bytes) -> Lines:
    yield say("its CA will publish no revocation of it")


STANDARD: Final[dict[str, Reader]] = {
    "2.5.29.14": octets,
    "2.5.29.15": _key_usage,
    "2.5.29.16": _period,
    "2.5.29.17": _names,
    "2.5.29.18": _names,
    "2.5.29.19": _basic_constraints,
    "2.5.29.30": _name_constraints,
    "2.5.29.31": _distribution_points,
    "2.5.29.32": _policies,
    "2.5.29.33": _policy_mappings,
    "2.5.29.35": _authority_key,
    "2.5.29.36": _policy_constraints,
    "2.5.29.37": _extended_usage,
    "2.5.29.46": _distribution_points,
    "2.5.29.54": _inhibited,
    "2.5.29.56": _no_revocation,
    "1.3.6.1.5.5.7.1.1": _access,
    "1.3.6.1.5.5.7.1.11": _access,
    "1.3.6.1.5.5.7.1.24": _features,
    "1.3.6.1.5.5.7.48.1.5": _no_check,
    "1.3.6.1.4.1.11129.2.4.2": _timestamps,
    "1.3.6.1.4.1.11129.2.4.3": _poison,
}
