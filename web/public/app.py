"""The factory of the public transparency site."""

import secrets

from flask import Flask

from web.public import filters, headers, language, problems, sources, views
from web.public.language import say
from web.public.settings import Clock, SiteSettings, utc_now
from web.public.upstream import Upstream

_QUERY_LIMIT = 64 * 2**10


def create_app(settings: SiteSettings, *, clock: Clock = utc_now) -> Flask:
    """Make the WSGI application; it may be called from many threads.

    Nothing is opened before the first request: a data directory that fills later works.
    """
    app = Flask("web.public", static_url_path="/static")
    app.config.update(SECRET_KEY=secrets.token_hex(16), SEND_FILE_MAX_AGE_DEFAULT=3600)
    app.config["MAX_CONTENT_LENGTH"] = _QUERY_LIMIT
    upstreams = {
        "logs": Upstream(say("The log service"), settings.logs_url),
        "authority": Upstream(say("The issuing authority"), settings.authority_url, settings.roots_file),
    }
    site = sources.Site(settings, clock, upstreams)
    sources.register(app, site)
    site.requests.register(app)
    language.register(app)
    filters.register(app)
    problems.register(app)
    headers.register(app)
    views.register(app)
    if settings.demo:
        from web.public import demo  # the only page that opens connections as the proxy does

        demo.register(app, settings.demo_sites)
    return app
