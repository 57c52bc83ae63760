"""The authority's HTTP face: OCSP now; ACME, EST and the time stamps join as blueprints of their own.

It asks the issuer and renders; it decides nothing.
"""

from web.authority.app import create_app

__all__ = ["create_app"]
