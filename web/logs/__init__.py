"""The logs over HTTP: RFC 6962's API and static-ct-api for each log."""

from web.logs.app import create_app

__all__ = ["create_app"]
