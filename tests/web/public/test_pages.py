"""Every page, for people and for programs, over what a real monitor has read from two logs."""

import csv
import hashlib
import io
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from monitor import Monitor
from verifier.certificates import Certificate, load_pem_chain
from verifier.transparency.merkle import verify_inclusion
from web.public import create_app

PAGES = [
    "/",
    "/search",
    "/search?q=mingjing.test&match=subdomain",
    "/logs",
    "/log/sm2/",
    "/log/p256/",
    "/audit",
    "/audit?log=sm2",
    "/audit/1",
    "/issuers",
]
ATOM = "{http://www.w3.org/2005/Atom}"


def facts(client, path, status=200):
    """The page as JSON, asked for both ways."""
    join = "&" if "?" in path else "?"
    by_parameter = client.get(f"{path}{join}output=json")
    by_header = client.get(path, headers={"Accept": "application/json"})
    assert by_parameter.status_code == by_header.status_code == status
    assert by_parameter.content_type == by_header.content_type == "application/json"
    assert set(by_parameter.json) == set(by_header.json)
    return by_parameter.json


def address(certificate):
    return f"/certificate/{hashlib.sha256(certificate.der).hexdigest()}"


@pytest.mark.parametrize("path", PAGES)
def test_each_page_answers_people(client, path):
    response = client.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert response.status_code == 200
    assert response.content_type == "text/html; charset=utf-8"
    assert response.text.count("<h1") == 1
    assert 'lang="en"' in response.text
    assert "Accept" in response.headers["Vary"]


@pytest.mark.parametrize("path", [page for page in PAGES if page != "/search"])
def test_each_page_answers_programs(client, path):
    assert facts(client, path)


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_there_before_anything_was_read(tmp_path, world, path):
    empty = create_app(world.settings(data=tmp_path)).test_client()
    response = empty.get(path)
    expected = 404 if path in {"/log/sm2/", "/log/p256/", "/audit/1", "/audit?log=sm2"} else 200
    assert response.status_code == expected
    if path == "/":
        assert "No log is followed yet" in response.text
        assert "not yet known" in response.text.lower()


def test_home_tells_the_state_at_a_glance(client):
    found = facts(client, "/")
    assert found["state"] == "trusted"
    assert found["sentence"] == "Both logs keep their word: nothing was altered, dropped or hidden."
    assert [log["name"] for log in found["logs"]] == ["sm2", "p256"]
    assert {log["state"] for log in found["logs"]} == {"trusted"}
    assert len(found["recent"]) == 8
    page = client.get("/").text
    assert "Ming Test" in page
    assert 'role="search"' in page
    assert "host-3.mingjing.test" in page


def test_a_silent_auditor_is_never_good_news(world):
    later = create_app(world.settings(), clock=lambda: datetime.now(UTC) + timedelta(days=1)).test_client()
    found = facts(later, "/")
    assert found["state"] == "not-yet-known"
    assert "silent" in found["sentence"]


# search


def results(client, query):
    return facts(client, f"/search?{query}")["results"]


def test_search_finds_by_every_kind_of_name(client, world):
    names = {name for result in results(client, "q=good.mingjing.test") for name in result["names"]}
    assert "www.mingjing.test" in names
    assert len(results(client, "q=good.mingjing.test&match=exact")) == 2
    assert len(results(client, "q=mingjing.test&match=exact")) == 0
    assert len(results(client, "q=mingjing.test&match=subdomain")) == 14
    assert len(results(client, "q=host-&match=contains")) == 8
    certificate = world.pair.sm2.certificate
    assert results(client, f"q={certificate.serial:x}")[0]["sha256"] == certificate.fingerprint.hex()
    assert results(client, f"q={certificate.fingerprint.hex()}")[0]["sha256"] == certificate.fingerprint.hex()


def test_search_shows_which_name_matched(client):
    page = client.get("/search?q=ww&match=contains").text
    assert "Www" not in page
    matched = results(client, "q=www.ming&match=contains")
    assert [result["matched"] for result in matched] == [["www.mingjing.test"]] * 2
    assert "<mark>www.ming</mark>jing.test</bdi>" in client.get("/search?q=www.ming&match=contains").text
    assert (
        ">www.<mark>mingjing.test</mark></bdi>" in client.get("/search?q=mingjing.test&match=subdomain").text
    )
    assert "<mark>" not in client.get("/search?q=serial:00").text


def test_search_can_leave_out_what_has_expired(client):
    everything = results(client, "q=mingjing.test&match=subdomain")
    living = results(client, "q=mingjing.test&match=subdomain&exclude=expired")
    assert {result["common_name"] or result["names"][0] for result in everything if result not in living} == {
        "expired.mingjing.test"
    }


def test_a_database_of_another_version_is_not_ready_rather_than_an_error(client, monkeypatch):
    def fail(*_):
        raise sqlite3.OperationalError("no such table: terms")

    monkeypatch.setattr(Monitor, "search", fail)
    response = client.get("/search?q=good.mingjing.test&output=json")
    assert response.status_code == 503
    assert response.json["way_out"] == "Try again shortly."


def test_a_search_is_narrowed_and_says_by_what(client):
    everything = "q=mingjing.test&match=subdomain"
    revoked = facts(client, f"/search?{everything}&revocation=revoked&exclude=expired")
    assert {name for found in revoked["results"] for name in found["names"]} == {"revoked.mingjing.test"}
    assert revoked["query"]["filters"] == {"exclude": "expired", "revocation": "revoked"}
    page = client.get(f"/search?{everything}&revocation=revoked").text
    assert '<option value="revoked" selected>' in page
    assert "revocation=revoked&amp;output=csv" in page
    assert len(client.get(f"/search?{everything}&revocation=revoked&output=jsonl").text.splitlines()) == 2


def test_search_pages_with_a_cursor(client, monkeypatch):
    monkeypatch.setattr("web.public.views.search.PAGE", 5)
    seen, path = [], "/search?q=mingjing.test&match=subdomain&output=json"
    while path:
        page = client.get(path).json
        assert len(page["results"]) <= 5
        seen += [result["sha256"] for result in page["results"]]
        path = page["next"]
    assert len(seen) == len(set(seen)) == 14
    assert 'rel="next"' in client.get("/search?q=mingjing.test&match=subdomain").text


def test_complete_results_stream_as_json_lines_and_csv(client):
    query = "/search?q=mingjing.test&match=subdomain"
    lines = [json.loads(line) for line in client.get(f"{query}&output=jsonl").text.splitlines()]
    rows = list(csv.DictReader(io.StringIO(client.get(f"{query}&output=csv").text)))
    wanted = [result["sha256"] for result in results(client, "q=mingjing.test&match=subdomain")]
    assert [line["sha256"] for line in lines] == [row["sha256"] for row in rows] == wanted
    assert client.get(f"{query}&output=csv").content_type == "text/csv; charset=utf-8"


def test_a_search_is_a_feed(client):
    response = client.get("/search?q=mingjing.test&match=subdomain&output=atom")
    feed = ET.fromstring(response.data)  # noqa: S314  made by the code under test
    assert response.content_type == "application/atom+xml; charset=utf-8"
    assert len(feed.findall(f"{ATOM}entry")) == 14
    assert all(entry.findtext(f"{ATOM}id").startswith("http://") for entry in feed.findall(f"{ATOM}entry"))


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("q=a&match=near", "match", "exact, subdomain, contains"),
        ("q=a&exclude=all", "exclude", "expected expired, revoked"),
        ("q=a&output=xml", "output", "html, json, jsonl, csv, atom"),
        ("q=a&expires_from=soon", "expires_from", "a date such as"),
        ("q=" + "a" * 600, "q", "longer than 500"),
        ("q=a.example&after=x", "after", "cursor"),
        ("q=fingerprint:12", "q", "64 hexadecimal digits"),
    ],
)
def test_a_wrong_query_is_told_where_it_can_be_mended(client, query, field, said):
    response = client.get(f"/search?{query}", headers={"Accept": "application/json"})
    assert response.status_code == 400
    assert response.json["field"] == field
    assert said in response.json["error"]
    assert client.get(f"/search?{query}&output=csv").status_code == 400
    if field != "output":
        page = client.get(f"/search?{query}")
        assert page.status_code == 400
        assert 'role="alert"' in page.text
        assert said in page.text


def test_an_empty_search_explains_itself(client):
    assert "What can be searched for" in client.get("/search?q=%20").text
    refused = client.get("/search?q=&output=json")
    assert (refused.status_code, refused.json["field"]) == (400, "q")


def test_nothing_found_offers_a_wider_search(client):
    page = client.get("/search?q=nowhere.mingjing.test").text
    assert "No certificate matches" in page
    assert "match=contains" in page


# one certificate


def test_a_certificate_page_has_everything(client, world):
    certificate = world.pair.sm2.certificate
    found = facts(client, address(certificate))
    assert found["state"] == "trusted"
    assert found["names"] == ["good.mingjing.test", "www.mingjing.test", "xn--fiq228c.mingjing.test"]
    assert found["pair"]["sha256"] == world.pair.ecc.certificate.fingerprint.hex()
    assert [sct["state"] for sct in found["scts"]] == ["trusted", "trusted"]
    assert {sct["log"] for sct in found["scts"]} == {"sm2", "p256"}
    assert all(sct["same_operator"] and sct["kept"] == "trusted" for sct in found["scts"])
    assert found["revocation"]["status"] == "good"
    assert [above["subject"] for above in found["chain"]][-1].startswith("CN=Ming Test SM2 Root CA")
    assert found["pem"] == certificate.pem
    page = client.get(address(certificate)).text
    assert "中文.mingjing.test" in page
    assert "who runs the issuing CA too" in page
    assert address(world.pair.ecc.certificate) in page


def test_its_proofs_verify_for_whoever_reads_them(client, world):
    for proof in facts(client, address(world.pair.ecc.certificate))["proofs"]:
        log = world.logs.logs[proof["log"]]
        path = [bytes.fromhex(node) for node in proof["audit_path"]]
        leaf, root = bytes.fromhex(proof["leaf_hash"]), bytes.fromhex(proof["sha256_root_hash"])
        assert proof["verified"] is True
        assert leaf == log.hashes[proof["leaf_index"]]
        verify_inclusion(leaf, proof["leaf_index"], proof["tree_size"], path, root)


def test_a_proof_is_drawn_with_each_of_its_nodes(client, world):
    page = client.get(address(world.pair.ecc.certificate)).text
    assert page.count('class="drawing proof"') == 4  # precertificate and certificate, two logs
    for proof in facts(client, address(world.pair.ecc.certificate))["proofs"]:
        assert all(
            node in page for node in (*proof["audit_path"], proof["leaf_hash"], proof["sha256_root_hash"])
        )


@pytest.mark.parametrize(
    ("which", "words"), [("revoked", "UTC: key compromise."), ("expired", "Its time is over")]
)
def test_what_is_wrong_with_a_certificate_comes_first(client, world, which, words):
    certificate = getattr(world, which).sm2.certificate
    found = facts(client, address(certificate))
    assert found["state"] == "refused"
    assert words in found["sentence"]
    assert words in client.get(address(certificate)).text


def test_a_certificate_is_not_trusted_before_its_time(world):
    early = create_app(world.settings(), clock=lambda: datetime.now(UTC) - timedelta(days=5)).test_client()
    assert "Its time has not come" in facts(early, address(world.pair.sm2.certificate))["sentence"]


def test_downloads_are_the_certificate_itself(client, world):
    certificate = world.pair.ecc.certificate
    pem = client.get(f"{address(certificate)}?output=pem")
    der = client.get(f"{address(certificate)}?output=der")
    assert Certificate.from_pem(pem.data) == Certificate.parse(der.data) == certificate
    assert der.content_type == "application/pkix-cert"
    assert "attachment" in der.headers["Content-Disposition"]


def test_a_fingerprint_is_read_as_people_write_it(client, world):
    digits = world.pair.sm2.certificate.fingerprint.hex().upper()
    colons = ":".join(digits[at : at + 2] for at in range(0, 64, 2))
    assert client.get(f"/certificate/{colons}").status_code == 200


def test_an_unknown_certificate_says_what_to_do(client):
    assert facts(client, f"/certificate/{'0' * 64}", 404)["way_out"]
    assert facts(client, "/certificate/12", 400)["field"] == "sha256"
    assert client.get("/certificate/" + "0" * 64 + "?output=der").status_code == 404


# logs and audits


def test_a_log_page_shows_growth_and_heads(client, world):
    found = facts(client, "/log/sm2/")
    assert [head["tree_size"] for head in found["heads"]] == [33, 29, 25, 21, 17]
    assert found["key"] == world.logs.logs["sm2"].key.public_key.spki.hex()
    page = client.get("/log/sm2/").text
    assert page.count('<g class="dot is-trusted">') == 5
    assert "SM2 with SM3" in page
    assert 'id="size-17"' in page


def test_an_address_without_its_slash_still_works(client):
    assert client.get("/log/sm2", follow_redirects=True).status_code == 200


def test_audits_have_addresses_and_evidence(client):
    history = facts(client, "/audit")["audits"]
    assert len(history) == 10
    one = facts(client, f"/audit/{history[0]['id']}")
    assert one["log"] == history[0]["log"]
    assert {"root-rebuilt", "consistency"} <= {finding["code"] for finding in one["findings"]}
    assert any(finding["evidence"] for finding in one["findings"])
    assert "What was checked" in client.get(f"/audit/{history[0]['id']}").text


def test_audits_can_be_paged_and_narrowed(client):
    only = facts(client, "/audit?log=p256")["audits"]
    assert {audit["log"] for audit in only} == {"p256"}
    older = facts(client, f"/audit?before={only[0]['id']}")["audits"]
    assert max(audit["id"] for audit in older) < only[0]["id"]


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/audit?before=x", 400, "before"),
        ("/audit?before=²", 400, "before"),
        ("/audit?before=" + "9" * 30, 400, "before"),
        ("/audit?log=no", 404, "log"),
        ("/audit/99999", 404, None),
        ("/audit/99999999999999999999", 404, None),
        ("/log/no/", 404, None),
    ],
)
def test_wrong_addresses_of_audits_and_logs_are_told(client, path, status, field):
    assert facts(client, path, status).get("field") == field
    assert client.get(path).status_code == status


# issuers and files


def test_issuers_shows_both_hierarchies(client):
    found = facts(client, "/issuers")["trees"]
    assert [[ca["name"] for ca in tree["authorities"]] for tree in found][:2] == [
        ["root-sm2", "ssl-sm2"],
        ["root-ecc", "ssl-ecc"],
    ]
    assert found[0]["authorities"][1]["certificates_logged"] == 8
    page = client.get("/issuers").text
    assert page.count('class="drawing hierarchy"') == 2
    assert all(f'id="{ca["sha256"][:16]}"' in page for tree in found for ca in tree["authorities"])


def test_ca_certificates_and_lists_are_der(client, world):
    response = client.get("/ca/ssl-sm2.crt")
    assert response.content_type == "application/pkix-cert"
    assert Certificate.parse(response.data).is_ca
    response = client.get("/crl/ssl-sm2.crl")
    assert response.content_type == "application/pkix-crl"
    assert response.data == (world.data / "crl" / "ssl-sm2.crl").read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "/ca/no.crt",
        "/crl/no.crl",
        "/ca/../issuer.crt",
        "/ca/%2e%2e%2fissuer.crt",
        "/ca/roots/x.crt",
        "/ca/.crt",
        "/crl/..%2fissuer.db%00.crl",
        "/ca/A.crt",
        "/ca/a%00b.crt",
        f"/ca/{'a' * 300}.crt",
    ],
)
def test_no_name_leaves_the_folder(client, path):
    assert client.get(path).status_code == 404


def test_the_secret_files_of_the_directory_stay_there(client, world):
    (world.data / "ca" / "roots.pem").exists()
    names = [path.stem for path in (world.data / "keys").rglob("*.key")]
    assert names
    assert all(
        client.get(f"/{folder}/{name}.{end}").status_code == 404
        for name in names
        if name not in {"root-sm2", "root-ecc", "ssl-sm2", "ssl-ecc"}
        for folder, end in (("ca", "crt"), ("crl", "crl"))
    )


def test_published_documents_come_as_they_were_written(client, world):
    assert client.get("/log-list.json").status_code == 503
    for name in ("log-list.json", "log-list.rfc6962.json", "trust-bundle.json"):
        (world.data / name).write_text(json.dumps({"name": name}))
    try:
        assert client.get("/log-list.json").json == {"name": "log-list.json"}
        assert client.get("/log-list.json?api=rfc6962").json == {"name": "log-list.rfc6962.json"}
        assert client.get("/trust-bundle").json == {"name": "trust-bundle.json"}
        assert client.get("/log-list.json?api=x").status_code == 400
        tag = client.get("/trust-bundle").headers["ETag"]
        assert client.get("/trust-bundle", headers={"If-None-Match": tag}).status_code == 304
    finally:
        for name in ("log-list.json", "log-list.rfc6962.json", "trust-bundle.json"):
            (world.data / name).unlink()


def test_a_damaged_ca_file_is_told_and_does_not_hide(tmp_path, world):
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "ssl-sm2.pem").write_text("nothing")
    broken = create_app(world.settings(data=tmp_path)).test_client()
    assert facts(broken, "/issuers", 503)["error"].startswith(
        "The certificate of the CA ssl-sm2 cannot be read"
    )
    assert broken.get("/ca/ssl-sm2.crt").status_code == 503


# inclusion


def test_inclusion_is_answered_by_prefix_with_proofs_that_verify(client, world):
    for name, log in world.logs.logs.items():
        answer = client.get(f"/inclusion/{name}?prefix=").json
        assert answer["tree_head"]["tree_size"] == len(log.entries)
        assert len(answer["leaves"]) == len(log.entries)


@pytest.mark.parametrize(
    ("path", "status"), [("/inclusion/no?prefix=", 404), ("/inclusion/sm2?prefix=xyz", 400)]
)
def test_inclusion_says_what_is_wrong(client, path, status):
    response = client.get(path, headers={"Accept": "application/json"})
    assert response.status_code == status
    assert response.json["field"] in {"prefix", "log"}
    assert status == 404 or "tree_size" in response.json


# machines


def test_machines_are_told_how_it_is(client, tmp_path, world):
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ready", "checks": {"monitor": True, "logs": True}}
    empty = create_app(world.settings(data=tmp_path, logs_url="http://127.0.0.1:1")).test_client()
    response = empty.get("/readyz")
    assert response.status_code == 503
    assert response.json["checks"] == {"monitor": False, "logs": False}


def test_metrics_are_prometheus_text(client):
    lines = client.get("/metrics").text.splitlines()
    assert 'mingjing_log_tree_size{log="sm2"} 33' in lines
    assert 'mingjing_log_consistent{log="p256"} 1' in lines
    assert all(line.startswith(("# HELP ", "# TYPE ", "mingjing_")) for line in lines)


# problems


def test_problems_are_pages_and_json(client):
    page = client.get("/nothing")
    assert page.status_code == 404
    assert "There is no page at this address" in page.text
    assert 'role="search"' in page.text
    assert client.get("/nothing?output=json").json["error"]
    refused = client.post("/logs")
    assert refused.status_code == 405
    assert "does not answer POST" in refused.text
    assert "GET" in refused.headers["Allow"]
    wrong = client.get("/logs?output=csv")
    assert (wrong.status_code, wrong.json["field"]) == (400, "output")


def test_a_crash_keeps_its_details_for_the_log(client, monkeypatch, caplog):
    def crash(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Monitor, "overview", crash)
    response = client.get("/")
    assert response.status_code == 500
    assert "secret detail" not in response.text.lower()
    assert "secret detail" in caplog.text
    assert client.get("/", headers={"Accept": "application/json"}).json["error"]


def test_a_database_that_is_none_is_told(tmp_path, world):
    (tmp_path / "monitor.db").write_bytes(b"not a database, but long enough to look like a file" * 100)
    broken = create_app(world.settings(data=tmp_path)).test_client()
    assert broken.get("/").status_code == 503
    assert broken.get("/readyz").status_code == 503


def test_a_pair_stands_side_by_side_with_its_chain_to_download(client, world):
    address = f"/certificate/{world.pair.ecc.certificate.fingerprint.hex()}"
    page = client.get(address).text
    table = page[page.index("Side by side") :]
    for one in (world.pair.sm2.certificate, world.pair.ecc.certificate):
        assert one.fingerprint.hex() in table
    chain = load_pem_chain(client.get(f"{address}?output=chain").data)
    assert [one.der for one in chain[:2]] == [one.der for one in world.pair.ecc.chain]
    assert chain[-1].self_issued


def test_other_certificates_of_a_key_come_in_pages(client, world, monkeypatch):
    monkeypatch.setattr("web.public.views.certificate._SAME_KEY", 1)
    address = f"/certificate/{world.hostile.fingerprint.hex()}?output=json"
    seen, following = [], address
    while following:
        page = client.get(following, headers={"Accept": "application/json"}).json
        seen += [one["sha256"] for one in page["same_key"]]
        following = page["same_key_next"]
    assert world.hostile.fingerprint.hex() not in seen
    wrong = client.get(f"{address}&same_key_after=x")
    assert (wrong.status_code, wrong.json["field"]) == (400, "same_key_after")


def test_a_calendar_shows_every_lifetime_with_its_state(client):
    everything = client.get("/calendar?q=mingjing.test&match=subdomain&output=json").json
    assert everything["counts"] == {"valid": 10, "expired": 2, "revoked": 2, "not-yet-valid": 0}
    assert {one["state"] for one in everything["certificates"]} == {"valid", "expired", "revoked"}
    page = client.get("/calendar?q=mingjing.test&match=subdomain").text
    for state, count in (("valid", 10), ("expired", 2), ("revoked", 2)):
        assert page.count(f'class="life is-{state}"') == count + 1  # and the key below the picture
    assert ">today</text>" in page
    assert client.get("/calendar?q=revoked.mingjing.test").status_code == 200
    assert "No certificate matches" in client.get("/calendar?q=nowhere.mingjing.test").text
    assert client.get("/calendar?q=ip:x").status_code == 400


def test_a_calendar_is_bounded_and_leads_on(client, monkeypatch):
    monkeypatch.setattr("web.public.views.calendar.MOST", 5)
    address, seen = "/calendar?q=mingjing.test&match=subdomain&output=json", []
    while address:
        found = client.get(address).json
        seen += [one["sha256"] for one in found["certificates"]]
        assert len(found["certificates"]) <= 5
        address = found["next"]
    assert len(seen) == len(set(seen)) == 14
    assert "Only 5 certificates" in client.get("/calendar?q=mingjing.test&match=subdomain").text


def test_searches_may_say_what_they_look_for_and_where(client):
    assert results(client, "q=good.mingjing.test&kind=name&log=sm2")
    assert results(client, "q=good.mingjing.test&log=nowhere") == []
    expired = {one["sha256"] for one in results(client, "q=expired.mingjing.test")}
    assert {one["sha256"] for one in results(client, "validity=expired")} == expired
    wrong = client.get("/search?q=x&kind=maybe&output=json")
    assert (wrong.status_code, wrong.json["field"]) == (400, "kind")
