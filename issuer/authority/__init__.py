"""The certificate authority: its hierarchy, issuing, delivering, revoking."""

from issuer.authority.authority import Authority, canonical_serial, utc_now
from issuer.authority.delivery import check_directory, write_dual
from issuer.authority.requests import (
    CertifiedKey,
    CertifiedSet,
    DualCertificate,
    IssuedCertificate,
    IssueRequest,
    SctSource,
    SubscriberKeys,
)
from issuer.authority.submission import LogClient
from issuer.hierarchy import CertificateAuthority, create_hierarchy, load_hierarchy
from issuer.settings import AuthoritySettings, LogEndpoint, SubmissionSettings

__all__ = [
    "Authority",
    "AuthoritySettings",
    "CertificateAuthority",
    "CertifiedKey",
    "CertifiedSet",
    "DualCertificate",
    "IssueRequest",
    "IssuedCertificate",
    "LogClient",
    "LogEndpoint",
    "SctSource",
    "SubmissionSettings",
    "SubscriberKeys",
    "canonical_serial",
    "check_directory",
    "create_hierarchy",
    "load_hierarchy",
    "utc_now",
    "write_dual",
]
