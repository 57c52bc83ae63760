"""What each demo site is, and the verdict it must get."""

from dataclasses import dataclass
from enum import StrEnum

DOMAIN = "mingjing.test"
MERGE_DELAY_SECONDS = 30
AUDIT_SECONDS = 10


class Listener(StrEnum):
    """Which of the demo's ports a site lives on."""

    DUAL = "dual"
    ECC = "ecc"
    CLEARTEXT = "cleartext"


@dataclass(frozen=True, slots=True)
class Site:
    """One demo site."""

    label: str
    what: str
    expected: str
    listener: Listener = Listener.DUAL

    @property
    def host(self) -> str:
        return f"{self.label}.{DOMAIN}"


SITES = (
    Site("good", "a dual-certificate site of the pinned issuing CA, both promises embedded", "trusted; sm2"),
    Site("ecc", "an ECC-only listener with the ECC certificate of a pair", "trusted; ecc", Listener.ECC),
    Site(
        "rogue",
        "a certificate of a CA that is publicly anchored, but not the pinned one",
        "issuer-not-pinned",
    ),
    Site("nosct", "the pinned issuer, but no log has promised to publish it", "sct-missing"),
    Site("forged-sct", "the pinned issuer, with damaged signatures in its promises", "sct-invalid"),
    Site("unlogged", "valid promises of two logs that never kept them", "sct-not-included"),
    Site("expired", "a certificate whose time is over", "certificate-expired"),
    Site("revoked", "a certificate that its issuer has revoked", "certificate-revoked"),
    Site("wrong-name", "a certificate for another name", "name-mismatch"),
    Site("plain", "cleartext HTTP only", "cleartext", Listener.CLEARTEXT),
)
CERTIFIED = tuple(site.label for site in SITES if site.listener is not Listener.CLEARTEXT)
