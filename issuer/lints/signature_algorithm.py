"""One strong signature algorithm, named alike inside and outside, and the issuer's own."""

import datetime as dt
from collections.abc import Iterator

from asn1crypto import x509

from issuer.lints.rule import ALL_KINDS, LintTarget, Rule


def check(target: LintTarget) -> Iterator[str]:
    outer = x509.Certificate.load(target.certificate.der)["signature_algorithm"]
    if outer.dump() != target.tbs["signature"].dump():
        yield "signatureAlgorithm differs inside and outside the signed part"
    signer = target.certificate if target.issuer is None else target.issuer
    expected = signer.public_key.default_scheme
    if target.certificate.signature_scheme is not expected:
        yield f"signed with {target.certificate.signature_oid}, this issuer signs {expected.name}"


RULE = Rule(
    "signature-algorithm",
    "RFC 5280 section 4.1.1.2; BR section 7.1.3.2",
    dt.date(2008, 5, 1),
    ALL_KINDS,
    check,
)
