"""/demo: every demo site checked as the proxy would, for those without a proxy set up."""

from collections.abc import Sequence

from flask import Blueprint, Flask, Response, current_app, request

from proxy_addon.connect.check import check
from web.public.demo.checks import Checker, DemoChecks, checked_facts
from web.public.negotiation import output_form, page
from web.public.settings import DemoSite
from web.public.sources import sources

blueprint = Blueprint("demo", __name__)

_EXTENSION = "mingjing.demo"


def register(app: Flask, sites: Sequence[DemoSite], checker: Checker = check) -> None:
    """Add the page to ``app``."""
    app.extensions[_EXTENSION] = DemoChecks(checker, sites)
    if "demo" not in app.blueprints:
        app.register_blueprint(blueprint)


@blueprint.get("/demo")
def show() -> Response:
    """List the sites; with ``?run=1``, and always as JSON, with their verdicts of this moment."""
    asked = output_form() == "json" or request.args.get("run") == "1"
    checks: DemoChecks = current_app.extensions[_EXTENSION]
    checked = checks.run(sources().settings.data) if asked else ()
    facts = {
        "proxy": sources().settings.proxy_url,
        "as_expected": all(one.as_expected for one in checked),
        "sites": [checked_facts(one) for one in checked],
    }
    verdicts = {one.site.host: one for one in checked}
    surprising = [one for one in checked if not one.as_expected]
    sites = sources().settings.demo_sites
    return page("demo.html", facts, sites=sites, verdicts=verdicts, surprising=surprising)
