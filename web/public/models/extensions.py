"""A certificate's extensions in words; the bytes of each stay beside them."""

from dataclasses import dataclass

from verifier.certificates import Certificate

_NAMES = {
    "2.5.29.14": "Subject key identifier",
    "2.5.29.15": "Key usage",
    "2.5.29.17": "Subject alternative names",
    "2.5.29.19": "Basic constraints",
    "2.5.29.30": "Name constraints",
    "2.5.29.31": "CRL distribution points",
    "2.5.29.32": "Certificate policies",
    "2.5.29.35": "Authority key identifier",
    "2.5.29.37": "Extended key usage",
    "1.3.6.1.5.5.7.1.1": "Authority information access",
    "1.3.6.1.5.5.7.1.24": "TLS feature",
    "1.3.6.1.5.5.7.1.36": "Related certificate",
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
    name: str
    critical: bool
    lines: tuple[str, ...]
    value: bytes


def extensions_shown(certificate: Certificate) -> tuple[ExtensionShown, ...]:
    """Return the extensions in the certificate's own order."""
    return tuple(
        ExtensionShown(
            extension.oid,
            _NAMES.get(extension.oid, "Extension"),
            extension.critical,
            _lines(certificate, extension.oid),
            extension.value,
        )
        for extension in certificate.extensions
    )


def purposes(certificate: Certificate) -> tuple[str, ...]:
    """Return the extended key usages in words, sorted."""
    return tuple(sorted(_PURPOSES.get(oid, oid) for oid in certificate.extended_key_usage))


def _lines(certificate: Certificate, oid: str) -> tuple[str, ...]:
    """Return what an extension says; nothing for those whose bytes alone are shown."""
    known: dict[str, tuple[str, ...]] = {
        "2.5.29.14": _hex(certificate.subject_key_id),
        "2.5.29.15": tuple(sorted(usage.replace("_", " ") for usage in certificate.key_usage)),
        "2.5.29.17": (
            *(f"DNS {name}" for name in certificate.dns_names),
            *(f"IP {address}" for address in certificate.ip_addresses),
            *(f"email {address}" for address in certificate.email_addresses),
        ),
        "2.5.29.19": (_basic_constraints(certificate),),
        "2.5.29.31": certificate.crl_urls,
        "2.5.29.35": _hex(certificate.authority_key_id),
        "2.5.29.37": purposes(certificate),
        "1.3.6.1.5.5.7.1.1": (
            *(f"OCSP {url}" for url in certificate.ocsp_urls),
            *(f"issuer {url}" for url in certificate.issuer_urls),
        ),
        "1.3.6.1.5.5.7.1.24": ("a stapled OCSP answer is required",) if certificate.must_staple else (),
        "1.3.6.1.5.5.7.1.36": _hex(certificate.related_certificate),
        "1.3.6.1.4.1.11129.2.4.2": ("shown above, each with its state",),
        "1.3.6.1.4.1.11129.2.4.3": ("this is a precertificate: no client accepts it",),
    }
    return known.get(oid, ())


def _hex(value: bytes | None) -> tuple[str, ...]:
    return (value.hex(),) if value else ()


def _basic_constraints(certificate: Certificate) -> str:
    if not certificate.is_ca:
        return "not a CA"
    if certificate.path_length is None:
        return "a CA, with any number of CAs below it"
    return f"a CA, with at most {certificate.path_length} CAs below it"
