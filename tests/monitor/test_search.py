"""The index: what a search finds, what it does not, in which order, and why each result is there."""

import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.errors import QueryError
from monitor.index.names import fold, suffixes, text_of, unicode_of, wildcard_over
from monitor.values import Match, Query
from verifier.certificates import Certificate

NOW = datetime.now(UTC)
NAMES = {
    "plain": ["www.example.test"],
    "two": ["example.test", "mail.example.test"],
    "wild": ["*.example.test"],
    "deep": ["a.b.c.example.test"],
    "other": ["example.test.evil.net"],
    "lookalike": ["notexample.test"],
    "idn": ["xn--fsqu00a.xn--0zwm56d"],
    "upper": ["UPPER.Example.Test"],
}


@pytest.fixture
def filled(monitor, log, ca):
    ders = {key: ca.precertificate(*names) for key, names in NAMES.items()}
    ders["expired"] = ca.precertificate("old.example.test", not_after=NOW - timedelta(days=1))
    ders["organised"] = ca.precertificate("org.example.test", organisation="Größe & Söhne AG")
    for der in ders.values():
        log.add_precertificate(der, ca)
    monitor.watch_log(log.watched())
    monitor.audit_now()
    return ders


def found(monitor, text, match=Match.EXACT, **options):
    page = monitor.search(Query(text, match, **options), NOW)
    return [result.names[0] for result in page.results]


def test_exact_means_this_name_or_a_wildcard_over_it(monitor, filled):
    assert found(monitor, "www.example.test") == ["*.example.test", "www.example.test"]
    assert found(monitor, "example.test") == ["example.test"]
    assert found(monitor, "*.example.test") == ["*.example.test"]
    assert found(monitor, "nothing.test") == []
    (result,) = monitor.search(Query("mail.example.test"), NOW).results[1:]
    assert result.matched == ("mail.example.test",)


def test_case_and_a_final_dot_make_no_difference(monitor, filled):
    assert "upper.example.test" in found(monitor, "uppeR.EXAMPLE.test.")


def test_subdomain_means_the_name_and_everything_below(monitor, filled):
    names = found(monitor, "example.test", Match.SUBDOMAIN)
    assert names == [
        "org.example.test", "old.example.test", "upper.example.test", "a.b.c.example.test",
        "*.example.test", "example.test", "www.example.test",
    ]  # fmt: skip
    assert found(monitor, "c.example.test", Match.SUBDOMAIN) == ["a.b.c.example.test"]
    assert found(monitor, "net", Match.SUBDOMAIN) == ["example.test.evil.net"]
    assert found(monitor, "*.c.example.test", Match.SUBDOMAIN) == ["a.b.c.example.test"]


def test_contains_means_any_part_of_any_name(monitor, filled):
    names = found(monitor, "example.t", Match.CONTAINS)
    assert len(names) == 9
    assert "notexample.test" in names
    assert "example.test.evil.net" in names
    assert found(monitor, "evil", Match.CONTAINS) == ["example.test.evil.net"]
    assert found(monitor, 'a"b OR c', Match.CONTAINS) == []


@pytest.mark.parametrize("text", ["例子.测试", "xn--fsqu00a.xn--0zwm56d"])
@pytest.mark.parametrize("match", [Match.EXACT, Match.SUBDOMAIN, Match.CONTAINS])
def test_unicode_and_punycode_are_one_name(monitor, filled, text, match):
    assert found(monitor, text, match) == ["xn--fsqu00a.xn--0zwm56d"]


def test_a_part_may_be_one_or_two_characters(monitor, filled):
    assert len(found(monitor, "ex", Match.CONTAINS)) == 9
    assert found(monitor, "v", Match.CONTAINS) == ["example.test.evil.net"]
    assert found(monitor, "qq", Match.CONTAINS) == []


def test_a_part_of_a_unicode_name_may_be_one_character(monitor, filled):
    assert found(monitor, "例", Match.CONTAINS) == ["xn--fsqu00a.xn--0zwm56d"]
    assert found(monitor, "例子", Match.CONTAINS) == ["xn--fsqu00a.xn--0zwm56d"]
    assert found(monitor, "犬", Match.CONTAINS) == []


def test_expired_certificates_can_be_left_out(monitor, filled):
    for match in (Match.SUBDOMAIN, Match.CONTAINS):
        assert "old.example.test" in found(monitor, "example.test", match)
        assert "old.example.test" not in found(monitor, "example.test", match, exclude_expired=True)
    assert found(monitor, "old.example.test", exclude_expired=True) == ["*.example.test"]


def test_fingerprints_of_certificate_key_and_tbs(monitor, filled):
    certificate = Certificate.parse(filled["deep"])
    for digest in (certificate.fingerprint, sha256(certificate.precertificate_tbs).digest()):
        assert found(monitor, digest.hex()) == ["a.b.c.example.test"]
        assert found(monitor, digest.hex(":").upper()) == ["a.b.c.example.test"]
    assert len(found(monitor, certificate.public_key.key_id.hex())) == len(filled)


def test_serial_numbers(monitor, filled):
    serial = Certificate.parse(filled["wild"]).serial
    assert found(monitor, f"{serial:x}") == ["*.example.test"]
    assert found(monitor, f"serial:00{serial:X}") == ["*.example.test"]
    page = monitor.search(Query(f"{serial:x}"), NOW)
    assert page.kind == "serial"
    assert int(page.results[0].serial_hex, 16) == serial


def test_issuers_and_organisations(monitor, filled):
    assert len(found(monitor, "Test Issuing CA")) == len(filled)
    assert len(found(monitor, "issuer:example trust")) == len(filled)
    assert found(monitor, "issuer:100%") == []
    assert found(monitor, "organisation:Söhne") == ["org.example.test"]
    assert monitor.search(Query("organisation:Söhne"), NOW).kind == "organisation"


def test_an_empty_query_shows_the_newest(monitor, filled):
    assert found(monitor, "", limit=2) == ["org.example.test", "old.example.test"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("example.test", Match.SUBDOMAIN),
        ("example", Match.CONTAINS),
        ("issuer:example", Match.EXACT),
        ("", Match.EXACT),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_cursors_give_every_result_once(monitor, filled, text, match, limit):
    whole = found(monitor, text, match, limit=1000)
    seen, after = [], None
    while True:
        page = monitor.search(Query(text, match, after=after, limit=limit), NOW)
        seen += [result.names[0] for result in page.results]
        assert len(page.results) <= limit
        if page.cursor is None:
            break
        after = page.cursor
    assert seen == whole
    assert len(set(seen)) == len(seen)
    assert [result.names[0] for result in monitor.stream(Query(text, match), NOW)] == whole


@pytest.mark.parametrize("cursor", ["x", "-1", "1-", "1-2-3", "9" * 30, ""])
def test_a_wrong_cursor_is_refused(monitor, filled, cursor):
    with pytest.raises(QueryError, match="cursor"):
        monitor.search(Query("example.test", after=cursor), NOW)


@pytest.mark.parametrize(
    "query",
    [
        Query("x" * 1001),
        Query("a", limit=0),
        Query("a", limit=10**6),
        Query("sha256:12"),
        Query("serial:xyz"),
    ],
)
def test_queries_that_cannot_be_answered_say_why(monitor, query):
    with pytest.raises(QueryError, match=r"expected|longer"):
        monitor.search(query, NOW)


@given(st.text(st.characters(), max_size=40), st.sampled_from(Match))
@example("00\0", Match.CONTAINS)
@example("ab\ud800", Match.EXACT)
def test_any_text_gives_a_page_or_a_query_error(tmp_path_factory, text, match):
    from monitor import Monitor

    monitor = Monitor.open(tmp_path_factory.getbasetemp() / "nothing-here.db", read_only=True)
    try:
        monitor.search(Query(text, match), NOW)
    except QueryError:
        pass
    finally:
        monitor.close()


@given(st.text(max_size=60))
def test_names_fold_and_unfold_without_error(text):
    folded = fold(text)
    assert fold(folded) == folded or not text.isascii()
    assert isinstance(unicode_of(folded), str)
    assert isinstance(text_of(folded), str)
    assert all(folded.endswith(above) for above in suffixes(folded))


def test_wildcards_cover_one_label_of_a_host_name():
    assert wildcard_over("a.example.test") == "*.example.test"
    assert wildcard_over("example.test") is None
    assert wildcard_over("*.example.test") is None
    assert wildcard_over("192.0.2.1") is None
    assert suffixes("192.0.2.1") == []
    assert suffixes("*.a.b") == ["a.b", "b"]
    assert suffixes("me@a.b") == ["a.b", "b"]


def test_a_very_long_label_costs_no_time():
    """The library's IDNA codec takes minutes for it."""
    long = "me@" + "".join(chr(0x4E00 + (number * 7919) % 20_000) for number in range(20_000))
    began = time.monotonic()
    assert fold(long) == long
    assert time.monotonic() - began < 20
