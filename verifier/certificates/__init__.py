"""Certificates as values, and what is true of them: paths, names, revocation, strength."""

from verifier.certificates.certificate import (
    MAX_CERTIFICATE_SIZE,
    MAX_CHAIN_LENGTH,
    Certificate,
    load_pem_chain,
    parse_chain,
)
from verifier.certificates.crl import MAX_CRL_SIZE
from verifier.certificates.names import NameMismatch, match_name, normalise_host
from verifier.certificates.ocsp import MAX_RESPONSE_SIZE, ocsp_request, stapled_sct_list
from verifier.certificates.path import Path, Purpose, build_path
from verifier.certificates.reasons import CLOCK_SKEW, RevocationUnusable
from verifier.certificates.revocation import RevocationState, RevocationStatus, revocation_status
from verifier.certificates.strength import weaknesses
from verifier.certificates.tbs import Extension

__all__ = [
    "CLOCK_SKEW", "MAX_CERTIFICATE_SIZE", "MAX_CHAIN_LENGTH", "MAX_CRL_SIZE", "MAX_RESPONSE_SIZE",
    "Certificate", "Extension", "NameMismatch", "Path", "Purpose", "RevocationState", "RevocationStatus",
    "RevocationUnusable", "build_path", "load_pem_chain", "match_name", "normalise_host", "ocsp_request",
    "parse_chain", "revocation_status", "stapled_sct_list", "weaknesses",
]  # fmt: skip
