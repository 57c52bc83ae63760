"""What one request may ask: the monitor, the log list, the CA certificates and the clock.

The site decides nothing and keeps nothing. Files are read when asked for, so that what other
services write is seen at once; the monitor's database is opened once a request, read only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from flask import Flask, current_app, g

from monitor import Monitor
from monitor.store.counts import Counts
from verifier.certificates import Certificate, load_pem_chain
from verifier.errors import MalformedInput
from web.public.costly import Costly
from web.public.errors import Missing, NotReady
from web.public.language import Text, say
from web.public.metrics.requests import Requests
from web.public.settings import Clock, SiteSettings
from web.public.upstream import Upstream

_EXTENSION = "mingjing.site"
_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Site:
    """The parts of one application that its requests share."""

    settings: SiteSettings
    clock: Clock
    upstreams: Mapping[str, Upstream]
    counts: Costly[Counts] = field(default_factory=Costly)
    requests: Requests = field(default_factory=Requests)


class Sources:
    """Everything that one request may ask; made by :func:`sources`."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.settings = site.settings
        self.now: datetime = site.clock()
        self._monitor: Monitor | None = None

    @property
    def monitor(self) -> Monitor:
        """The monitor's database, read only, until the request ends."""
        if self._monitor is None:
            self._monitor = self.open_monitor()
        return self._monitor

    def counts(self) -> Counts:
        """Return the certificates by state; of a large database, as they were a few seconds ago."""
        return self.site.counts.get(self._count)

    def _count(self) -> Counts:
        """Count in whichever thread: with a connection and a clock of its own."""
        monitor = self.open_monitor()
        try:
            return monitor.tally.by_state(self.site.clock())
        finally:
            monitor.close()

    def open_monitor(self) -> Monitor:
        """Open it for something that outlives the request; the caller closes it."""
        return Monitor.open(self.settings.database, read_only=True, operator=self.settings.operator)

    def close(self) -> None:
        """Let go of what the request opened."""
        if self._monitor is not None:
            self._monitor.close()

    def ca_names(self) -> tuple[str, ...]:
        """Return the names under which this service's CAs are published, sorted."""
        folder = self.settings.data / "ca"
        found = (path.stem for path in folder.glob("*.pem") if path.is_file())
        return tuple(sorted(name for name in found if name != "roots" and _FILE_NAME.fullmatch(name)))

    def crl_names(self) -> tuple[str, ...]:
        """Return the names of the CAs that have published a revocation list."""
        return tuple(sorted(path.stem for path in (self.settings.data / "crl").glob("*.crl")))

    def ca_certificate(self, name: str) -> Certificate:
        """Return the certificate of the CA of that name; raises Missing, NotReady (damaged)."""
        pem = self._published("ca", name, "pem", say("There is no CA of this name."))
        try:
            return load_pem_chain(pem)[0]
        except MalformedInput as error:
            damaged = "The certificate of the CA {name} cannot be read: {reason}."
            raise NotReady(say(damaged, name=name, reason=error)) from error

    def crl(self, name: str) -> bytes:
        """Return the DER of the CRL of the CA of that name; raises Missing."""
        return self._published("crl", name, "crl", say("This CA has published no revocation list."))

    def document(self, name: str) -> bytes:
        """Return a file that the publisher writes into the data directory; raises NotReady."""
        try:
            return (self.settings.data / name).read_bytes()
        except FileNotFoundError:
            raise NotReady(
                say("The service has not published this yet."), way_out=say("Try again in a moment.")
            ) from None

    def _published(self, folder: str, name: str, ending: str, otherwise: Text) -> bytes:
        """Read a file whose name came from outside: only names that cannot leave the folder."""
        if not _FILE_NAME.fullmatch(name):
            raise Missing(otherwise)
        path: Path = self.settings.data / folder / f"{name}.{ending}"
        try:
            return path.read_bytes()
        except FileNotFoundError:
            where = say("The page Issuers lists the CAs of this service.")
            raise Missing(otherwise, way_out=where) from None


def register(app: Flask, site: Site) -> None:
    """Keep the shared parts with the application, and close what each request opened."""
    app.extensions[_EXTENSION] = site
    app.teardown_appcontext(_close)


def sources() -> Sources:
    """Return this request's sources, made when first asked for."""
    if "sources" not in g:
        g.sources = Sources(current_app.extensions[_EXTENSION])
    found: Sources = g.sources
    return found


def _close(_error: BaseException | None) -> None:
    found: Sources | None = g.pop("sources", None)
    if found is not None:
        found.close()
