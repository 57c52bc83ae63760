"""How each kind of question is answered: where its candidates come from, and which of them it is about."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from unicodedata import normalize

from monitor.index import terms
from monitor.index.asked import Asked, Kind, address_bounds
from monitor.index.names import fold, forms, text_of, unicode_of, wildcard_over
from monitor.index.terms import key
from monitor.store import Search
from monitor.store.search import Condition, joined
from monitor.values import Match

FEW = 64
"""Issuers' names that are read one beside the other; more are filtered out of all certificates."""
FEW_GRAMS = 100
"""Runs of three characters with a shorter part in them; where there are more, most certificates have one."""
MANY_ADDRESSES = 20_000
"""So many are not put in order for a page: certificates are read from the newest on instead."""
_DIGEST = 64  # hexadecimal digits

type Source = Callable[[int], Iterator[int]]
"""Certificates' rows below a number, newest first."""
type Check = Callable[[tuple[str, ...], str], bool]
"""Whether a certificate of these names and this subject is one that was asked for."""
type Matched = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question is answered. ``matched`` tells which names of a certificate it is there for."""

    source: Source
    check: Check | None = None
    condition: Condition | None = None
    matched: Matched | None = None


def plan(search: Search, asked: Asked, match: Match) -> Plan:
    """Return how to answer a question."""
    return _PLANS[asked.kind](search, asked, match)


def _newest(search: Search, _asked: Asked, _match: Match) -> Plan:
    return Plan(search.newest)


# names


def _name(search: Search, asked: Asked, match: Match) -> Plan:
    if match is Match.CONTAINS:
        return _part(search, asked.text)
    wanted = forms(asked.text)
    if match is Match.SUBDOMAIN:
        above = frozenset(map(_domain, wanted))
        keys = {key(terms.UNDER, name) for name in above}
        return Plan(partial(search.by_keys, keys), matched=lambda name: _lies_under(name, above))
    exact = {*wanted, *filter(None, map(wildcard_over, wanted))}
    keys = {key(terms.NAME, name) for name in exact}
    return Plan(partial(search.by_keys, keys), matched=exact.__contains__)


def _domain(text: str) -> str:
    return text.removeprefix("*.").removeprefix(".").removeprefix("%.")


def _lies_under(name: str, above: frozenset[str]) -> bool:
    domain = name.rpartition("@")[2]
    return name in above or any(domain == one or domain.endswith(f".{one}") for one in above)


def parts(text: str) -> frozenset[str]:
    """Return what stands in a name's A-labels or its Unicode form where it contains ``text``."""
    plain = normalize("NFKC", text.strip()).lower()
    return frozenset({plain} if text.isascii() else {plain, unicode_of(fold(text))})


def _part(search: Search, text: str) -> Plan:
    wanted = parts(text)

    def matched(name: str) -> bool:
        text = text_of(name)
        return any(part in text for part in wanted)

    sources = [_holding(search, part) for part in wanted]
    return Plan(
        lambda after: joined([source(after) for source in sources]),
        check=lambda names, _subject: any(map(matched, names)),
        matched=matched,
    )


def _holding(search: Search, part: str) -> Source:
    if len(part) >= terms.GRAM:
        return partial(search.by_name_part, part)
    grams = search.grams(part, FEW_GRAMS + 1)
    return partial(search.by_grams, grams) if len(grams) <= FEW_GRAMS else search.newest


def _email(search: Search, asked: Asked, _match: Match) -> Plan:
    """An address, or all of a domain's."""
    local, _, domain = fold(asked.text).rpartition("@")
    if local:
        name = f"{local}@{domain}"
        return Plan(partial(search.by_keys, {key(terms.NAME, name)}), matched=lambda each: each == name)
    keys = {key(terms.MAIL_DOMAIN, domain)}
    return Plan(
        partial(search.by_keys, keys),
        matched=lambda name: "@" in name and name.rpartition("@")[2] == domain,
    )


def _address(search: Search, asked: Asked, _match: Match) -> Plan:
    first, last = (terms.packed(str(address)) for address in address_bounds(asked.text))

    def matched(name: str) -> bool:
        return any(first <= address <= last for address in terms.addresses_of([name]))

    if search.addresses(first, last, MANY_ADDRESSES) < MANY_ADDRESSES:
        return Plan(partial(search.by_addresses, first, last), matched=matched)
    return Plan(search.newest, check=lambda names, _subject: any(map(matched, names)), matched=matched)


# identifiers


def _keys(*kinds: str) -> Callable[[Search, Asked, Match], Plan]:
    def planned(search: Search, asked: Asked, _match: Match) -> Plan:
        value = bytes.fromhex(asked.text)
        return Plan(partial(search.by_keys, {key(kind, value) for kind in kinds}))

    return planned


def _serial(search: Search, asked: Asked, _match: Match) -> Plan:
    value = bytes.fromhex(asked.text)
    keys = {key(terms.SERIAL, value.lstrip(b"\0") or b"\0")}
    if asked.guessed:
        keys |= {key(kind, value) for kind in (terms.SUBJECT_KEY_ID, terms.AUTHORITY_KEY_ID)}
    return Plan(partial(search.by_keys, keys))


def _certificate(search: Search, asked: Asked, _match: Match) -> Plan:
    return Plan(partial(search.by_fingerprint, bytes.fromhex(asked.text)))


def _tbs(search: Search, asked: Asked, _match: Match) -> Plan:
    return Plan(partial(search.by_tbs, bytes.fromhex(asked.text)))


def _fingerprint(search: Search, asked: Asked, _match: Match) -> Plan:
    """A SHA-256 of the certificate, its precertificate, its TBS or its key; or a key identifier as long."""
    digest = bytes.fromhex(asked.text)
    keys = {key(kind, digest) for kind in (terms.SPKI, terms.SUBJECT_KEY_ID, terms.AUTHORITY_KEY_ID)}
    return Plan(
        lambda after: joined([
            search.by_fingerprint(digest, after),
            search.by_tbs(digest, after),
            search.by_keys(keys, after),
        ])
    )


def _entry(search: Search, asked: Asked, _match: Match) -> Plan:
    return Plan(partial(search.by_entry, asked.text, asked.index))


def _log(search: Search, asked: Asked, _match: Match) -> Plan:
    return Plan(search.newest, condition=logged_by(asked.text))


def logged_by(log: str) -> Condition:
    """Return the condition that a certificate, in either form, is in the log of this name or LogID."""
    return Condition(
        "EXISTS (SELECT 1 FROM encodings n JOIN entries e ON e.encoding=n.id JOIN logs l ON l.id=e.log"
        " WHERE n.certificate=f.certificate AND (l.name=? OR lower(hex(l.log_id))=?))",
        (log, log.lower()),
    )


# issuers and organisations


def _issuer(search: Search, asked: Asked, _match: Match) -> Plan:
    if keys := issuer_keys(asked.text):
        return Plan(partial(search.by_keys, keys))
    issuers = issuers_named(search, asked.text)
    if len(issuers) <= FEW:
        return Plan(partial(search.by_issuers, issuers))
    return Plan(search.newest, condition=Condition.among("f.issuer", issuers))


def issuer_keys(text: str) -> frozenset[int]:
    """Return the keys that a fingerprint of an issuer's certificate or key has; none where it is a name."""
    try:
        digest = bytes.fromhex(text) if len(text) == _DIGEST else b""
    except ValueError:
        return frozenset()
    kinds = (terms.ISSUER_CERTIFICATE, terms.ISSUER_KEY)
    return frozenset(key(kind, digest) for kind in kinds if digest)


def issuers_named(search: Search, text: str) -> list[int]:
    """Return the rows of the issuers whose name contains ``text``."""
    wanted = terms.fold_text(text)
    return [row for row, name in search.issuers() if wanted in terms.fold_text(name)]


def _organisation(attribute: str) -> Callable[[Search, Asked, Match], Plan]:
    def planned(search: Search, asked: Asked, _match: Match) -> Plan:
        wanted = terms.fold_text(asked.text)
        long = len(wanted) >= terms.GRAM
        source = partial(search.by_organisation_part, wanted) if long else partial(search.by_keys, _ORGANISED)
        return Plan(
            source,
            check=lambda _names, subject: any(
                wanted in text for text in terms.organisations_of(subject, attribute)
            ),
        )

    return planned


_ORGANISED = frozenset({key(terms.ORGANISED)})
_PLANS: dict[Kind, Callable[[Search, Asked, Match], Plan]] = {
    Kind.NEWEST: _newest,
    Kind.NAME: _name,
    Kind.EMAIL: _email,
    Kind.ADDRESS: _address,
    Kind.SERIAL: _serial,
    Kind.FINGERPRINT: _fingerprint,
    Kind.CERTIFICATE: _certificate,
    Kind.SPKI: _keys(terms.SPKI),
    Kind.TBS: _tbs,
    Kind.KEY_ID: _keys(terms.SUBJECT_KEY_ID, terms.AUTHORITY_KEY_ID),
    Kind.SUBJECT_KEY_ID: _keys(terms.SUBJECT_KEY_ID),
    Kind.AUTHORITY_KEY_ID: _keys(terms.AUTHORITY_KEY_ID),
    Kind.ISSUER: _issuer,
    Kind.ORGANISATION: _organisation("O"),
    Kind.UNIT: _organisation("OU"),
    Kind.ENTRY: _entry,
    Kind.LOG: _log,
}
