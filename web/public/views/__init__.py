"""The pages, one blueprint a file."""

from flask import Flask

from web.public.views import (
    audits,
    calendar,
    certificate,
    evidence,
    feeds,
    files,
    forward,
    health,
    home,
    inclusion,
    inspect,
    issuers,
    logs,
    reports,
    search,
    verify,
    watch,
)


def register(app: Flask) -> None:
    """Add every blueprint to ``app``."""
    pages = (home, search, calendar, certificate, logs, audits, issuers, verify, inspect, watch)
    for module in (*pages, feeds, evidence, reports, files, forward, inclusion, health):
        app.register_blueprint(module.blueprint)
