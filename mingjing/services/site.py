"""The public transparency site."""

from datetime import timedelta
from pathlib import Path

from mingjing.config import Config
from mingjing.serving import serve


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
        demo=settings.demo,
        logs_url=f"http://{host}:{settings.listen.logs}",
        authority_url=f"https://127.0.0.1:{settings.listen.authority}",
        proxy_url=f"http://{host}:{settings.listen.proxy}",
        merge_delay=timedelta(seconds=settings.merge_delay),
    )
    serve(create_app(site), settings.listen.host, settings.listen.site)
