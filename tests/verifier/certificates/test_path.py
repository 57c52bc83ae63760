"""Paths: what is accepted, and one case for each fault; the openssl command agrees on every one."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.certificates import Certificate, Purpose, build_path
from verifier.errors import PathInvalid


@dataclass
class Chain:
    leaf: Certificate
    intermediates: tuple[Certificate, ...]
    anchors: tuple[Certificate, ...]


def chain(pki, *, root=None, issuing=None, leaf=None, dns=("www.example.test",)) -> Chain:
    """A chain of three with the given deviations."""
    top = pki.root(**(root or {}))
    middle = pki.intermediate(top, **(issuing or {}))
    end = pki.leaf(middle, *dns, **(leaf or {}))
    return Chain(end.certificate, (middle.certificate,), (top.certificate,))


def test_accepted_path(pki, openssl_verify):
    made = chain(pki)
    path = build_path(made.leaf, made.intermediates, made.anchors)
    assert path.certificates == (made.leaf, *made.intermediates, *made.anchors)
    assert path.issuer == made.intermediates[0]
    assert openssl_verify(made.leaf, made.intermediates, made.anchors) == "OK"


def test_order_and_strangers_among_the_intermediates_do_not_matter(pki):
    made = chain(pki)
    stranger = pki.intermediate(pki.root("Another root"), "Another CA").certificate
    path = build_path(made.leaf, (stranger, *made.anchors, *made.intermediates), made.anchors)
    assert path.certificates == (made.leaf, *made.intermediates, *made.anchors)


def test_a_leaf_that_is_an_anchor_is_a_path_of_one(ecc):
    alone = ecc.certificate("alone.test", None, dns=["alone.test"], ca=False).certificate
    assert build_path(alone, (), (alone,)).certificates == (alone,)
    assert build_path(alone, (), (alone,)).issuer == alone


def _flip(signature: bytes) -> bytes:
    return signature[:-1] + bytes([signature[-1] ^ 1])


def _constrained(*, permitted=None, excluded=None):
    names = lambda given: [x509.DNSName(name) for name in given] if given else None  # noqa: E731
    return x509.NameConstraints(names(permitted), names(excluded))


@pytest.fixture
def critical(raw):
    """An extension of cryptography's, marked critical."""

    def make(extension):
        return raw(extension.oid.dotted_string, extension.public_bytes(), critical=True)

    return make


FAULTS = {
    "leaf signature damaged": (
        lambda _pki, _: {"leaf": {"damage": _flip}},
        "www.example.test: certificate sig",
    ),
    "issuing CA's signature damaged": (
        lambda _pki, _: {"issuing": {"damage": _flip}},
        "Issuing CA: certificate",
    ),
    "signed by another key": (
        lambda pki, _: {"leaf": {"signing_key": pki.key("somebody"), "with_key_ids": False}},
        "www.example.test: certificate signature failure",
    ),
    "issuer is not a CA": (
        lambda _pki, _: {"issuing": {"ca": False, "path_length": None}},
        "Issuing CA: invalid CA certificate",
    ),
    "issuer does not say whether it is a CA": (
        lambda _pki, _: {"issuing": {"ca": None, "path_length": None, "key_usage": ("digital_signature",)}},
        "Issuing CA: invalid CA",
    ),
    "issuer lacks keyCertSign": (
        lambda _pki, _: {"issuing": {"key_usage": ("crl_sign",)}},
        "Issuing CA: ",
    ),
    "root's path length exceeded": (lambda _pki, _: {"root": {"path_length": 0}}, "Root: path length"),
    "name outside the permitted": (
        lambda _pki, critical: {"issuing": {"extra": [critical(_constrained(permitted=["corp.test"]))]}},
        "www.example.test: permitted subtree violation",
    ),
    "name among the excluded": (
        lambda _pki, critical: {"issuing": {"extra": [critical(_constrained(excluded=["example.test"]))]}},
        "www.example.test: excluded subtree violation",
    ),
    "root's constraint violated two below": (
        lambda _pki, critical: {"root": {"extra": [critical(_constrained(permitted=["corp.test"]))]}},
        "www.example.test: permitted subtree violation",
    ),
    "unknown critical extension in the leaf": (
        lambda _pki, critical: {"leaf": {"extra": [critical(x509.UnrecognizedExtension(_UNKNOWN, b"\5\0"))]}},
        "www.example.test: unhandled critical extension",
    ),
    "unknown critical extension in the CA": (
        lambda _pki, critical: {
            "issuing": {"extra": [critical(x509.UnrecognizedExtension(_UNKNOWN, b"\5\0"))]}
        },
        "Issuing CA: unhandled critical extension",
    ),
    "leaf is for clients": (
        lambda _pki, _: {"leaf": {"eku": [ExtendedKeyUsageOID.CLIENT_AUTH]}},
        "www.example.test: unsuitable",
    ),
    "issuing CA is for code": (
        lambda _pki, _: {"issuing": {"eku": [ExtendedKeyUsageOID.CODE_SIGNING]}},
        "Issuing CA: unsuitable",
    ),
    "leaf may only sign certificates": (
        lambda _pki, _: {"leaf": {"key_usage": ("key_cert_sign",)}},
        "www.example.test: unsuitable",
    ),
    "precertificate in place of the certificate": (
        lambda _pki, critical: {"leaf": {"extra": [critical(x509.PrecertPoison())]}},
        "www.example.test: unhandled",
    ),
}
_UNKNOWN = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_refused_and_openssl_agrees(pki, critical, openssl_verify, fault):
    deviations, message = FAULTS[fault]
    made = chain(pki, **deviations(pki, critical))
    with pytest.raises(PathInvalid) as refusal:
        build_path(made.leaf, made.intermediates, made.anchors)
    assert message in str(refusal.value)
    if pki.algorithm is KeyAlgorithm.ECDSA:  # the command checks SM2 link by link only, see openssl_verify
        assert openssl_verify(made.leaf, made.intermediates, made.anchors) != "OK"


@pytest.mark.needs("openssl")
def test_missing_intermediate_and_foreign_root(pki, openssl_verify):
    made = chain(pki)
    with pytest.raises(PathInvalid, match=r"www\.example\.test: unable to get local issuer certificate"):
        build_path(made.leaf, (), made.anchors)
    assert "unable to get" in openssl_verify(made.leaf, (), made.anchors)
    foreign = pki.root("Foreign root").certificate
    with pytest.raises(PathInvalid, match="Issuing CA: unable to get local issuer certificate"):
        build_path(made.leaf, made.intermediates, (foreign,))
    assert openssl_verify(made.leaf, made.intermediates, (foreign,)) != "OK"


def test_same_name_and_other_key_is_no_anchor(pki):
    made = chain(pki)
    impostor = pki.certificate("Root", None, key=pki.key("impostor"), ca=True).certificate
    assert impostor.subject_der == made.anchors[0].subject_der
    with pytest.raises(PathInvalid):
        build_path(made.leaf, made.intermediates, (impostor,))


def test_sending_the_root_does_not_make_it_an_anchor(pki):
    made = chain(pki)
    other = pki.root("Other root").certificate
    with pytest.raises(PathInvalid, match="self-signed certificate in certificate chain"):
        build_path(made.leaf, (*made.intermediates, *made.anchors), (other,))


def test_an_issuing_ca_alone_is_no_anchor(pki):
    """Partial chains are not allowed: a pin is a further demand, not an anchor."""
    made = chain(pki)
    with pytest.raises(PathInvalid):
        build_path(made.leaf, (), made.intermediates)


@pytest.mark.parametrize("usage", [(), ("key_cert_sign",)])
@pytest.mark.parametrize("netscape", [False, True])
def test_without_basic_constraints_nobody_is_a_ca(pki, raw, usage, netscape):
    """RFC 5280 section 6.1.4 (k), whatever older extensions say."""
    extra = [raw("2.16.840.1.113730.1.1", b"\x03\x02\x02\x04")] if netscape else []
    made = chain(pki, issuing={"ca": None, "path_length": None, "key_usage": usage, "extra": extra})
    with pytest.raises(PathInvalid, match="Issuing CA: invalid CA certificate"):
        build_path(made.leaf, made.intermediates, made.anchors)


def test_no_anchor_at_all_is_an_error(ecc):
    made = chain(ecc)
    with pytest.raises(PathInvalid, match="no trust anchor"):
        build_path(made.leaf, made.intermediates, ())


def test_too_many_intermediates(ecc):
    made = chain(ecc)
    with pytest.raises(PathInvalid, match="at most 64"):
        build_path(made.leaf, made.intermediates * 65, made.anchors)


def test_purpose_any_takes_what_is_not_for_servers(ecc):
    made = chain(ecc, leaf={"eku": [ExtendedKeyUsageOID.CLIENT_AUTH]})
    assert build_path(made.leaf, made.intermediates, made.anchors, purpose=Purpose.ANY).leaf == made.leaf


def test_times_do_not_matter_but_a_path_in_force_is_preferred(pki):
    """Two roots of one key and name, as after a root was renewed: the one in force is taken."""
    over = {"not_before": pki.now - timedelta(20), "not_after": pki.now - timedelta(10)}
    old, new = pki.root(**over), pki.root()
    middle = pki.intermediate(new)
    leaf = pki.leaf(middle).certificate
    for anchors in ((old.certificate, new.certificate), (new.certificate, old.certificate)):
        path = build_path(leaf, (middle.certificate,), anchors, at=pki.now)
        assert path.anchor == new.certificate
    assert build_path(leaf, (middle.certificate,), (old.certificate,), at=pki.now).anchor == old.certificate


def test_anchors_are_found_whatever_the_spelling_of_their_name(ecc):
    """RFC 5280 section 7.1: names that differ in case and in kind of string are the same name."""
    root = ecc.root()
    spelled = ecc.name("ROOT", "TEST").public_bytes().replace(b"\x0c", b"\x13")  # PrintableString
    middle = ecc.intermediate(Respelled(root.certificate, root.key, spelled))
    leaf = ecc.leaf(middle).certificate
    assert middle.certificate.issuer_der != root.certificate.subject_der
    assert build_path(leaf, (middle.certificate,), (root.certificate,)).anchor == root.certificate


@dataclass
class Respelled:
    """An issuer whose name is written differently in what it issues."""

    certificate: Certificate
    key: PrivateKey
    name: bytes
