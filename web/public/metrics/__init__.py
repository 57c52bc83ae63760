"""/metrics: what an operator's Prometheus asks for, read from the monitor's database when asked."""

from web.public.metrics.exposition import CONTENT_TYPE, Family, Kind, written
from web.public.metrics.requests import Requests

__all__ = ["CONTENT_TYPE", "Family", "Kind", "Requests", "written"]
