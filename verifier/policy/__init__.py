"""policy.toml: which checks a site must pass."""

from verifier.policy.model import Cleartext, Policy, Revocation, Rules, TrustMode

__all__ = ["Cleartext", "Policy", "Revocation", "Rules", "TrustMode"]
