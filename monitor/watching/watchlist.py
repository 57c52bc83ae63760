"""watchlist.toml: what is watched, what is known, and who is told. Read strictly, line and key named."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from monitor.errors import MonitorError
from monitor.watching.values import Kind

FILE_NAME: Final = "watchlist.toml"

_TEMPLATE = """\
# watchlist.toml: whose certificates are watched for, and who is told of those that nobody here ordered.
# It is read again when it changes; a wrong one is refused while the old one stays in force, and that is
# shown by `mingjing watch show`. A newly watched name also finds the certificates that are indexed already.

public = false           # true: the site shows /watch to everybody; false: to this machine alone

names = [{names}]        # "www.corp.example": this name; ".corp.example": this and all below it.
                         # Wildcards that cover a watched name count; Unicode or A-labels, as you like
addresses = []           # "192.0.2.7", "2001:db8::/32"
organisations = []       # a part of the subject's organisation, in any case: "Corp Ltd"
issuers = []             # a part of the issuer's name: "CN=Some CA"
emails = []              # the domain of e-mail addresses in certificates: "corp.example", ".corp.example"
lookalikes = []          # names that a person would take for this one or one below it: "corp.example"

# Certificates that are known, by the SHA-256 of their TBS (without SCT list and poison), which every alert
# shows: "sha256:…". What this service's own CAs issued is known already. See also `mingjing watch authorise`.
authorised = []

[delivery]
past = "deliver"         # unexpired past certificates of a newly watched name: "deliver" or only "list"
give_up_after_days = 7   # then a notice that could not be delivered is set aside as dead, and shown as such

# [[webhook]]            # POST of JSON, signed as in the Standard Webhooks specification, by keys of this
# name = "operations"    # service: `mingjing watch key` prints the public ones, for the receiver to check
# url = "https://hooks.corp.example/certificates"
# secret_file = "watch-operations.secret"  # signed with HMAC too, for receivers that share a secret. Make it:
#                        # (umask 077; echo "whsec_$(openssl rand -base64 32)" > watch-operations.secret)
# ca_file = "internal-ca.pem"              # besides the system's roots
# timeout = 10           # seconds for the whole answer

# [[hook]]               # a program, run once a notice: JSON on stdin, the main facts in MINGJING_… variables
# name = "mail"
# program = "hooks/mail.sh"  # exit code 0: told; anything else: tried again later
# timeout = 30           # seconds
# digest_hours = 24      # for webhooks too: certificates together once in so many hours, all else at once
"""


class WatchlistError(MonitorError):
    """The watchlist file is wrong; the message names line and key, and what was expected."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A receiver of signed POST requests. The secret is read anew for every request, and never kept.

    Without one the receiver checks a signature by this service's own keys.
    """

    name: str
    url: str
    secret_file: Path | None
    ca_file: Path | None
    timeout: float
    digest: timedelta | None = None
    """How long certificates are gathered into one notice; None sends each at once."""

    kind = "webhook"


@dataclass(frozen=True, slots=True)
class Hook:
    """A program of the operator's, run once for each notice."""

    name: str
    program: Path
    timeout: float
    digest: timedelta | None = None
    """As for a webhook."""

    kind = "hook"


type ChannelSettings = Webhook | Hook


@dataclass(frozen=True, slots=True)
class Watchlist:
    """One file's content, checked. Names are in A-labels and lower case, networks in their shortest form."""

    watches: tuple[tuple[Kind, str], ...] = ()
    authorised: frozenset[bytes] = frozenset()
    channels: tuple[ChannelSettings, ...] = ()
    public: bool = False
    deliver_past: bool = True
    give_up_after: timedelta = timedelta(days=7)


def template(*names: str) -> str:
    """Return the commented file that a new data directory gets, with ``names`` watched."""
    return _TEMPLATE.format(names=", ".join(f'"{name}"' for name in names))
