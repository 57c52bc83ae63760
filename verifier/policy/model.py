"""What policy.toml says, as values. A policy is asked for the rules of a host and answers with one set."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from verifier.certificates.names import NameMismatch, normalise_host


class TrustMode(StrEnum):
    """Who may vouch for a site."""

    PUBLIC = "public"
    PINNED = "pinned"


class Revocation(StrEnum):
    """What a missing revocation answer means."""

    OFF = "off"
    SOFT = "soft"
    HARD = "hard"


class Cleartext(StrEnum):
    """What happens to an address that starts with http."""

    REFUSE = "refuse"
    UPGRADE = "upgrade"
    ALLOW = "allow"


REQUIREMENTS = frozenset({"sm2", "pq", "tlcp"})


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that one host falls under; the defaults are those of an untouched policy.

    ``issuers`` holds SHA-256 hashes of issuing CAs' SubjectPublicKeyInfo; ``scts`` is how many distinct logs
    must vouch, or "browser" for the browsers' count and operator rule; ``report`` allows to send a
    certificate whose promised entry is missing to the own service, which tells it that the site was visited;
    ``section`` names the place in the file.
    """

    trust: TrustMode = TrustMode.PUBLIC
    issuers: frozenset[bytes] = frozenset()
    require: frozenset[str] = frozenset()
    scts: int | Literal["browser"] = "browser"
    log_lists: tuple[str, ...] = ()
    revocation: Revocation = Revocation.SOFT
    cleartext: Cleartext = Cleartext.REFUSE
    report: bool = False
    section: str = "[default]"

    def __post_init__(self) -> None:
        """Hold the enumerations themselves: an unknown word would fall through the checks that compare."""
        object.__setattr__(self, "trust", TrustMode(self.trust))
        object.__setattr__(self, "revocation", Revocation(self.revocation))
        object.__setattr__(self, "cleartext", Cleartext(self.cleartext))
        if not self.require <= REQUIREMENTS:
            raise ValueError(f"require: expected any of {', '.join(sorted(REQUIREMENTS))}")


@dataclass(frozen=True, slots=True)
class Policy:
    """``default`` is for every host without rules of its own; ``sites`` is keyed by host or ``*.suffix``."""

    default: Rules
    sites: Mapping[str, Rules]
    root_files: tuple[str, ...] = ()

    def rules_for(self, host: str) -> Rules:
        """The most specific rules: of the exact host, of the longest wildcard that covers it, the default.

        ``*.corp.example`` covers every name below corp.example, at any depth, and not corp.example itself.
        """
        name = _as_written_in_policies(host)
        if name in self.sites:
            return self.sites[name]
        labels = name.split(".")
        for depth in range(1, len(labels)):
            wildcard = ".".join(("*", *labels[depth:]))
            if wildcard in self.sites:
                return self.sites[wildcard]
        return self.default


def _as_written_in_policies(host: str) -> str:
    """What is no host name at all falls under the default, and fails the check of its name."""
    try:
        return normalise_host(host)
    except NameMismatch:
        return host.lower().removesuffix(".")
