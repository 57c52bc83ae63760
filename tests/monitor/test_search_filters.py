"""Filters as a query string has them: read strictly, written again, and refused with the field's name."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import QueryError
from monitor.index.asked import Kind, understand
from monitor.index.filters import REVOCATIONS, Filters, Validity

moments = st.none() | st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year > 1)


@given(
    st.builds(
        Filters,
        exclude=st.frozensets(st.sampled_from(["expired", "revoked"])),
        validity=st.none() | st.sampled_from(Validity),
        at=moments,
        revocation=st.sampled_from(["", *REVOCATIONS]),
        expires_from=moments,
        expires_until=moments,
        seen_from=moments,
        seen_until=moments,
        issuer=st.text(min_size=1).map(str.strip),
        log=st.text(min_size=1).map(str.strip),
    )
)
def test_what_is_written_is_read(filters):
    assert Filters.parse(filters.to_parameters()) == filters


def test_days_and_moments():
    found = Filters.parse({
        "seen_from": "2026-11-01",
        "seen_until": "2026-11-02",
        "at": "2026-11-01T12:00:00+02:00",
    })
    assert found.seen_from == datetime(2026, 11, 1, tzinfo=UTC)
    assert found.seen_until == datetime(2026, 11, 2, 23, 59, 59, 999000, tzinfo=UTC)
    assert found.at == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert Filters.parse({"exclude": "expired, revoked"}).exclude == {"expired", "revoked"}
    assert Filters.parse({"exclude": "", "q": "x"}) == Filters()


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("exclude", "good"),
        ("validity", "maybe"),
        ("revocation", "x"),
        ("at", "yesterday"),
        ("seen_from", "2026-13-01"),
        ("expires_until", "9999-12-31T23:59:59-23:00"),
        ("expires_from", "2026-11-24T99:00"),
    ],
)
def test_a_wrong_one_is_refused_with_its_name(field, text):
    with pytest.raises(QueryError, match=f"^{field}: expected"):
        Filters.parse({field: text})


@given(st.text(), st.sampled_from(["at", "expires_from", "seen_until", "exclude", "validity", "revocation"]))
def test_any_text_gives_filters_or_a_query_error(text, field):
    try:
        found = Filters.parse({field: text})
    except QueryError as error:
        found = str(error).partition(":")[0]
    assert found == field or isinstance(found, Filters)


@pytest.mark.parametrize(
    ("text", "kind", "plain"),
    [
        ("example.com", Kind.NAME, "example.com"),
        ("192.0.2.1", Kind.ADDRESS, "192.0.2.1"),
        ("2001:db8::1", Kind.ADDRESS, "2001:db8::1"),
        ("name:2001:DB8::1", Kind.NAME, "2001:db8::1"),
        ("12345678", Kind.SERIAL, "12345678"),
        ("1234567", Kind.NAME, "1234567"),
        ("AB:CD:EF:01", Kind.SERIAL, "abcdef01"),
        ("serial: 1", Kind.SERIAL, "01"),
        ("ab" * 32, Kind.FINGERPRINT, "ab" * 32),
        ("spki:" + "ab" * 32, Kind.SPKI, "ab" * 32),
        ("CN=Some CA", Kind.ISSUER, "CN=Some CA"),
        ("log:x index:7", Kind.ENTRY, "x"),
        ("log:x", Kind.LOG, "x"),
        ("o: Big Co", Kind.ORGANISATION, "Big Co"),
        ("  ", Kind.NEWEST, ""),
        ("name:", Kind.NEWEST, ""),
        ("https://www.example.com/a?b=c", Kind.NAME, "www.example.com"),
        ("https://user@www.example.com:8443", Kind.NAME, "www.example.com"),
        ("https://[2001:db8::1]:8443/", Kind.ADDRESS, "2001:db8::1"),
        ("www.example.com:443", Kind.NAME, "www.example.com"),
        ("例子.测试:443", Kind.NAME, "例子.测试"),
        ("192.0.2.1:443", Kind.ADDRESS, "192.0.2.1"),
        ("[2001:db8::1]:443", Kind.ADDRESS, "[2001:db8::1]"),
        ("192.0.2.1-192.0.2.9", Kind.ADDRESS, "192.0.2.1-192.0.2.9"),
        ("ip:2001:db8::1 - 2001:db8::ff", Kind.ADDRESS, "2001:db8::1 - 2001:db8::ff"),
        ("http://[", Kind.NAME, "http://["),
    ],
)
def test_questions_are_understood(text, kind, plain):
    asked = understand(text)
    assert (asked.kind, asked.text) == (kind, plain)


@pytest.mark.parametrize(
    "text",
    [
        "ip:nowhere",
        "ip:",
        "ip:192.0.2.9-192.0.2.1",
        "ip:192.0.2.1-::1",
        "ip:1-2",
        "log:a b c",
        "ski:xy",
        "tbs:ab",
        "aki:",
    ],
)
def test_what_is_said_must_be_what_it_is_said_to_be(text):
    if text.endswith(":"):
        assert understand(text).kind is Kind.NEWEST
        return
    with pytest.raises(QueryError, match="expected"):
        understand(text)
