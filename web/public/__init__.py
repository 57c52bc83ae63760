"""The public transparency site: search, certificates, logs, audits, issuers.

It asks the monitor and the verifier and renders; it decides nothing, holds no key and writes nothing.
"""

from web.public.app import create_app
from web.public.settings import SiteSettings

__all__ = ["SiteSettings", "create_app"]
