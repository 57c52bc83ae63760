"""Certificates as values, and what is true of them: paths, names, revocation, strength."""

from verifier.certificates.certificate import (
    MAX_CERTIFICATE_SIZE,
    MAX_CHAIN_LENGTH,
    Certificate,
    Extension,
    load_pem_chain,
    parse_chain,
)
from verifier.certificates.names import NameMismatch, match_name, normalise_host

__all__ = [
    "MAX_CERTIFICATE_SIZE", "MAX_CHAIN_LENGTH", "Certificate", "Extension", "NameMismatch", "load_pem_chain",
    "match_name", "normalise_host", "parse_chain",
]  # fmt: skip
