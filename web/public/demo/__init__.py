"""The demo page: every demo site checked as the proxy would. Loaded only where there are demo sites."""

from web.public.demo.page import register

__all__ = ["register"]
