"""A certificate that somebody brings, judged by this organisation's own policy."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from monitor import Monitor
from monitor.values import CertificateDetail
from proxy_addon.connect.fetch import Http
from proxy_addon.connect.trust import TrustKeeper
from proxy_addon.settings import load_settings
from verifier.certificates import Certificate
from verifier.certificates.certificate import MAX_CHAIN_LENGTH
from verifier.judge import Evidence, Handshake, Verdict, judge_certificate
from verifier.judge.verdict import Code
from web.public.errors import BadParameter
from web.public.language import say

HTTPS_PORT: Final = 443
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}")


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was brought, the verdict on it, and what the logs hold of it; ``chain`` has the leaf first."""

    chain: tuple[Certificate, ...]
    host: str
    verdict: Verdict
    logged: CertificateDetail | None

    @property
    def leaf(self) -> Certificate:
        return self.chain[0]

    @property
    def header(self) -> str:
        """The verdict in the words of the proxy's header, without algorithms: there was no connection."""
        deciding = self.verdict.deciding
        return f"refused; {deciding.code or Code.CHECK_FAILED}" if deciding else "trusted"


def named_host(asked: str, leaf: Certificate) -> str:
    """Return the name that the certificate is judged for: the one asked for, else its own first name."""
    if asked and not _HOST.fullmatch(asked):
        raise BadParameter(say("host must be a DNS name or an IP address."), field="host")
    own = next(iter((*leaf.dns_names, *leaf.ip_addresses)), leaf.common_name)
    return asked or own.replace("*", "any", 1)  # a wildcard is judged for a name below it


def inspect(
    chain: tuple[Certificate, ...], asked: str, data: Path, monitor: Monitor, now: datetime
) -> Inspection:
    """Judge as the organisation's proxy would on meeting this chain.

    The issuers that the logs know and the CRLs that this service publishes are added to what was brought.
    Raises BadParameter, SettingsError.
    """
    host, logged = named_host(asked, chain[0]), monitor.join(chain[0])
    known = logged.chain if logged else ()
    evidence = Evidence(
        host=host,
        port=HTTPS_PORT,
        handshake=Handshake.ESTABLISHED,
        chain=tuple(dict.fromkeys(one.der for one in (*chain, *known)))[:MAX_CHAIN_LENGTH],
        crls=tuple(path.read_bytes() for path in sorted((data / "crl").glob("*.crl"))),
    )
    settings = load_settings(data)
    policy, trust = TrustKeeper(settings, Http(settings), lambda: now).current()
    return Inspection(chain, host, judge_certificate(evidence, policy, trust, now), logged)
