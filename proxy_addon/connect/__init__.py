"""Opening upstream connections and gathering evidence: sockets, TLS and HTTP, and no mitmproxy."""

from proxy_addon.connect.check import CheckResult, check

__all__ = ["CheckResult", "check"]
