"""What an authority is told: whom it issues for, where it is reached, which logs it asks."""

import datetime as dt
from dataclasses import dataclass, field

from issuer.errors import RequestRefused
from issuer.names import canonical_name
from verifier.algorithms import PublicKey
from verifier.transparency.log_list import TemporalInterval

MAXIMUM_ORGANISATION = 64  # characters, RFC 5280 appendix A.1, ub-organization-name
MAXIMUM_COMMON_NAME = 64  # ub-common-name


@dataclass(frozen=True)
class LogEndpoint:
    """A transparency log as a submitter sees it: `url` is what stands before /ct/v1/.

    Logs of one `kind` stand in for each other; one without is of a kind of its own. `interval` is when the
    certificates that it takes end; None where it takes all.
    """

    name: str
    url: str
    key: PublicKey
    kind: str = ""
    interval: TemporalInterval | None = None


@dataclass(frozen=True)
class SubmissionSettings:
    """How long one log may take. `patience` bounds what a Retry-After may ask for."""

    timeout: dt.timedelta = dt.timedelta(seconds=30)
    attempts: int = 3
    patience: dt.timedelta = dt.timedelta(seconds=5)


@dataclass(frozen=True)
class AuthoritySettings:
    """`domain` is what the issuing CAs are constrained to; `public_url` goes into every certificate.

    `demo` allows what a real authority never does: times in the past, missing or damaged SCTs. `promises` is
    the least number of logs that must promise a certificate.
    """

    org: str
    domain: str
    public_url: str
    logs: tuple[LogEndpoint, ...] = ()
    promises: int = 0
    demo: bool = False
    submission: SubmissionSettings = field(default_factory=SubmissionSettings)
    crl_lifetime: dt.timedelta = dt.timedelta(days=7)
    ocsp_lifetime: dt.timedelta = dt.timedelta(hours=8)
    backdate: dt.timedelta = dt.timedelta(hours=1)

    def __post_init__(self) -> None:
        """Refuse what could never be certified.

        :raises RequestRefused: naming the setting.
        :raises NameNotPermitted: for a domain that is no host name.
        """
        if not 1 <= len(self.org.strip()) <= MAXIMUM_ORGANISATION or not self.org.isprintable():
            raise RequestRefused(
                f"the organisation's name has 1 to {MAXIMUM_ORGANISATION} printable characters"
            )
        if not self.public_url.startswith(("http://", "https://")) or not self.public_url.isascii():
            raise RequestRefused(f"the public URL {self.public_url!r} is no http or https URL")
        object.__setattr__(self, "domain", canonical_name(self.domain))
        object.__setattr__(self, "public_url", self.public_url.rstrip("/"))

    def crl_url(self, ca: str) -> str:
        return f"{self.public_url}/crl/{ca}.crl"

    def ocsp_url(self, ca: str) -> str:
        return f"{self.public_url}/ocsp/{ca}"

    def issuer_url(self, ca: str) -> str:
        return f"{self.public_url}/ca/{ca}.crt"

    def ca_common_name(self, title: str) -> str:
        """Return organisation and title, or the title alone where both are too long (ub-common-name)."""
        full = f"{self.org} {title}"
        return full if len(full) <= MAXIMUM_COMMON_NAME else title
