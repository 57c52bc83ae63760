"""A relying party can ask whether the certificate was revoked, and fetch its issuer."""

import datetime as dt
from collections.abc import Iterator

from issuer.lints.rule import Kind, LintTarget, Rule


def check(target: LintTarget) -> Iterator[str]:
    certificate = target.certificate
    pointers = {
        "OCSP": certificate.ocsp_urls,
        "caIssuers": certificate.issuer_urls,
        "CRL": certificate.crl_urls,
    }
    for what, urls in pointers.items():
        if not urls:
            yield f"there is no pointer to {what}"
        if not all(url.startswith(("http://", "https://")) for url in urls):
            yield f"the pointer to {what} is not an HTTP URL"


RULE = Rule(
    "revocation-pointers",
    "RFC 5280 section 4.2.1.13 and 4.2.2.1; BR section 7.1.2.7.7",
    dt.date(2008, 5, 1),
    frozenset({Kind.LEAF, Kind.ISSUING}),
    check,
)
