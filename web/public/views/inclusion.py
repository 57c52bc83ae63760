"""/inclusion/<log>?prefix=…: proofs for clients, asked for by a short prefix of the leaf hash."""

from flask import Blueprint, Response, request

from monitor.errors import PrefixError
from web.public.negotiation import json_response
from web.public.sources import sources

blueprint = Blueprint("inclusion", __name__)


@blueprint.get("/inclusion/<log>")
def answer(log: str) -> Response:
    """Answer with the proofs of every leaf whose hash starts with the prefix; JSON always."""
    prefix = request.args.get("prefix", "")
    try:
        return json_response(sources().monitor.answer_inclusion(log, prefix))
    except PrefixError as error:
        head = {"tree_size": error.tree_size, "tree_head": error.tree_head}
        facts = {"error": str(error), "field": "prefix", **head}
        return json_response(facts, status=400)
