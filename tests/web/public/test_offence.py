"""A log that shows a second root for the same size: what visitors, auditors and programs are told."""

import shutil

import pytest

from .cosigned import make_accused


@pytest.fixture(scope="module")
def accused(world, tmp_path_factory):
    """The site over a monitor that has caught the SM2 log lying."""
    data = tmp_path_factory.mktemp("offence")
    shutil.copytree(world.data / "ca", data / "ca")
    return make_accused(world, data).test_client()


def test_home_says_so_first(accused):
    facts = accused.get("/?output=json").json
    assert facts["state"] == "refused"
    assert facts["sentence"].startswith("The log sm2 was found misbehaving")
    assert facts["open_alerts"] == 1
    page = accused.get("/").text
    assert 'class="banner is-refused"' in page
    assert "1 open alert" in page


def test_the_evidence_is_three_clicks_away_at_most(accused):
    alert = accused.get("/audit?output=json").json["alerts"][0]
    assert alert["code"] == "tree-forked"
    assert alert["distrusting"] is True
    assert alert["evidence"]
    page = accused.get("/audit").text
    assert f'id="alert-{alert["id"]}"' in page
    assert bytes(range(32)).hex() in page or "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" in page


def test_the_log_and_its_audit_are_refused(accused):
    log = accused.get("/log/sm2/?output=json").json
    assert (log["state"], log["distrusted"]) == ("refused", True)
    assert "Its promises no longer count" in accused.get("/log/sm2/").text
    newest = accused.get("/audit?log=sm2&output=json").json["audits"][0]
    assert newest["state"] == "refused"
    one = accused.get(f"/audit/{newest['id']}").text
    assert "tree-forked" in one
    assert accused.get("/log/p256/?output=json").json["state"] == "trusted"


def test_machines_are_told_too(accused):
    assert 'mingjing_log_consistent{log="sm2"} 0' in accused.get("/metrics").text
    assert "mingjing_open_alerts 1" in accused.get("/metrics").text


def test_the_evidence_is_a_file_to_keep(accused):
    alert = accused.get("/audit?output=json").json["alerts"][0]
    response = accused.get(f"/evidence/{alert['id']}.json")
    assert response.status_code == 200
    assert "attachment" in response.headers["Content-Disposition"]
    assert response.json["standing"] == "proof"
    assert f'href="/evidence/{alert["id"]}.json"' in accused.get("/audit").text
    failed = accused.get("/audit?output=json").json["audits"][0]
    position = next(at for at, finding in enumerate(failed["findings"]) if finding["outcome"] == "failed")
    assert accused.get(f"/audit/{failed['id']}/evidence/{position}.json").json["claim"]
