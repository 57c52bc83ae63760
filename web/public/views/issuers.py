"""/issuers: the hierarchies drawn, and each CA with its downloads."""

from flask import Blueprint, Response

from verifier.certificates import Certificate, load_pem_chain
from verifier.errors import MalformedInput
from web.public.drawing import draw_hierarchy
from web.public.errors import NotReady
from web.public.models.issuers import authorities, authority_facts, trees
from web.public.negotiation import page
from web.public.pictures import inline
from web.public.sources import sources

blueprint = Blueprint("issuers", __name__)


@blueprint.get("/issuers")
def show() -> Response:
    """Show this service's CAs, then those that the logs' chains name."""
    published = {name: _first(name) for name in sources().ca_names()}
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


def _first(name: str) -> Certificate:
    try:
        return load_pem_chain(sources().ca_pem(name))[0]
    except MalformedInput as error:
        raise NotReady(f"The certificate of the CA {name} cannot be read: {error}.") from error
