"""The OpenAPI 3.1 description of everything that the site answers in JSON, made from small tables."""

from web.public.openapi.forms import Json
from web.public.openapi.paths import paths
from web.public.openapi.schemas import SCHEMAS

__all__ = ["description"]


def description(public_url: str) -> Json:
    """Return the whole description, for a site at ``public_url``."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mingjing, the public transparency site",
            "version": "1",
            "description": "Certificates in public logs, audits of the logs, proofs. Sentences are English.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url}],
        "paths": paths(),
        "components": {"schemas": SCHEMAS},
    }
