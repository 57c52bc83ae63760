"""/sct-reports takes clients' reports; /evidence gives what convinces a third party."""

import base64
import json

import pytest

from web.public import create_app


@pytest.fixture
def reporting(world, tmp_path):
    return create_app(world.settings(data=tmp_path)).test_client()


def report(world):
    found = world.pair.ecc
    scts = found.certificate.sct_list
    sct = scts[4 : 4 + int.from_bytes(scts[2:4])]  # the first of the list (RFC 6962 section 3.3)
    chain = [base64.b64encode(one.der).decode() for one in found.chain]
    return {"sct": base64.b64encode(sct).decode(), "chain": chain}


def test_a_report_is_kept_for_the_auditor(reporting, world, tmp_path):
    body = json.dumps(report(world))
    for _ in range(2):  # sent twice, kept once
        assert reporting.post("/sct-reports", data=body).status_code == 202
    assert [path.read_text() for path in (tmp_path / "sct-reports").iterdir()] == [body]


@pytest.mark.parametrize("body", ["", "{", "[]", '{"sct": "AA=="}', '{"sct": "!", "chain": []}'])
def test_what_is_no_report_is_told(reporting, body, tmp_path):
    response = reporting.post("/sct-reports", data=body)
    assert response.status_code == 400
    assert response.json["error"]
    assert not (tmp_path / "sct-reports").exists()


def test_a_report_has_its_limits(reporting, world, monkeypatch):
    assert reporting.post("/sct-reports", data=b"x" * 131_073).status_code == 413
    assert reporting.get("/sct-reports").status_code == 405
    monkeypatch.setattr("monitor.reports.spool.MOST_WAITING", 0)
    full = reporting.post("/sct-reports", data=json.dumps(report(world)))
    assert full.status_code == 429
    assert full.headers["Retry-After"] == "60"


def test_evidence_that_is_not_there_is_told(client):
    for path in ("/evidence/1.json", "/audit/1/evidence/0.json", "/evidence/x.json"):
        assert client.get(path).status_code == 404
