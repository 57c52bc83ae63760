"""Every page of the site, in one table: what the tests of accessibility, language and layout go through.

A route that answers with HTML and is not here, or one that is here and is gone, fails ``test_routes.py``.
"""

from collections.abc import Iterator
from typing import Final

from flask.testing import FlaskClient

from .conftest import World

PAGES: Final = {
    "home.show": ["/"],
    "search.show": [
        "/search",
        "/search?q=mingjing.test&match=subdomain",
        "/search?q=nowhere.mingjing.test",
        "/search?q=nowhere.mingjing.test&match=subdomain",
        "/search?q=ab&match=contains",
        "/search?q=hostile.test&match=subdomain",
        "/search?q=mingjing.test&match=subdomain&exclude=expired,revoked&validity=valid&revocation=good",
    ],
    "certificate.show": [
        "/certificate/{pair_sm2}", "/certificate/{pair_ecc}", "/certificate/{revoked}",
        "/certificate/{expired}", "/certificate/{hostile}",
    ],
    "logs.show": ["/logs"],
    "logs.log": ["/log/sm2/", "/log/p256/"],
    "audits.show": ["/audit", "/audit?log=sm2", "/audit?outcome=inconsistent"],
    "audits.one": ["/audit/1"],
    "audits.finding": ["/audit/1/0"],
    "issuers.show": ["/issuers"],
    "calendar.show": ["/calendar"],
    "inspect.show": ["/inspect"],
    "verify.show": ["/verify", "/verify?certificate={pair_ecc}&log=p256&index={p256}"],
    "watch.show": ["/watch"],
    "demo.show": ["/demo"],
}  # fmt: skip
"""Each route that gives a page, and addresses of it; :func:`addresses` fills in the names in braces."""

TROUBLED: Final = [
    "/", "/logs", "/log/sm2/", "/audit", "/audit/{failed}", "/audit/{failed}/{finding}", "/watch",
    "/watch?open=1", "/watch/1", "/watch/2", "/demo?run=1",
    "/verify?certificate={pair_sm2}&log=sm2&index={sm2}",
]  # fmt: skip
"""Pages of the site in trouble that look otherwise there, and those that only it has."""

ONLY_TROUBLED: Final = frozenset({"watch.one"})

PROBLEMS: Final = {
    "/nothing": 404,
    "/search?q=a&match=near": 400,
    "/search?q=a&after=x": 400,
    "/certificate/12": 400,
    "/certificate/" + "0" * 64: 404,
    "/log/nowhere/": 404,
    "/audit/99999": 404,
    "/audit?before=x": 400,
    "/audit?outcome=x": 400,
    "/audit/1/999": 404,
    "/audit.atom?log=nowhere": 404,
    "/watch?before=x": 400,
    "/watch/999": 404,
    "/verify?certificate=a&log=b&index=x": 400,
    "/logs?output=pdf": 400,
    "/ca/none.crt": 404,
    "/crl/none.crl": 404,
    "/sct-reports": 405,
    "/ocsp/none/AAAA": 502,
}
"""Addresses that answer with a page that says what is wrong, and their status."""

MACHINES: Final = frozenset({
    "evidence.alert", "evidence.finding", "feeds.alerts", "feeds.audits", "files.certificate",
    "files.log_list",
    "files.openapi", "files.opensearch", "files.revocations", "files.robots", "files.trust_bundle",
    "forward.to_authority", "forward.to_logs", "health.alive", "health.metrics", "health.ready",
    "inclusion.answer",
    "reports.report", "static", "verify.proof", "watch.feed",
})  # fmt: skip
"""Routes that answer with anything but a page."""

FORMS: Final = {"inspect.answer": "/inspect", "verify.checker": "/verify/mingjing-verify.html"}
"""Pages that are reached otherwise than by going to an address: by sending a form, by keeping a file."""


def addresses(world: World, client: FlaskClient) -> dict[str, str]:
    """Return each address of PAGES with its endpoint."""
    names = named(world, client)
    return {path.format(**names): endpoint for endpoint, paths in PAGES.items() for path in paths}


def troubled_addresses(world: World, client: FlaskClient) -> list[str]:
    """Return the addresses of TROUBLED, for a client of that site."""
    return [path.format(**named(world, client)) for path in TROUBLED]


def named(world: World, client: FlaskClient) -> dict[str, str]:
    """Return what the names in braces stand for."""
    found = {
        "pair_sm2": world.pair.sm2.certificate, "pair_ecc": world.pair.ecc.certificate,
        "revoked": world.revoked.ecc.certificate, "expired": world.expired.sm2.certificate,
        "hostile": world.hostile,
    }  # fmt: skip
    names = {name: certificate.fingerprint.hex() for name, certificate in found.items()}
    return {**names, **dict(_entries(client, names)), **_newest_audit(client)}


def _entries(client: FlaskClient, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each log with the number of an entry of the pair's certificate in it."""
    for log, name in (("p256", "pair_ecc"), ("sm2", "pair_sm2")):
        proofs = client.get(f"/certificate/{names[name]}?output=json").json["proofs"]
        yield log, str(next(proof["leaf_index"] for proof in proofs if proof["log"] == log))


def _newest_audit(client: FlaskClient) -> dict[str, str]:
    """Return the newest audit of the SM2 log, and the finding that is furthest from having passed."""
    audit = client.get("/audit?log=sm2&output=json").json["audits"][0]
    order = ["failed", "unavailable", "note", "passed"]
    outcomes = [order.index(finding["outcome"]) for finding in audit["findings"]]
    return {"failed": str(audit["id"]), "finding": str(outcomes.index(min(outcomes)))}
