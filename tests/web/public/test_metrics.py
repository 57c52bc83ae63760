"""/metrics, read by Prometheus's own parser."""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import web.public
from web.public import create_app
from web.public.metrics import Family, Kind, written

from .cosigned import keep_witnesses, make_accused

UNITS = ("_seconds", "_entries", "_ratio", "_total", "_bytes")


def read(client, **headers):
    """The families by name, and every sample by name and labels."""
    response = client.get("/metrics", headers=headers)
    assert response.status_code == 200
    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
    families = list(text_string_to_metric_families(response.text))
    samples = [sample for family in families for sample in family.samples]
    known = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(known) == len(samples)
    return {family.name: family for family in families}, known


def value(known, name, **labels):
    return known[name, frozenset(labels.items())]


@pytest.fixture(scope="module")
def cosigned(world, tmp_path_factory):
    data = tmp_path_factory.mktemp("metrics")
    with world.copied(data) as monitor:
        keep_witnesses(world, monitor)
    return create_app(world.settings(data=data))


def test_each_log_is_told_whole(cosigned, world):
    families, known = read(cosigned.test_client())
    size = len(world.logs.logs["sm2"].entries)
    assert value(known, "mingjing_log_tree_size", log="sm2") == size
    assert value(known, "mingjing_log_position_entries", log="sm2") == size
    assert value(known, "mingjing_log_backlog_entries", log="p256") == 0
    assert value(known, "mingjing_log_malformed_entries", log="p256") == 0
    assert value(known, "mingjing_log_read_entries_per_second", log="p256") > 0
    assert 0 <= value(known, "mingjing_log_head_age_seconds", log="sm2") < 3600
    signed = value(known, "mingjing_log_head_timestamp_seconds", log="sm2")
    assert abs(signed - datetime.now(UTC).timestamp()) < 3600
    outcomes = {
        outcome: value(known, "mingjing_log_audit_outcome", log="sm2", outcome=outcome)
        for outcome in ("consistent", "pending", "unavailable", "inconsistent")
    }
    assert outcomes == {"consistent": 1, "pending": 0, "unavailable": 0, "inconsistent": 0}
    assert value(known, "mingjing_log_distrusted", log="sm2") == 0
    assert families["mingjing_log_head_timestamp_seconds"].type == "gauge"


def test_availability_is_told_by_endpoint(client):
    _, known = read(client)
    for endpoint in ("get-sth", "get-entries", "get-sth-consistency", "get-roots"):
        where = {"log": "p256", "endpoint": endpoint}
        assert value(known, "mingjing_log_availability_ratio", **where) == 1
        assert value(known, "mingjing_log_answers", **where, result="answered") > 0
        assert value(known, "mingjing_log_answers", **where, result="failed") == 0
        assert value(known, "mingjing_log_answer_mean_seconds", **where) >= 0


def test_witnesses_are_told_with_their_last_cosignature(cosigned):
    _, known = read(cosigned.test_client())
    assert value(known, "mingjing_log_witnesses_required", log="sm2") == 1
    ages = {
        dict(labels)["witness"]: age
        for (name, labels), age in known.items()
        if name == "mingjing_witness_cosignature_age_seconds"
    }
    assert 400 < ages["other.example/w2"] < 4000
    assert "third.example/w" not in ages  # it never cosigned: an age of nothing would be a lie


def test_certificates_and_alerts(client, world, tmp_path):
    _, known = read(client)
    states = Counter({
        dict(labels)["state"]: int(count)
        for (name, labels), count in known.items()
        if name == "mingjing_certificates_by_state"
    })
    expiring = states.pop("expiring")
    assert sum(states.values()) == value(known, "mingjing_certificates")
    assert 0 < expiring <= states["valid"]
    assert value(known, "mingjing_open_alerts") == 0
    _, caught = read(make_accused(world, tmp_path).test_client())
    assert value(caught, "mingjing_open_alerts") == 1
    assert value(caught, "mingjing_log_distrusted", log="sm2") == 1
    assert value(caught, "mingjing_log_consistent", log="sm2") == 0


def test_watching_is_told_to_those_who_may_see_it(troubled):
    families, known = read(troubled.test_client())
    assert value(known, "mingjing_watching_up") in {0, 1}
    assert value(known, "mingjing_watching_open_notices") > 0
    since = value(known, "mingjing_watching_working_since_timestamp_seconds")
    assert since <= value(known, "mingjing_watching_last_seen_timestamp_seconds")
    assert value(known, "mingjing_watching_notices_pending", channel="pager") > 0
    assert value(known, "mingjing_watching_notices_pending", channel="mail") >= 0
    assert value(known, "mingjing_watching_channel_failing", channel="pager") == 1
    elsewhere, _ = read(troubled.test_client(), **{"X-Forwarded-For": "192.0.2.1"})
    assert not [name for name in elsewhere if name.startswith("mingjing_watching")]
    assert "mingjing_log_tree_size" in elsewhere
    assert families["mingjing_watching_up"].documentation


def test_requests_are_counted_by_page_and_timed(world):
    client = create_app(world.settings()).test_client()
    for path in ("/search?q=mingjing.test", "/search?q=other", "/search?q=a&match=near", "/secret-name", "/"):
        client.get(path)
    client.post("/sct-reports", data=b"{}")
    families, known = read(client)
    told = {
        key: value(known, "mingjing_http_requests_total", page=key[0], method=key[1], code=key[2])
        for key in (
            ("search.show", "GET", "200"), ("search.show", "GET", "400"), ("none", "GET", "404"),
            ("home.show", "GET", "200"), ("reports.report", "POST", "400"),
        )
    }  # fmt: skip
    assert list(told.values()) == [2, 1, 1, 1, 1]
    assert families["mingjing_http_requests"].type == "counter"
    durations = families["mingjing_http_request_duration_seconds"]
    assert durations.type == "histogram"
    buckets = [
        sample.value
        for sample in durations.samples
        if sample.name.endswith("_bucket") and sample.labels["page"] == "search.show"
    ]
    assert buckets == sorted(buckets)
    assert (
        buckets[-1] == value(known, "mingjing_http_request_duration_seconds_count", page="search.show") == 3
    )
    assert value(known, "mingjing_http_request_duration_seconds_sum", page="search.show") > 0
    assert value(known, "mingjing_sct_reports_total", result="refused") == 1
    assert value(known, "mingjing_sct_reports_waiting") == 0
    assert "secret-name" not in client.get("/metrics").text


def test_strangers_cannot_make_series_without_end(world):
    client = create_app(world.settings()).test_client()
    for number in range(50):
        client.get(f"/made-up-{number}")
        client.open("/", method=f"MADE{number}")
    _, known = read(client)
    assert len([key for key in known if key[0] == "mingjing_http_requests_total"]) < 5


def test_names_and_units_are_prometheus_own(cosigned):
    families, known = read(cosigned.test_client())
    for name, family in families.items():
        assert name.startswith("mingjing_")
        assert family.documentation.endswith(".")
        assert not name.endswith("_milliseconds")
    assert all(name.endswith("seconds") for name in families if "timestamp" in name or "_age" in name)
    assert {name for name, _ in known} >= {"mingjing_certificates", "mingjing_entries", "mingjing_auditor_up"}


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", 'x"} 1\nevil 2', "日志"])
def test_no_label_breaks_out(name):
    text = written([Family("mingjing_log_tree_size", "A\nmeaning \\ here.").add(7, log=name)])
    ((sample,),) = [family.samples for family in text_string_to_metric_families(text)]
    assert (sample.labels["log"], sample.value) == (name, 7)


@pytest.mark.parametrize(
    ("number", "form"),
    [
        (0, "0"),
        (1.5, "1.5"),
        (float("inf"), "+Inf"),
        (True, "1"),
        (1795525893.233, "1795525893.233"),
        (2**60, str(2**60)),
    ],
)
def test_numbers_keep_their_value(number, form):
    text = written([Family("m", "A number.", Kind.GAUGE).add(number)])
    assert text.endswith(f"\nm {form}\n")
    ((sample,),) = [family.samples for family in text_string_to_metric_families(text)]
    assert sample.value == float(number)


def test_nothing_is_said_of_an_empty_site_that_is_not_so(world, tmp_path):
    families, known = read(create_app(world.settings(data=tmp_path)).test_client())
    assert value(known, "mingjing_certificates") == 0
    assert value(known, "mingjing_auditor_up") == 0
    assert "mingjing_log_tree_size" not in families


def test_the_documentation_names_every_metric_and_no_other():
    site = Path(web.public.__file__).parent
    sources = [*(site / "metrics").glob("*.py"), site / "views" / "health.py"]
    given = {name for path in sources for name in re.findall(r'"(mingjing_\w+)"', path.read_text())}
    told = set(re.findall(r"\bmingjing_\w+", (site.parents[1] / "docs" / "metrics.md").read_text()))
    assert told == given
