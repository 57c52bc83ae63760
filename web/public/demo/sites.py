"""The demo's sites: what each is, and the verdict that it must get.

The table of the outside contract, less the sites that later work brings.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoSite:
    """One site; ``expected`` holds every verdict that is right, the lasting one last."""

    host: str
    what: str
    expected: tuple[str, ...]
    scheme: str = "https"
    note: str = ""

    @property
    def url(self) -> str:
        """Its address behind the proxy."""
        return f"{self.scheme}://{self.host}/"


def _trusted(label: str, what: str, algorithms: str) -> DemoSite:
    return DemoSite(f"{label}.mingjing.test", what, (f"trusted; {algorithms}",))


def _refused(label: str, what: str, code: str) -> DemoSite:
    return DemoSite(f"{label}.mingjing.test", what, (f"refused; {code}",))


SITES = (
    _trusted(
        "good",
        "An SM2 and an ECC certificate of the organisation's own issuing CA on one port, with the promises "
        "of two logs in each.",
        "sm2",
    ),
    _trusted("ecc", "The ECC certificate of a pair, on a server that knows no SM2.", "ecc"),
    _refused(
        "rogue",
        "A certificate of another CA: browsers would accept it, but it is not the one that is pinned here.",
        "issuer-not-pinned",
    ),
    _refused("nosct", "The pinned CA, but no log has promised to publish the certificate.", "sct-missing"),
    _refused("forged-sct", "The pinned CA, with promises whose signatures are damaged.", "sct-invalid"),
    DemoSite(
        "unlogged.mingjing.test",
        "Valid promises of two logs that never keep them.",
        ("trusted; sm2", "refused; sct-not-included"),
        note="Trusted until the logs' merge delay has passed; then the missing entry is noticed.",
    ),
    _refused("expired", "A certificate whose time is over.", "certificate-expired"),
    _refused("revoked", "A certificate that its CA has revoked.", "certificate-revoked"),
    _refused("wrong-name", "A certificate made for another name.", "name-mismatch"),
    DemoSite("plain.mingjing.test", "A site without any encryption.", ("refused; cleartext",), scheme="http"),
)
