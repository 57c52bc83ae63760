"""/evidence/<id>.json: what convinces a third party of an alert or a finding, as one file."""

from typing import Any

from flask import Blueprint, Response

from web.public.errors import Missing
from web.public.language import say
from web.public.negotiation import json_response
from web.public.sources import sources

blueprint = Blueprint("evidence", __name__)

_LARGEST = 2**62


@blueprint.get(f"/evidence/<int(max={_LARGEST}):alert>.json")
def alert(alert: int) -> Response:
    """Serve the evidence of an alert; ``mingjing audit --evidence FILE`` verifies it without this site."""
    return _file(sources().monitor.evidence.document(alert), f"mingjing-evidence-{alert}.json")


@blueprint.get(f"/audit/<int(max={_LARGEST}):audit>/evidence/<int(max=1000):position>.json")
def finding(audit: int, position: int) -> Response:
    """Serve the evidence of one failed finding of an audit, by its position from 0."""
    document = sources().monitor.evidence.finding(audit, position)
    return _file(document, f"mingjing-evidence-{audit}-{position}.json")


def _file(document: dict[str, Any] | None, name: str) -> Response:
    if document is None:
        raise Missing(
            say("There is no evidence at this address."),
            way_out=say("The page Audits lists the alerts, each with its evidence."),
        )
    response = json_response(document)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
