"""policy.toml: which checks a site must pass."""

from verifier.policy.model import Cleartext, Policy, Revocation, Rules, TrustMode
from verifier.policy.parse import parse_policy

__all__ = ["Cleartext", "Policy", "Revocation", "Rules", "TrustMode", "parse_policy"]
