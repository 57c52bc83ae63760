"""The logs over HTTP: RFC 6962's API and static-ct-api for each log."""

from web.logs.app import Application
from web.logs.server import LogServer, ServerLimits

__all__ = ["Application", "LogServer", "ServerLimits"]
