"""What each demo site is, and the verdict it must get: the one table of them."""

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
    """One demo site. ``expected`` is the lasting verdict, ``at_first`` another that is right before it."""

    label: str
    what: str
    expected: str
    listener: Listener = Listener.DUAL
    at_first: str = ""
    note: str = ""

    @property
    def host(self) -> str:
        return f"{self.label}.{DOMAIN}"

    @property
    def scheme(self) -> str:
        return "http" if self.listener is Listener.CLEARTEXT else "https"


SITES = (
    Site(
        "good",
        "An SM2 and an ECC certificate of the organisation's own issuing CA on one port, with the promises "
        "of two logs in each.",
        "trusted; sm2",
    ),
    Site("ecc", "The ECC certificate of a pair, on a server without SM2.", "trusted; ecc", Listener.ECC),
    Site(
        "rogue",
        "A certificate of another CA: browsers would accept it, but it is not the one that is pinned here.",
        "refused; issuer-not-pinned",
    ),
    Site("nosct", "The pinned CA, but no log has promised to show the certificate.", "refused; sct-missing"),
    Site("forged-sct", "The pinned CA, with promises whose signatures are damaged.", "refused; sct-invalid"),
    Site(
        "unlogged",
        "Valid promises of two logs that never keep them.",
        "refused; sct-not-included",
        at_first="trusted; sm2",
        note="Trusted until the logs' merge delay has passed; then the missing entry is noticed.",
    ),
    Site("expired", "A certificate whose time is over.", "refused; certificate-expired"),
    Site("revoked", "A certificate that its CA has revoked.", "refused; certificate-revoked"),
    Site("wrong-name", "A certificate made for another name.", "refused; name-mismatch"),
    Site("plain", "A site without any encryption.", "refused; cleartext", Listener.CLEARTEXT),
)
CERTIFIED = tuple(site.label for site in SITES if site.listener is not Listener.CLEARTEXT)
