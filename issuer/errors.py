"""What can go wrong while issuing and revoking. One tree, rooted in IssuerError."""

from collections.abc import Sequence
from datetime import datetime


class IssuerError(Exception):
    """The issuer could not do what it was asked; the message says what and why."""


class RequestRefused(IssuerError):
    """The request asks for something that this authority does not do."""


class NameNotPermitted(RequestRefused):
    """A name is malformed, or lies outside the issuing CA's name constraints."""


class LintFailed(IssuerError):
    """A certificate broke one of the rules of issuer/lints; it was not signed, or not delivered."""


class LogSubmissionFailed(IssuerError):
    """A transparency log gave no SCT that verifies. `log` is its name."""

    def __init__(self, log: str, why: str) -> None:
        super().__init__(f"could not get an SCT from log {log!r}: {why}")
        self.log = log


class TooFewLogs(LogSubmissionFailed):
    """Fewer logs take a certificate that ends at this time than must promise it."""

    def __init__(self, not_after: datetime, needed: int, names: Sequence[str]) -> None:
        IssuerError.__init__(
            self,
            f"{needed} logs must promise a certificate that ends {not_after:%Y-%m-%d %H:%M} UTC; of the "
            f"usable logs {' and '.join(names) or 'none'} takes it. Make another with `mingjing log create`.",
        )
        self.log = ""


class IssuanceMismatch(IssuerError):
    """What was signed is not what was linted: the certificate is withheld."""


class StoreError(IssuerError):
    """The issuer's database is of another version or refuses a change."""


class HierarchyError(IssuerError):
    """The certificates of the hierarchy, their keys and the database do not fit together."""


class UnknownCertificate(IssuerError):
    """No certificate with this serial number was issued here."""


class DeliveryError(IssuerError):
    """The certificates could not be written where they were wanted."""
