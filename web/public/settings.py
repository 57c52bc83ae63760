"""What the public site is told when it starts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DemoSite:
    """A site that /demo checks; ``expected`` holds every verdict that is right, the lasting one last."""

    host: str
    what: str
    expected: tuple[str, ...]
    scheme: str = "https"
    note: str = ""

    @property
    def url(self) -> str:
        """Its address behind the proxy."""
        return f"{self.scheme}://{self.host}/"


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """One site: where its facts lie and where the services stand that it forwards to.

    ``data`` is the data directory, of which the site reads ``monitor.db``, ``ca/``, ``crl/``,
    ``log-list.json``, ``log-list.rfc6962.json`` and ``trust-bundle.json`` and writes nothing.
    ``logs_url`` and ``authority_url`` are bases without a trailing slash; ``authority_roots`` is the
    PEM file that the authority's https certificate must chain to (default: ``data``/ca/roots.pem).
    """

    data: Path
    public_url: str
    org: str
    domain: str
    operator: str
    demo_sites: tuple[DemoSite, ...] = ()
    logs_url: str = "http://127.0.0.1:8444"
    authority_url: str = "https://127.0.0.1:8442"
    authority_roots: Path | None = None
    proxy_url: str = "http://127.0.0.1:8441"
    merge_delay: timedelta = timedelta(seconds=60)

    @property
    def demo(self) -> bool:
        """Whether this is a demonstration, with a page that shows its sites."""
        return bool(self.demo_sites)

    @property
    def database(self) -> Path:
        """The monitor's database."""
        return self.data / "monitor.db"

    @property
    def roots_file(self) -> Path:
        """The anchors for the authority's https certificate."""
        return self.authority_roots or self.data / "ca" / "roots.pem"


Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present moment; the one clock of the site, replaced in tests."""
    return datetime.now(UTC)
