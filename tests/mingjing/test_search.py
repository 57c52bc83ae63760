"""`mingjing search` as its user calls it: the site's filters, every output, errors that name the input."""

import csv
import io
import json
import shutil
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from mingjing.__main__ import main
from mingjing.commands.search import MOST_ROWS
from monitor.store import Connections
from tests.monitor.index_rows import certificate_row, fill_index

NOW = datetime.now(UTC).replace(microsecond=0)
ATOM = "{http://www.w3.org/2005/Atom}"
MADE = {  # names, issuer, days until it expires, revocation status
    "plain": (("www.example.test", "other.test"), "CN=One,O=Trust", 30, "good"),
    "wild": (("*.example.test",), "CN=Two,O=Trust", 30, "revoked"),
    "old": (("old.example.test",), "CN=One,O=Trust", -2, ""),
    "idn": (("xn--fsqu00a.xn--0zwm56d",), "CN=One,O=Trust", 30, ""),
    "hostile": (("=cmd()<b>.test", "a\x1b[31m\u202e.test"), "CN=One,O=Trust", 30, ""),
}


def row(number, names, issuer, days):
    begins, ends = NOW - timedelta(days=90), NOW + timedelta(days=days)
    return certificate_row(
        number, names, begins, ends, subject=f"CN={names[0]}", common_name=names[0], issuer=issuer,
        algorithm="sm2", spki_hash=bytes([number]) * 32,
    )  # fmt: skip


@pytest.fixture(scope="module")
def directory(initialised, tmp_path_factory):
    data = tmp_path_factory.mktemp("search") / "data"
    shutil.copytree(initialised, data)
    connections = Connections(data / "monitor.db")
    many = [((f"n{number}.many.test",), "CN=Two,O=Trust", 30, "") for number in range(MOST_ROWS + 1)]
    made = [*many, *MADE.values()]
    rows = [row(number, *each[:3]) for number, each in enumerate(made)]
    fill_index(connections, rows, NOW, [status for *_, status in made])
    connections.close()
    return data


@pytest.fixture
def search(directory, capsys):
    def run(*arguments):
        code = main(["search", "--data", str(directory), *arguments])
        return code, *capsys.readouterr()

    return run


def found(search, *arguments):
    code, out, errors = search(*arguments, "--json")
    assert code == 0, errors
    return [one["names"][0] for one in json.loads(out)]


def test_names_are_found_by_each_kind_of_match(search):
    assert found(search, "www.example.test") == ["*.example.test", "www.example.test"]
    assert found(search, "example.test", "--match", "subdomain", "--limit", "1") == ["old.example.test"]
    assert found(search, "例子", "--match", "contains") == ["xn--fsqu00a.xn--0zwm56d"]


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        (["--exclude", "expired"], ["*.", "www."]),
        (["--exclude", "expired,revoked"], ["www."]),
        (["--validity", "expired"], ["old."]),
        (["--validity", "valid", "--at", f"{NOW - timedelta(days=3):%Y-%m-%d}"], ["old.", "*.", "www."]),
        (["--revocation", "revoked"], ["*."]),
        (["--revocation", "not-checked"], ["old."]),
        (["--expires-from", f"{NOW:%Y-%m-%d}"], ["*.", "www."]),
        (["--expires-until", f"{NOW:%Y-%m-%d}"], ["old."]),
        (["--seen-from", f"{NOW - timedelta(days=1):%Y-%m-%d}"], ["old.", "*.", "www."]),
        (["--seen-until", f"{NOW + timedelta(days=1):%Y-%m-%d}", "--issuer", "two"], ["*."]),
        (["--log", "made"], ["old.", "*.", "www."]),
    ],
)
def test_the_filters_of_the_site(search, filters, left):
    names = found(search, "example.test", "--match", "subdomain", *filters)
    assert names == [f"{name}example.test" for name in left]


def test_a_filter_alone_is_a_search(search):
    assert found(search, "--log", "made", "--revocation", "good") == ["www.example.test"]


def test_the_table_shows_which_name_matched_and_says_when_there_are_more(search):
    code, out, errors = search("other.test")
    assert code == 0
    assert "other.test" in out
    assert "www.example.test" not in out
    assert not errors
    _, out, errors = search("many.test", "--match", "subdomain")
    assert len(out.splitlines()) == MOST_ROWS + 1
    assert f"more than {MOST_ROWS}" in errors


def test_what_is_no_name_is_not_advised_to_be_matched_otherwise(search):
    _, _, errors = search("serial:ffff")
    assert "'serial:ffff'" in errors
    assert "--match" not in errors


def test_nothing_from_a_certificate_moves_the_terminal(search):
    _, out, _ = search("31m", "--match", "contains")
    assert "a\\x1b[31m\\u202e.test" in out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_json_lines(search):
    code, out, _ = search("example.test", "--match", "subdomain", "--output", "jsonl")
    assert code == 0
    assert [json.loads(line)["revocation"]["status"] for line in out.splitlines()] == [
        "not-checked", "revoked", "good",
    ]  # fmt: skip


def test_csv_has_the_name_that_matched_and_runs_no_formula(search):
    _, out, _ = search("cmd", "--match", "contains", "--output", "csv")
    (line,) = csv.DictReader(io.StringIO(out))
    assert line["matched"] == "'=cmd()<b>.test"
    assert line["logs"] == "made"
    assert len(line["spki_sha256"]) == 64


def test_a_feed_is_one_that_parses_and_links_to_the_site(search):
    _, out, _ = search("test", "--match", "contains", "--output", "atom")
    feed = ET.fromstring(out)  # noqa: S314  our own
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == MOST_ROWS + 5
    assert feed.find(f"{ATOM}updated").text == entries[0].find(f"{ATOM}updated").text
    assert "=cmd()<b>.test" in entries[0].find(f"{ATOM}title").text
    assert "/certificate/" in entries[0].find(f"{ATOM}link").get("href")
    assert "q=test&match=contains" in feed.find(f"{ATOM}link").get("href")


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "atom"])
def test_finding_nothing_is_said_and_exits_with_1(search, form):
    code, out, errors = search("nowhere.test", "--exclude", "expired", "--output", form)
    assert code == 1
    assert "'nowhere.test' with --exclude expired" in errors
    assert "--match subdomain" in errors
    if form == "json":
        assert json.loads(out) == []
    if form == "atom":
        assert ET.fromstring(out).findall(f"{ATOM}entry") == []  # noqa: S314


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["x", "--exclude", "good"], "--exclude 'good': expected expired, revoked or both"),
        (["x", "--validity", "maybe"], "--validity 'maybe': expected one of valid"),
        (["x", "--seen-from", "yesterday"], "--seen-from 'yesterday': expected a date"),
        (["x", "--revocation", "none"], "--revocation 'none': expected one of good"),
        (["x", "--limit", "0"], "--limit 0: expected 1 or more"),
        (["serial:xyz"], "QUERY 'serial:xyz': serial: expected hexadecimal digits"),
        (["x", "--log", "nolog"], "log 'nolog' is not followed; expected one of: made"),
        (["log:nolog index:1"], "log 'nolog' is not followed; expected one of: made"),
        ([], "QUERY is missing"),
        (["  "], "QUERY is missing"),
    ],
)
def test_errors_name_the_input(search, arguments, named):
    code, out, errors = search(*arguments)
    assert code != 0
    assert not out
    assert named in errors
