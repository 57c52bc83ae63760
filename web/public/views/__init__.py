"""The pages, one blueprint a file."""

from flask import Flask

from web.public.views import (
    audits,
    certificate,
    files,
    forward,
    health,
    home,
    inclusion,
    inspect,
    issuers,
    logs,
    search,
    verify,
)


def register(app: Flask) -> None:
    """Add every blueprint to ``app``."""
    pages = (home, search, certificate, logs, audits, issuers, verify, inspect)
    for module in (*pages, files, forward, inclusion, health):
        app.register_blueprint(module.blueprint)
