"""Who asks: a visitor on this very machine, or one from elsewhere."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import request

from monitor.watching.values import WatchingState

_LOCAL_NAMES = frozenset({"localhost", "ip6-localhost"})
_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")


def may_see(state: WatchingState) -> bool:
    """Tell whether this visitor may know of the watchlist: it is public, or the visitor is on this machine.

    The Host header must name this machine too: a page elsewhere could have its own name lead here.
    """
    if state.public:
        return True
    if any(name in request.headers for name in _FORWARDED):
        return False
    return _is_local(request.remote_addr or "") and _is_local(urlsplit(f"//{request.host}").hostname or "")


def _is_local(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name in _LOCAL_NAMES
