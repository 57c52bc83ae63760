"""A certificate that does not read as it should is kept as it came, counted, and shown with its names.

Through both APIs, in a certificate and in a precertificate, broken in one place after another.
"""

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from cryptography import x509

from monitor.index.extract import MAX_READ_NAMES, readable_names
from monitor.values import AuditOutcome, Match, Query
from verifier.certificates import Certificate
from verifier.errors import MalformedInput
from verifier.transparency.entries import X509Entry, entry_for_certificate, merkle_tree_leaf
from verifier.transparency.extra_data import PrecertChainEntry, X509ChainEntry
from verifier.transparency.merkle import root_of

HOST, MAIL, ADDRESS = "broken.example.test", "hostmaster@broken.example.test", "192.0.2.77"
SERIAL = 0x7A5B_0000_1111_2222
SERIAL_DER = bytes.fromhex("02087a5b000011112222")
BASIC = bytes.fromhex("0603551d130101ff04023000")  # basicConstraints, critical, empty
POINT = b"\x03\x42\x00\x04"  # BIT STRING, an uncompressed point
DNS = b"\x82" + bytes([len(HOST)]) + HOST.encode()


def swapped(old, new):
    assert len(old) == len(new)

    def change(der):
        assert der.count(old) >= 1
        return der.replace(old, new)

    return change


DAMAGE = {
    "trailing bytes": (lambda der: der + b"\0", "certificate: expected nothing more"),
    "cut short": (lambda der: der[:-1], "certificate.Certificate"),
    "negative serial": (swapped(SERIAL_DER, b"\x02\x08\xfa" + SERIAL_DER[3:]), "serialNumber"),
    "serial not minimal": (swapped(SERIAL_DER, b"\x02\x08\x00\x5b" + SERIAL_DER[4:]), "serialNumber"),
    "version 9": (swapped(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09"), "version"),
    "bad extension": (swapped(BASIC, BASIC[:-1] + b"\x7f"), "extensions.2.5.29.19"),
    "critical is FALSE": (swapped(BASIC, BASIC.replace(b"\xff", b"\x00")), "critical"),
    "an extension twice": (swapped(b"\x06\x03\x55\x1d\x13", b"\x06\x03\x55\x1d\x0f"), "2.5.29.15"),
    "bad alternative name": (swapped(b"\x87\x04\xc0\x00", b"\x87\x84\xc0\x00"), "extensions.2.5.29.17"),
    "a name beyond ASCII": (swapped(b"\x82\x05a.b.c", b"\x82\x05a.b.\xe4"), "extensions.2.5.29.17"),
    "a month thirteen": (swapped(b"\x17\x0d2601", b"\x17\x0d2613"), "validity"),
    "a point off its curve": (
        lambda der: flipped(der, der.index(b"\x03\x42\x00\x04") + 60),
        "SubjectPublicKey",
    ),
    "a name of no known string": (swapped(b"\x06\x03\x55\x04\x0b\x0c", b"\x06\x03\x55\x04\x0b\x0a"), "Name"),
}


def flipped(der, at):
    return der[:at] + bytes([der[at] ^ 1]) + der[at + 1 :]


def certificate(ca, *, poison):
    builder = (
        x509
        .CertificateBuilder()
        .subject_name(
            x509.Name([
                x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "Unit"),
                x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST),
            ])
        )
        .issuer_name(ca.name)
        .public_key(ca.key.public_key())
        .serial_number(SERIAL)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2030, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(*[True] + [False] * 8), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([
                x509.DNSName(HOST), x509.DNSName("a.b.c"), x509.RFC822Name(MAIL),
                x509.IPAddress(ip_address(ADDRESS)),
            ]),
            critical=False,
        )
    )  # fmt: skip
    if poison:
        builder = builder.add_extension(x509.PrecertPoison(), critical=True)
    return ca.sign(builder)


def add(log, ca, der, broken, *, poison):
    """Put what is broken into the log, where the log's own structures have it; return the leaf."""
    if poison:
        entry = entry_for_certificate(Certificate.parse(der), Certificate.parse(ca.der))
        leaf, extra = merkle_tree_leaf(entry, log.now(), b""), PrecertChainEntry(broken, (ca.der,)).encode()
    else:
        leaf, extra = merkle_tree_leaf(X509Entry(broken), log.now(), b""), X509ChainEntry((ca.der,)).encode()
    log.entries.append((leaf, extra))
    return leaf, extra


@pytest.mark.parametrize("poison", [False, True], ids=["certificates", "precertificates"])
@pytest.mark.parametrize("api", ["log", "static_log"])
def test_each_kind_of_damage(monitor, ca, request, api, poison):
    log = request.getfixturevalue(api)
    der = certificate(ca, poison=poison)
    Certificate.parse(der)
    log.add_precertificate(ca.precertificate("before.example.test"), ca)
    added = {name: add(log, ca, der, change(der), poison=poison) for name, (change, _) in DAMAGE.items()}
    log.add_precertificate(ca.precertificate("after.example.test"), ca)
    monitor.watch_log(log.watched())
    (report,) = monitor.audit_now()
    assert report.outcome is AuditOutcome.CONSISTENT
    state = monitor.log(log.name)
    assert (state.followed, state.malformed) == (len(DAMAGE) + 2, len(DAMAGE))
    assert state.head.root_hash == root_of(log.hashes())
    kept = {entry.index: entry for entry in monitor.malformed(log.name)}
    for index, (name, (_, field)) in enumerate(DAMAGE.items(), 1):
        assert field in kept[index].reason, name
        assert (kept[index].leaf_input, kept[index].extra_data) == added[name], name
        assert HOST in kept[index].names, name
    for host in ("before.example.test", "after.example.test"):
        (found,) = monitor.search(Query(host, Match.EXACT), datetime.now(UTC)).results
        assert found.names == (host,)


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named_and_names_are_read(ca, name):
    change, field = DAMAGE[name]
    broken = change(certificate(ca, poison=False))
    with pytest.raises(MalformedInput, match=field):
        Certificate.parse(broken)
    wanted = {HOST, MAIL} if name == "bad alternative name" else {HOST, MAIL, ADDRESS}
    assert wanted <= set(readable_names(broken))


def test_a_common_name_is_read_where_no_other_is(ca):
    der = ca.issue("common.example.test")
    broken = der.replace(b"\x82\x13common.example.test", b"\x82\x13common example test")
    assert readable_names(broken) == ("common.example.test",)
    assert readable_names(broken.replace(b"common.example.test", b"no name at all here")) == ()


def test_names_of_hostile_bytes_are_bounded():
    many = b"".join(b"\x82\x08" + f"{number:04}.abc".encode() for number in range(5000))
    assert len(readable_names(many)) == MAX_READ_NAMES
    for tail in (b"\x82", b"\x06\x03\x55\x04\x03\x0c", bytes.fromhex("0603551d110402300087"), DNS[:-3]):
        assert readable_names(tail) == ()
