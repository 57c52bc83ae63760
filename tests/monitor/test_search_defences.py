"""What the index is defended against: forged keys, endless pages, made-up cursors, patterns, spellings."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.errors import QueryError
from monitor.index import query as paging
from monitor.index import terms
from monitor.index.filters import Filters
from monitor.index.terms import key
from monitor.service import Monitor
from monitor.store import Connections
from monitor.store.search import Search
from monitor.values import Match, Query
from tests.monitor.index_rows import certificate_row, fill_index

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NAMES = [
    "www.example.test", "a_b.test", "axb.test", "a%b.test", "*.star.test", "a[b].test", "a?b.test",
    'a"b.test', "a'b.test", "xn--fsqu00a.xn--0zwm56d", "xn--bcher-kva.test", "me@mail.test",
]  # fmt: skip


def row(number, name):
    return certificate_row(
        number, (name,), NOW - timedelta(days=1), NOW + timedelta(days=1), spki_hash=bytes([number]) * 32
    )


def filled(path, names, forged=()):
    """A monitor whose index holds certificates of one name each, and the terms ``forged`` beside its own."""
    connections = Connections(path)
    fill_index(connections, [row(number, name) for number, name in enumerate(names)], NOW)
    with connections.write() as connection:
        connection.executemany("INSERT INTO terms (key, certificate) VALUES (?, ?)", forged)
    connections.close()
    return Monitor.open(path, read_only=True)


@pytest.fixture
def monitor(tmp_path):
    opened = filled(tmp_path / "monitor.db", NAMES)
    yield opened
    opened.close()


def found(monitor, text, match=Match.EXACT):
    return [one.names[0] for one in monitor.stream(Query(text, match), NOW)]


# a key is a 64-bit hash: who finds two values with the same one must not be shown under the other's name


@pytest.mark.parametrize(
    ("kind", "value", "text", "match"),
    [
        (terms.NAME, "bank.test", "bank.test", Match.EXACT),
        (terms.UNDER, "bank.test", "bank.test", Match.SUBDOMAIN),
        (terms.NAME, "me@bank.test", "email:me@bank.test", Match.EXACT),
        (terms.MAIL_DOMAIN, "bank.test", "email:@bank.test", Match.EXACT),
    ],
)
def test_a_name_is_compared_and_not_only_its_key(tmp_path, kind, value, text, match):
    monitor = filled(tmp_path / "monitor.db", ["evil.test"], [(key(kind, value), 1)])
    assert list(monitor.index._search.by_keys({key(kind, value)}, 10)) == [1]
    assert found(monitor, text, match) == []
    assert found(monitor, "evil.test") == ["evil.test"]
    monitor.close()


def test_the_certificates_of_one_key_are_compared_too(tmp_path):
    monitor = filled(tmp_path / "monitor.db", ["a.test", "b.test"], [(key(terms.SPKI, bytes(32)), 2)])
    (first,) = monitor.search(Query("a.test"), NOW).results
    assert first.spki_hash == bytes(32)
    assert monitor.index.same_key(first) == ()
    monitor.close()


# a page looks at a bounded number of candidates, and all pages together at every one


@pytest.mark.parametrize(
    ("query", "looked_at"),
    [
        (Query("under.test", Match.SUBDOMAIN, filters=Filters(revocation="revoked")), "kept"),
        (Query("nder.test", Match.CONTAINS, filters=Filters(revocation="revoked")), "kept"),
        (Query("o:no"), "texts"),  # too short for the text index: all that have an organisation are looked at
        (Query("", filters=Filters(revocation="revoked")), "kept"),
    ],
)
def test_a_page_stops_at_its_budget(tmp_path, monkeypatch, query, looked_at):
    budget = 7
    monkeypatch.setattr(paging, "BUDGET", dict.fromkeys(Match, budget))
    names = [f"n{number}.under.test" for number in range(40)]
    organised = [(key(terms.ORGANISED), number) for number in range(1, 41)]
    monitor = filled(tmp_path / "monitor.db", names, organised)
    seen = []
    asked = getattr(Search, looked_at)
    monkeypatch.setattr(
        Search, looked_at, lambda self, rows, *rest: seen.append(list(rows)) or asked(self, rows, *rest)
    )
    page = monitor.search(query, NOW)
    assert page.results == ()
    assert page.cursor is not None
    assert sum(map(len, seen)) == budget
    while page.cursor is not None:
        page = monitor.search(Query(query.q, query.match, after=page.cursor, filters=query.filters), NOW)
    assert sorted(row for rows in seen for row in rows) == list(range(1, 41))
    monitor.close()


def test_a_reader_reads_pages_and_maps_nothing(monitor):
    """Mapped, each page that is missing makes the system read ahead: 2 GB, not 20 MB, for 200 searches."""
    assert list(monitor.index._search._read("PRAGMA mmap_size", ())) == [0]


# cursors


@pytest.mark.parametrize(
    "cursor", ["", "0x10", "-1", "+1", " 1", "1 ", "1\n", "1.0", "1e3", "١", "9" * 19, "1;DROP", "NaN"]
)
def test_a_cursor_that_no_page_gave_is_refused(monitor, cursor):
    with pytest.raises(QueryError, match="after: expected the cursor of an earlier page"):
        monitor.search(Query("test", Match.SUBDOMAIN, after=cursor), NOW)


@pytest.mark.parametrize(("cursor", "count"), [("0", 0), ("1", 0), ("2", 1), ("9" * 18, len(NAMES))])
def test_a_made_up_cursor_shows_no_more_than_the_query_does(monitor, cursor, count):
    assert len(monitor.search(Query("", after=cursor), NOW).results) == count
    hidden = monitor.search(Query("axb.test", after=cursor), NOW).results
    assert all(one.names == ("axb.test",) for one in hidden)


# nothing in a question is a pattern or a query language


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("_", ["a_b.test"]),
        ("a_b", ["a_b.test"]),
        ("%", ["a%b.test"]),
        ("a%b", ["a%b.test"]),
        ("%test", []),
        ("*", ["*.star.test"]),
        ("*.s", ["*.star.test"]),
        ("a*b", []),
        ("?", ["a?b.test"]),
        ("a?b", ["a?b.test"]),
        ("[b]", ["a[b].test"]),
        ("[a-z]", []),
        ('"', ['a"b.test']),
        ('a"b', ['a"b.test']),
        ("'", ["a'b.test"]),
        ("a'b", ["a'b.test"]),
        ("axb OR a_b", []),
        ("axb NOT test", []),
        ("^axb", []),
        ("NEAR(axb, a_b)", []),
        ("text:axb", []),
        ("axb*", []),
        ("\\", []),
    ],
)
def test_no_character_is_a_pattern(monitor, text, names):
    assert found(monitor, f"name:{text}", Match.CONTAINS) == names


@pytest.mark.parametrize("part", ["%", "_", "A", "b%"])
def test_runs_of_characters_are_compared_as_they_are(monitor, part):
    runs = monitor.index._search.grams(part, 1000)
    assert all(part in run for run in runs)
    assert bool(runs) == any(part in f" {name} " for name in NAMES)


@pytest.mark.parametrize("text", ["abcd", "bcda", "zabc"])
def test_all_runs_of_a_part_are_not_the_part(tmp_path, text):
    monitor = filled(tmp_path / "monitor.db", ["abc-bcd-cda.zab-zabz.test", f"{text}.test"])
    assert found(monitor, text, Match.CONTAINS) == [f"{text}.test"]
    monitor.close()


@pytest.mark.parametrize("match", [Match.EXACT, Match.SUBDOMAIN])
@pytest.mark.parametrize("text", ["a%b.test", "a_b.test", "a?b.test", "a[b].test"])
def test_nor_in_whole_names(monitor, text, match):
    assert found(monitor, f"name:{text}", match) == [text]
    assert found(monitor, f"name:{text.replace('a', '%')}", match) == []


# one name, however it is written


@pytest.mark.parametrize(
    "text",
    [
        "例子.测试", "例子。测试", "例子．测试", "xn--fsqu00a.xn--0zwm56d", "XN--FSQU00A.XN--0ZWM56D",
        "例子.xn--0zwm56d", "xn--fsqu00a.测试",
    ],
)  # fmt: skip
@pytest.mark.parametrize("match", Match)
def test_a_chinese_name_is_found_however_it_is_written(monitor, text, match):
    assert found(monitor, text, match) == ["xn--fsqu00a.xn--0zwm56d"]


@pytest.mark.parametrize(
    "text",
    [
        "bücher.test",
        "BÜCHER.test",
        "bu\u0308cher.test",
        "ｂücher.ｔｅｓｔ",
        "xn--bcher-kva.test",
        "bücher.test.",
    ],
)
@pytest.mark.parametrize("match", Match)
def test_case_widths_and_combining_marks_make_no_difference(monitor, text, match):
    text = text.removesuffix(".") if match is Match.CONTAINS else text
    assert found(monitor, text, match) == ["xn--bcher-kva.test"]


@pytest.mark.parametrize("text", ["ü", "BÜ", "u\u0308cher", "bcher-kva", "xn--bch", "ücher.te"])
def test_a_part_is_found_in_either_spelling(monitor, text):
    assert "xn--bcher-kva.test" in found(monitor, text, Match.CONTAINS)
