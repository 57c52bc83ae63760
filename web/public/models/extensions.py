"""A certificate's extensions in words; the bytes of each stay beside them."""

from dataclasses import dataclass

from verifier.certificates import Certificate
from web.public.language import Text, say
from web.public.models.rare_extensions import rare_lines

_NAMES = {
    "2.5.29.9": "Subject directory attributes",
    "2.5.29.14": "Subject key identifier",
    "2.5.29.15": "Key usage",
    "2.5.29.16": "Private key usage period",
    "2.5.29.17": "Subject alternative names",
    "2.5.29.18": "Issuer alternative names",
    "2.5.29.19": "Basic constraints",
    "2.5.29.30": "Name constraints",
    "2.5.29.31": "CRL distribution points",
    "2.5.29.32": "Certificate policies",
    "2.5.29.33": "Policy mappings",
    "2.5.29.35": "Authority key identifier",
    "2.5.29.36": "Policy constraints",
    "2.5.29.37": "Extended key usage",
    "2.5.29.46": "Freshest CRL",
    "2.5.29.54": "Inhibit any policy",
    "1.3.6.1.5.5.7.1.1": "Authority information access",
    "1.3.6.1.5.5.7.1.3": "Qualified certificate statements",
    "1.3.6.1.5.5.7.1.11": "Subject information access",
    "1.3.6.1.5.5.7.1.24": "TLS feature",
    "1.3.6.1.5.5.7.1.36": "Related certificate",
    "1.3.6.1.5.5.7.48.1.5": "OCSP no check",
    "1.3.6.1.4.1.11129.2.4.2": "Signed certificate timestamps",
    "1.3.6.1.4.1.11129.2.4.3": "Precertificate poison",
}
_PURPOSES = {
    "1.3.6.1.5.5.7.3.1": "TLS server",
    "1.3.6.1.5.5.7.3.2": "TLS client",
    "1.3.6.1.5.5.7.3.3": "code signing",
    "1.3.6.1.5.5.7.3.4": "email protection",
    "1.3.6.1.5.5.7.3.8": "timestamping",
    "1.3.6.1.5.5.7.3.9": "OCSP signing",
    "2.5.29.37.0": "any purpose",
}


@dataclass(frozen=True, slots=True)
class ExtensionShown:
    """One extension: its name, its OID, what it says, and its bytes."""

    oid: str
    name: Text
    critical: bool
    lines: tuple[Text | str, ...]
    value: bytes


def extensions_shown(certificate: Certificate) -> tuple[ExtensionShown, ...]:
    """Return the extensions in the certificate's own order."""
    return tuple(
        ExtensionShown(
            extension.oid,
            say(_NAMES.get(extension.oid, "Extension")),
            extension.critical,
            _lines(certificate, extension.oid) or rare_lines(extension.oid, extension.value),
            extension.value,
        )
        for extension in certificate.extensions
    )


def purposes(certificate: Certificate) -> tuple[Text, ...]:
    """Return the extended key usages in words, sorted."""
    return tuple(say(_PURPOSES.get(oid, oid)) for oid in _sorted_purposes(certificate))


def _sorted_purposes(certificate: Certificate) -> list[str]:
    return sorted(certificate.extended_key_usage, key=lambda oid: _PURPOSES.get(oid, oid))


def _lines(certificate: Certificate, oid: str) -> tuple[Text | str, ...]:
    """Return what an extension says that the verifier reads itself; nothing for the others."""
    known: dict[str, tuple[Text | str, ...]] = {
        "2.5.29.14": _hex(certificate.subject_key_id),
        "2.5.29.15": tuple(say(usage.replace("_", " ")) for usage in sorted(certificate.key_usage)),
        "2.5.29.17": _names(certificate),
        "2.5.29.19": (_basic_constraints(certificate),),
        "2.5.29.31": certificate.crl_urls,
        "2.5.29.35": _hex(certificate.authority_key_id),
        "2.5.29.37": purposes(certificate),
        "1.3.6.1.5.5.7.1.1": (
            *(say("OCSP {url}", url=url) for url in certificate.ocsp_urls),
            *(say("issuer {url}", url=url) for url in certificate.issuer_urls),
        ),
        "1.3.6.1.5.5.7.1.24": _stapled(certificate),
        "1.3.6.1.5.5.7.1.36": _hex(certificate.related_certificate),
        "1.3.6.1.4.1.11129.2.4.2": (say("shown above, each with its state"),),
        "1.3.6.1.4.1.11129.2.4.3": (say("this is a precertificate: no client accepts it"),),
    }
    return known.get(oid, ())


def _names(certificate: Certificate) -> tuple[Text, ...]:
    return (
        *(say("DNS {name}", name=name) for name in certificate.dns_names),
        *(say("IP {address}", address=address) for address in certificate.ip_addresses),
        *(say("email {address}", address=address) for address in certificate.email_addresses),
    )


def _stapled(certificate: Certificate) -> tuple[Text, ...]:
    return (say("a stapled OCSP answer is required"),) if certificate.must_staple else ()


def _hex(value: bytes | None) -> tuple[str, ...]:
    return (value.hex(),) if value else ()


def _basic_constraints(certificate: Certificate) -> Text:
    if not certificate.is_ca:
        return say("not a CA")
    if certificate.path_length is None:
        return say("a CA, with any number of CAs below it")
    return say("a CA, with at most {count} CAs below it", count=certificate.path_length)
