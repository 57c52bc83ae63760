"""The index finds what a scan of the same certificates finds, all of it, in the same order."""

from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.index import finding
from monitor.index import query as paging
from monitor.index.filters import Filters, Validity
from monitor.index.names import fold, unicode_of, wildcard_over
from monitor.index.terms import fold_text
from monitor.service import Monitor
from monitor.store import Connections
from monitor.values import Match, Query
from tests.monitor.index_rows import certificate_row, fill_index

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LABELS = ["a", "b", "ab", "www", "example", "*", "xn--fsqu00a", "xn--mnchen-3ya", "shop-1"]
TOPS = ["test", "com", "example.com", "b.example.com"]
names = st.one_of(
    st.tuples(st.lists(st.sampled_from(LABELS), min_size=1, max_size=3), st.sampled_from(TOPS)).map(
        lambda parts: ".".join((*parts[0], parts[1]))
    ),
    st.sampled_from([
        "me@example.com",
        "me@b.example.com",
        "192.0.2.1",
        "192.0.2.77",
        "2001:db8::1",
        "localhost",
        "x",
    ]),
)
certificates = st.fixed_dictionaries({
    "names": st.lists(names, min_size=1, max_size=4, unique=True).map(tuple),
    "begins": st.integers(-400, 20),
    "lasts": st.integers(1, 400),
    "issuer": st.sampled_from(["CN=One,O=Trust", "CN=Two,O=Trust", "CN=Größe"]),
    "organisation": st.sampled_from(["", "Big Co", "GRÖSSE & Söhne"]),
    "key": st.integers(0, 3),
    "status": st.sampled_from(["", "good", "revoked", "unknown"]),
})
texts = st.one_of(
    names,
    st.sampled_from([
        "例子.com",
        "münchen.test",
        "例",
        "ü",
        "xn--",
        "a",
        "b.",
        "m",
        "co",
        "www.",
        "example",
        "*.com",
    ]),
    st.sampled_from(TOPS),
)


class World:
    """Some certificates in a database, and beside it in a list."""

    def __init__(self, path, made):
        self.made = made
        connections = Connections(path)
        rows = [_row(number, one) for number, one in enumerate(made)]
        self.log_id = fill_index(connections, rows, NOW, [one["status"] for one in made]).log_id
        connections.close()
        self.monitor = Monitor.open(path, read_only=True)

    def found(self, query):
        """Every page's results, by number."""
        found, after = [], None
        while True:
            page = self.monitor.search(
                Query(query.q, query.match, after=after, limit=3, filters=query.filters), NOW
            )
            found += [(int(each.serial) - 1, each.matched) for each in page.results]
            if page.cursor is None:
                return found
            after = page.cursor

    def scanned(self, matched):
        return [
            (number, matching)
            for number, one in reversed(list(enumerate(self.made)))
            if (matching := matched(one)) is not None
        ]


def _row(number, one):
    begins = NOW + timedelta(days=one["begins"])
    subject = "CN=x" + (f",O={one['organisation']},OU=Unit {one['key']}" if one["organisation"] else "")
    return certificate_row(
        number, one["names"], begins, begins + timedelta(days=one["lasts"]),
        chain=(one["issuer"].encode(),), subject=subject, organisation=one["organisation"],
        issuer=one["issuer"], spki_hash=bytes([one["key"]]) * 32,
        subject_key_id=bytes([one["key"]]) * 20, authority_key_id=b"\7" * 20,
        issuer_sha256=sha256(one["issuer"].encode()).digest(), issuer_key=b"\5" * 32,
    )  # fmt: skip


@pytest.fixture(params=[4096, 2], ids=["whole pages", "two candidates a page"])
def budget(request, monkeypatch):
    """How far one page looks makes no difference to all of them together."""
    monkeypatch.setattr(paging, "BUDGET", dict.fromkeys(Match, request.param))


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("complete")


@pytest.fixture
def fill(directory):
    """Makes worlds that are closed when the test ends."""
    with ExitStack() as opened:
        yield lambda made: opened.enter_context(world(directory, made))


class Counter:
    value = 0


@contextmanager
def world(directory, made):
    Counter.value += 1
    filled = World(directory / f"{Counter.value}.db", made)
    try:
        yield filled
    finally:
        filled.monitor.close()


def matching(text, match, one):
    """The definition, said a second time and plainly: which names a search by name is about."""
    wanted = {fold(text)}
    if match is Match.EXACT:
        hits = [
            name
            for name in one["names"]
            if name in wanted or name in {wildcard_over(text) for text in wanted}
        ]
    elif match is Match.SUBDOMAIN:
        above = {text.removeprefix("*.") for text in wanted}
        ends = (*(f".{each}" for each in above), *(f"@{each}" for each in above))
        hits = [name for name in one["names"] if name in above or name.endswith(ends)]
    else:
        plain = text.lower()
        hits = [name for name in one["names"] if plain in name or plain in unicode_of(name)]
    return tuple(hits) or None


@given(
    st.lists(certificates, max_size=12),
    st.lists(st.tuples(texts, st.sampled_from(Match)), min_size=1, max_size=12),
)
def test_names(directory, made, asked):
    with world(directory, made) as filled:
        for text, match in asked:
            scanned = filled.scanned(lambda one, text=text, match=match: matching(text, match, one))
            assert filled.found(Query(f"name:{text}", match)) == scanned, (text, match)


@pytest.mark.usefixtures("budget")
def test_every_filter_alone_and_with_every_other(fill):
    made = [
        {"names": (f"n{number}.example.com",), "begins": -(number * 37 % 420), "lasts": number * 53 % 400 + 1,
         "issuer": ["CN=One,O=Trust", "CN=Two,O=Trust"][number % 2], "organisation": "", "key": 0,
         "status": ["", "good", "revoked", "unknown"][number // 2 % 4]}
        for number in range(60)
    ]  # fmt: skip
    filled = fill(made)
    end = [NOW + timedelta(days=one["begins"] + one["lasts"]) for one in made]
    begin = [NOW + timedelta(days=one["begins"]) for one in made]
    one_hash = sha256(b"CN=One,O=Trust").hexdigest()
    far, near = NOW + timedelta(days=200), NOW - timedelta(days=50)
    each = [
        (Filters(exclude=frozenset({"expired"})), lambda n: end[n] >= NOW),
        (Filters(exclude=frozenset({"revoked"})), lambda n: made[n]["status"] != "revoked"),
        (Filters(validity=Validity.VALID), lambda n: begin[n] <= NOW <= end[n]),
        (Filters(validity=Validity.VALID, at=near), lambda n: begin[n] <= near <= end[n]),
        (Filters(validity=Validity.EXPIRED), lambda n: end[n] < NOW),
        (Filters(validity=Validity.NOT_YET_VALID, at=near), lambda n: begin[n] > near),
        (Filters(revocation="good"), lambda n: made[n]["status"] == "good"),
        (Filters(revocation="not-checked"), lambda n: not made[n]["status"]),
        (Filters(expires_from=NOW, expires_until=far), lambda n: NOW <= end[n] <= far),
        (Filters(seen_from=NOW, seen_until=NOW), lambda _: True),
        (Filters(seen_until=near), lambda _: False),
        (Filters(issuer="one"), lambda n: n % 2 == 0),
        (Filters(issuer=one_hash), lambda n: n % 2 == 0),
        (Filters(issuer="nobody"), lambda _: False),
        (Filters(log="made"), lambda _: True),
        (Filters(log="other"), lambda _: False),
    ]
    for filters, kept in each:
        wanted = [number for number in reversed(range(60)) if kept(number)]
        for query in (
            Query("example.com", Match.SUBDOMAIN, filters=filters),
            Query("example", Match.CONTAINS, filters=filters),
            Query("", filters=filters),
        ):
            assert [number for number, _ in filled.found(query)] == wanted, (query, filters)
        assert Filters.parse(filters.to_parameters()) == filters
    both = Filters(exclude=frozenset({"expired", "revoked"}), issuer="one", expires_until=far)
    wanted = [
        n
        for n in reversed(range(60))
        if NOW <= end[n] <= far and made[n]["status"] != "revoked" and n % 2 == 0
    ]
    assert [
        number for number, _ in filled.found(Query("example.com", Match.SUBDOMAIN, filters=both))
    ] == wanted
    assert wanted


@pytest.fixture(params=[finding.MANY_ADDRESSES, 2], ids=["few addresses", "many addresses"])
def crowd(request, monkeypatch):
    """From how many addresses on certificates are read from the newest on makes no difference either."""
    monkeypatch.setattr(finding, "MANY_ADDRESSES", request.param)


@pytest.mark.usefixtures("budget", "crowd")
def test_everything_else_that_a_certificate_is_found_by(fill):
    made = [
        {"names": names, "begins": -10, "lasts": 100, "issuer": ["CN=One,O=Trust", "CN=Größe"][number % 2],
         "organisation": ["", "Big Co", "GRÖSSE  & Söhne"][number % 3], "key": number % 4, "status": ""}
        for number, names in enumerate(
            [("me@example.com",), ("192.0.2.1",), ("192.0.3.1", "a"), ("2001:db8::1",), ("me@b.example.com",)]
            * 3
        )
    ]  # fmt: skip
    filled = fill(made)
    big = [n for n in reversed(range(15)) if n % 3 == 1]
    for text, wanted in {
        "email:me@example.com": [10, 5, 0],
        "email:@example.com": [10, 5, 0],
        "ip:192.0.2.0/24": [11, 6, 1],
        "192.0.2.0/23": [12, 11, 7, 6, 2, 1],
        "2001:0DB8:0:0:0:0:0:1": [13, 8, 3],
        "ip:2001:db8::/32": [13, 8, 3],
        "192.0.2.1-192.0.3.0": [11, 6, 1],
        "ip:192.0.2.2 - 192.0.3.1": [12, 7, 2],
        "o:big co": big,
        "o:g c": big,
        "o:b": big,
        "organisation:größe &": [n for n in reversed(range(15)) if n % 3 == 2],
        "ou:unit 1": [n for n in reversed(range(15)) if n % 3 and n % 4 == 1],
        "o:unit": [],
        "serial:05": [4],
        f"ski:{'02' * 20}": [14, 10, 6, 2],
        f"aki:{'07' * 20}": [*reversed(range(15))],
        f"keyid:{'03' * 20}": [11, 7, 3],
        "02" * 20: [14, 10, 6, 2],
        f"spki:{'01' * 32}": [13, 9, 5, 1],
        f"issuer:{sha256(b'CN=One,O=Trust').hexdigest()}": [n for n in reversed(range(15)) if n % 2 == 0],
        f"issuer:{'05' * 32}": [*reversed(range(15))],
        "issuer:GRÖSSE": [n for n in reversed(range(15)) if n % 2],
        "issuer:o": [n for n in reversed(range(15)) if n % 2 == 0],
        "log:made index:7": [7],
        "log:made 7": [7],
        "log:made": [*reversed(range(15))],
        f"log:{filled.log_id.hex().upper()}": [*reversed(range(15))],
        f"log:{filled.log_id.hex()} index:7": [7],
        "log:other": [],
        f"tbs:{sha256(b'tbs' + _row(3, made[3]).der).hexdigest()}": [3],
        f"cert:{_row(3, made[3]).sha256.hex()}": [3],
        f"cert:{'01' * 32}": [],
    }.items():
        assert [number for number, _ in filled.found(Query(text))] == wanted, text
    (first,) = filled.monitor.search(Query("serial:01"), NOW).results
    others = filled.monitor.index.same_key(first)
    assert [int(other.serial) - 1 for other in others] == [12, 8, 4]


def test_both_spellings_of_a_letter_that_idna_2003_maps(fill):
    made = [
        {
            "names": (name,),
            "begins": -1,
            "lasts": 9,
            "issuer": "CN=x",
            "organisation": "",
            "key": 0,
            "status": "",
        }
        for name in ("strasse.test", "xn--strae-oqa.test")
    ]
    filled = fill(made)
    for match in Match:
        assert [number for number, _ in filled.found(Query("Straße.test", match))] == [1, 0]


def test_texts_are_folded():
    assert fold_text("  Größe\tAG ") == fold_text("GRÖSSE AG")
