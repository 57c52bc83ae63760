"""The table of pages is the site's: no route is missing in it, and every address gives what it says."""

import pytest

from .pages import FORMS, MACHINES, ONLY_TROUBLED, PAGES, PROBLEMS, addresses, troubled_addresses

LOCAL = "http://127.0.0.1:8440"


def test_every_route_is_a_page_a_form_or_for_machines(whole):
    told = [*PAGES, *ONLY_TROUBLED, *FORMS, *MACHINES]
    assert len(told) == len(set(told))
    assert {rule.endpoint for rule in whole.url_map.iter_rules()} == set(told)


def test_every_page_is_one_in_both_languages(whole, world):
    client, routes = whole.test_client(), whole.url_map.bind("127.0.0.1")
    for path, endpoint in addresses(world, client).items():
        assert routes.match(path.partition("?")[0])[0] == endpoint
        for language, tag in (("en", "en"), ("zh", "zh-CN")):
            response = client.get(path, base_url=LOCAL, headers={"Accept-Language": language})
            assert (response.status_code, response.mimetype) == (200, "text/html"), path
            assert f'<html lang="{tag}">' in response.text


def test_every_page_of_a_site_in_trouble_is_one_too(troubled, world):
    client = troubled.test_client()
    routes = troubled.url_map.bind("127.0.0.1")
    paths = troubled_addresses(world, client)
    assert {routes.match(path.partition("?")[0])[0] for path in paths} > ONLY_TROUBLED
    for path in paths:
        response = client.get(path, base_url=LOCAL)
        assert (response.status_code, response.mimetype) == (200, "text/html"), path


@pytest.mark.parametrize(("path", "status"), PROBLEMS.items())
def test_every_problem_is_told_as_a_page_and_as_json(whole, path, status):
    client = whole.test_client()
    response = client.get(path, base_url=LOCAL, headers={"Accept": "text/html"})
    assert response.status_code == status
    assert (response.mimetype, "<h1>" in response.text) in {("text/html", True), ("application/json", False)}
    asked = client.get(path, base_url=LOCAL, headers={"Accept": "application/json"})
    assert asked.status_code == status
    assert asked.json["error"]


SAMPLES = {
    "files.certificate": "/ca/root-sm2.crt", "files.log_list": "/log-list.json",
    "files.openapi": "/openapi.json",
    "files.opensearch": "/opensearch.xml", "files.robots": "/robots.txt", "health.alive": "/healthz",
    "health.metrics": "/metrics", "health.ready": "/readyz", "inclusion.answer": "/inclusion/sm2?prefix=0",
    "watch.feed": "/watch.atom", "feeds.audits": "/audit.atom", "feeds.alerts": "/alerts.atom",
    "files.trust_bundle": "/trust-bundle",
    "files.revocations": "/crl/ssl-sm2.crl",
}  # fmt: skip


def test_what_is_for_machines_is_never_a_page(whole):
    client = whole.test_client()
    for endpoint, path in SAMPLES.items():
        assert endpoint in MACHINES
        response = client.get(path, base_url=LOCAL, headers={"Accept": "text/html"})
        assert response.status_code != 200 or response.mimetype != "text/html", path
        response.close()
