"""The API against its own description, asked by schemathesis what nobody would think of."""

import shutil

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

from .conftest import PUBLIC_URL

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
    """The site as it is once the publisher has run."""
    data = tmp_path_factory.mktemp("published") / "data"
    shutil.copytree(world.data, data, ignore=shutil.ignore_patterns("keys", "issuer.db*"))
    for name in ("log-list.json", "log-list.rfc6962.json", "trust-bundle.json"):
        (data / name).write_text('{"operators": []}')
    return create_app(world.settings(data=data))


@pytest.fixture(scope="module")
def schema(site):
    return schemathesis.openapi.from_wsgi("/openapi.json", site)


@pytest.mark.timeout(60)
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


def test_every_reference_leads_somewhere(site):
    found = site.test_client().get("/openapi.json").json
    schemas = found["components"]["schemas"]
    text = str(found)
    assert found["openapi"] == "3.1.0"
    assert all(f"#/components/schemas/{name}'" in text for name in schemas)
