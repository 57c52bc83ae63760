"""Revocation: reasons, CRLs, OCSP."""

from issuer.revocation.crl import CrlPublisher
from issuer.revocation.ocsp import OcspAnswer, OcspResponder
from issuer.revocation.reasons import RevocationReason

__all__ = ["CrlPublisher", "OcspAnswer", "OcspResponder", "RevocationReason"]
