"""How much one address may ask: a bucket of tokens each, so that no single client crowds out the others."""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from web.logs.http import HttpError, Request

_ADDRESSES: Final = 10_000
_IPV6_PREFIX: Final = 64
"""One IPv6 customer has at least a /64, so all of it is one address here."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests a second that one address may go on sending, and how many at once after a pause."""

    per_second: float
    burst: int


SUBMISSIONS: Final = Rate(per_second=50, burst=500)
"""A CA submits at most each certificate it issues; the busiest public one issues about a hundred a second."""

QUESTIONS: Final = Rate(per_second=100, burst=1000)
"""A monitor that follows the log reads 256 entries with one request."""


class RateLimit:
    """Counts the requests of the addresses seen last. This machine itself is not limited."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens left, and when

    def check(self, request: Request) -> None:
        """Take one token; raises HttpError 429 when the address has none."""
        address = client_address(request)
        if address is None:
            return
        now = self._clock()
        with self._lock:
            tokens, since = self._buckets.pop(address, (float(self._rate.burst), now))
            tokens = min(self._rate.burst, tokens + (now - since) * self._rate.per_second)
            self._buckets[address] = (max(0.0, tokens - 1), now)
            if len(self._buckets) > _ADDRESSES:
                self._buckets.popitem(last=False)
        if tokens < 1:
            raise HttpError(429, "too many requests from this address; slow down", Retry_After="1")


def client_address(request: Request) -> str | None:
    """Return who asks, None for this machine itself.

    The last X-Forwarded-For is believed only from this machine, where the public site forwards requests.
    """
    address = _parse(request.address)
    if address is None or address.is_loopback:
        forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2]
        address = _parse(forwarded.strip())
    if address is None or address.is_loopback:
        return None
    if address.version == 6:  # noqa: PLR2004 -- the version's own number
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address)


@lru_cache(maxsize=1024)
def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
