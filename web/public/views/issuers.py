"""/issuers: the hierarchies drawn, and each CA with its downloads."""

from flask import Blueprint, Response

from web.public.drawing import draw_hierarchy
from web.public.models.issuers import authorities, authority_facts, trees
from web.public.negotiation import page
from web.public.pictures import inline
from web.public.sources import sources

blueprint = Blueprint("issuers", __name__)


@blueprint.get("/issuers")
def show() -> Response:
    """Show this service's CAs, then those that the logs' chains name."""
    published = {name: sources().ca_certificate(name) for name in sources().ca_names()}
    members = authorities(published, sources().crl_names(), sources().monitor.issuers())
    found = trees(members)
    facts = {
        "trees": [
            {"heading": tree.heading, "authorities": [authority_facts(member) for member in tree.members]}
            for tree in found
        ]
    }
    ours = [(tree, inline(draw_hierarchy(tree.drawn))) for tree in found if tree.members[0].published]
    others = [tree for tree in found if not tree.members[0].published]
    return page("issuers.html", facts, ours=ours, others=others)
