"""The public transparency site."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mingjing.config import Config
from mingjing.serving import serve

if TYPE_CHECKING:
    from web.public.settings import DemoSite


def run(data: Path, settings: Config) -> None:
    """Serve until SIGTERM."""
    from web.public import create_app
    from web.public.settings import SiteSettings

    host = settings.local_host
    site = SiteSettings(
        data=data,
        public_url=settings.public_url,
        org=settings.org,
        domain=settings.domain,
        operator=settings.operator,
        demo_sites=demo_sites() if settings.demo else (),
        logs_url=f"http://{host}:{settings.listen.logs}",
        authority_url=f"https://127.0.0.1:{settings.listen.authority}",
        proxy_url=f"http://{host}:{settings.listen.proxy}",
        merge_delay=timedelta(seconds=settings.merge_delay),
    )
    serve(create_app(site), settings.listen.host, settings.listen.site)


def demo_sites() -> "tuple[DemoSite, ...]":
    """Return the demo's sites as the site's /demo page shows them."""
    from mingjing.demo.sites import SITES
    from web.public.settings import DemoSite

    return tuple(
        DemoSite(
            host=site.host,
            what=site.what,
            expected=(*filter(None, (site.at_first,)), site.expected),
            scheme=site.scheme,
            note=site.note,
        )
        for site in SITES
    )
