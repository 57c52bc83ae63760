"""The API against its own description, asked by schemathesis what nobody would think of."""

import re
import shutil
from urllib.parse import quote

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from web.public import create_app
from web.public.openapi import description

from .conftest import DOMAIN, PUBLIC_URL
from .pages import addresses, troubled_addresses
from .test_watch import watch

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
PARAMETERS = ("q", "match", "exclude", "after", "output", "lang")
OPERATIONS = [(path, method) for path, found in description(PUBLIC_URL)["paths"].items() for method in found]


@pytest.fixture(scope="module")
def site(world, tmp_path_factory):
    """The site as it is once the publisher has run, with a watchlist that all may see."""
    data = tmp_path_factory.mktemp("published") / "data"
    shutil.copytree(world.data, data, ignore=shutil.ignore_patterns("keys", "issuer.db*"))
    for name in ("log-list.json", "log-list.rfc6962.json", "trust-bundle.json"):
        (data / name).write_text('{"operators": []}')
    watch(world, data, f'public = true\nnames = [".{DOMAIN}"]\nlookalikes = ["{DOMAIN}"]\n')
    return create_app(world.settings(data=data))


@pytest.fixture(scope="module")
def schema(site):
    return schemathesis.openapi.from_wsgi("/openapi.json", site)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_each_operation_keeps_to_its_description(schema, path, method):
    operation = schema[path][method.upper()]

    @given(case=operation.as_strategy())
    @EXAMPLES
    def keeps(case):
        case.validate_response(case.call(), checks=CHECKS)

    keeps()


@given(query=st.fixed_dictionaries({}, optional={name: st.text(max_size=40) for name in PARAMETERS}))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_query_breaks_the_search(site, query):
    response = site.test_client().get("/search", query_string=query)
    assert response.status_code in {200, 400}
    response.close()


def test_the_description_is_valid(schema):
    """By schemathesis' copy of the specification's own schema, which notices what is wrong."""
    schema.validate()
    wrong = {**description(PUBLIC_URL), "paths": {"/": {"get": {"responses": []}}}}
    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict(wrong).validate()


def test_every_address_with_json_is_described(site):
    """Not so: files of other kinds, and what is forwarded, which standards describe (RFC 6962, RFC 6960)."""
    others = {
        "files.certificate", "files.revocations", "files.opensearch", "files.robots", "health.metrics",
        "static", "verify.checker", "forward.to_logs", "forward.to_authority",
    }  # fmt: skip
    rules = [rule for rule in site.url_map.iter_rules() if rule.endpoint not in others]
    known = {(_shape(rule.rule), method.lower()) for rule in rules for method in (rule.methods or ())}
    known = {(path, method) for path, method in known if method in {"get", "post"}}
    assert {(re.sub(r"\{[^}]+\}", "{}", path), method) for path, method in OPERATIONS} == known


def _shape(rule: str) -> str:
    return re.sub(r"<[^>]+>", "{}", rule)


HUGE = "9" * 40
REFUSED = [
    ("/search?q=a&match=near", "match"),
    ("/search?q=a&after=x", "after"),
    (f"/search?q=a&after={'A' * 5000}", "after"),
    ("/search?q=a&validity=maybe", "validity"),
    ("/search?q=a&validity=valid&at=tomorrow", "at"),
    ("/search?q=a&revocation=x", "revocation"),
    ("/search?q=a&exclude=everything", "exclude"),
    ("/search?q=a&kind=x", "kind"),
    *((f"/search?q=a&{name}=2026-13-01", name) for name in ("expires_from", "expires_until")),
    *((f"/search?q=a&{name}={HUGE}", name) for name in ("seen_from", "seen_until")),
    ("/search?q=a&output=pdf", "output"),
    ("/search?q=", "q"),
    ("/search?q=%00", "q"),
    (f"/search?q={'a' * 5000}", "q"),
    ("/search?q=ip:300.1.1.1", "q"),
    ("/search?q=serial:xyz", "q"),
    ("/search?q=spki:12", "q"),
    ("/calendar?q=a&match=near", "match"),
    ("/audit?before=x", "before"),
    ("/audit?before=-1", "before"),
    (f"/audit?before={HUGE}", "before"),
    ("/audit?outcome=x", "outcome"),
    ("/watch?before=x", "before"),
    (f"/watch?before={HUGE}", "before"),
    ("/inclusion/sm2?prefix=xyz", "prefix"),
    ("/inclusion/sm2?prefix=" + "0" * 65, "prefix"),
    ("/log-list.json?api=x", "api"),
    ("/verify?certificate=a&log=b&index=x", "index"),
    ("/certificate/12", "sha256"),
]


@pytest.mark.parametrize(("address", "field"), REFUSED)
def test_a_wrong_value_is_refused_with_the_name_of_its_field(site, address, field):
    asked = {"Accept": "application/json"}
    response = site.test_client().get(address, headers=asked, base_url="http://127.0.0.1:8440")
    assert (response.status_code, response.json.get("field")) == (400, field)
    assert response.json["error"]
    response.close()


ANYTHING = st.one_of(st.text(max_size=30), st.integers().map(str), st.sampled_from(["-1", HUGE, "0" * 64]))


@given(data=st.data())
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_nothing_that_is_asked_breaks_an_address(site, data):
    """Whatever stands in the path and in the query: an answer, or one that says what is wrong."""
    path, method = data.draw(st.sampled_from(OPERATIONS))
    given_names = [
        found["name"] for found in description(PUBLIC_URL)["paths"][path][method].get("parameters", [])
    ]
    address = re.sub(r"\{[^}]+\}", lambda _: quote(data.draw(ANYTHING), safe=""), path)
    query = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(given_names, ANYTHING)))
    response = site.test_client().open(
        address, method=method.upper(), query_string=query, data=data.draw(st.binary(max_size=80))
    )
    assert response.status_code < 500 or response.status_code == 503, (address, query)
    response.close()


def _wanted(path: str) -> dict:
    """The schema of what an address answers, with the schemas that it refers to."""
    found = description(PUBLIC_URL)
    templates = {re.sub(r"\{[^}]+\}", "[^/]+", template): template for template in found["paths"]}
    template = next(name for shape, name in templates.items() if re.fullmatch(shape, path.partition("?")[0]))
    good = found["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    return {**good, "components": found["components"]}


@pytest.mark.parametrize("kind", ["calm", "troubled"])
def test_what_every_page_has_to_tell_is_as_described(world, troubled, kind):
    app = troubled if kind == "troubled" else create_app(world.settings())
    client = app.test_client()
    paths = troubled_addresses(world, client) if kind == "troubled" else addresses(world, client)
    for path in (path for path in paths if not path.startswith("/demo")):
        response = client.get(path, headers={"Accept": "application/json"}, base_url="http://127.0.0.1:8440")
        if response.status_code == 400:  # a search without anything to search for
            assert path == "/search"
            continue
        jsonschema_rs.validate(_wanted(path), response.json)


def test_every_reference_leads_somewhere(site):
    found = site.test_client().get("/openapi.json").json
    schemas = found["components"]["schemas"]
    text = str(found)
    assert found["openapi"] == "3.1.0"
    assert all(f"#/components/schemas/{name}'" in text for name in schemas)
