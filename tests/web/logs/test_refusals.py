"""Submissions that each fail for a reason of their own: right status, one sentence, nothing changed."""

import base64
import json
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.tlog.chains import (
    NOW,
    POISON,
    PRECERTIFICATE_SIGNING,
    SCT_LIST,
    Ca,
    OpenLogs,
    OpensslCa,
    certificate,
)
from tests.web.logs.conftest import Service, served

POISON_OID = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.3")
SCTS = (x509.UnrecognizedExtension(SCT_LIST, b"\x04\x02\0\0"), False)


@dataclass
class World:
    """What the cases are made of: CAs that the log knows and does not, and the service to send them to."""

    service: Service
    ca: Ca
    root: Ca
    other: Ca
    signing: Ca
    tmp: Path

    def leaf_with(self, *extra: Any, **options: Any) -> list[bytes]:
        return self.ca.chain(extra=extra, **options)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = Ca.root()
    ca = root.intermediate()
    logs = OpenLogs(tmp_path_factory.mktemp("refusals"))
    signing = Ca.root("Signing Root", extra=[(x509.ExtendedKeyUsage([PRECERTIFICATE_SIGNING]), True)])
    start, end = NOW + timedelta(days=30), NOW + timedelta(days=200)
    created = {
        "open": logs.create("open", [root.der, signing.der]),
        "shard": logs.create("shard", [root.der], not_after=(start, end)),
        "frozen": logs.create("frozen", [root.der]),
        "mail": logs.create("mail", [root.der], eku=("1.3.6.1.5.5.7.3.4",)),
    }
    created["frozen"].freeze()
    created["open"].add_chain(ca.chain("first.example.test"))
    with served(created) as service:
        yield World(service, ca, root, Ca.root("Unknown Root"), signing, tmp_path_factory.mktemp("files"))
    logs.close()


def chain_body(chain: Sequence[bytes]) -> bytes:
    return json.dumps({"chain": [base64.b64encode(der).decode() for der in chain]}).encode()


def flipped(der: bytes, at: int) -> bytes:
    return der[:at] + bytes([der[at] ^ 1]) + der[at + 1 :]


def not_a_ca(world: World) -> list[bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    middle = certificate("Not A CA", world.root.name, world.root.key, key.public_key())
    return [certificate("www.example.test", "Not A CA", key, key.public_key()), middle]


def may_not_sign(world: World) -> list[bytes]:
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return world.root.intermediate("Signs Nothing", extra=[(usage, True)]).chain()


def path_too_long(world: World) -> list[bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    short = certificate(
        "Path Length Zero", world.root.name, world.root.key, key.public_key(), ca=True, basic=False,
        extra=[(x509.BasicConstraints(ca=True, path_length=0), True)],
    )  # fmt: skip
    return Ca("Path Length Zero", key, short, (), world.root.der).intermediate("Below It").chain()


def signing_of_final(world: World) -> list[bytes]:
    eku = (x509.ExtendedKeyUsage([PRECERTIFICATE_SIGNING]), True)
    return world.ca.intermediate("Signing", extra=[eku]).chain()


def huge_certificate(world: World) -> list[bytes]:
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x04\x82\xff\xff" + bytes(65535))
    return world.leaf_with((padding, False))


def poison(value: bytes, *, critical: bool) -> tuple[x509.ExtensionType, bool]:
    return x509.UnrecognizedExtension(POISON_OID, value), critical


def twice_in_an_object(world: World) -> bytes:
    return b'{"chain": [], ' + chain_body(world.ca.chain())[1:]


Make = Callable[[World], Any]

CHAINS: dict[str, tuple[Make, str]] = {
    "empty chain": (lambda _: [], "the chain is empty"),
    "eleven certificates": (lambda w: w.ca.chain() + [w.root.der] * 9, "at most 10 are taken"),
    "unknown root": (lambda w: w.other.chain(), "not a root that this log accepts"),
    "unknown root left out": (lambda w: [w.other.issue()], "not a root that this log accepts"),
    "intermediate left out": (lambda w: w.ca.chain()[:1], "not a root that this log accepts"),
    "no leaf": (lambda w: [w.root.der], "an accepted root itself"),
    "leaf last": (lambda w: w.ca.chain()[::-1], "not a root that this log accepts"),
    "root before its CA": (lambda w: [w.ca.issue(), w.root.der, w.ca.der], "not in order"),
    "a stranger": (lambda w: [w.ca.issue(), w.ca.der, w.other.der, w.root.der], "not in order"),
    "the CA twice": (lambda w: [w.ca.issue(), w.ca.der, w.ca.der, w.root.der], "not in order"),
    "a namesake": (lambda w: [w.ca.issue(), w.ca.der, Ca.root().der, w.root.der], "not belong to its path"),
    "another CA's leaf": (lambda w: [w.other.issue(), w.ca.der], "issued by CN=Unknown Root, not by"),
    "a signature bit": (lambda w: [flipped(w.ca.issue(), -3), w.ca.der], "not signed by|cannot be read"),
    "the CA's signature": (
        lambda w: [w.ca.issue(), flipped(w.ca.der, -3)], "signature does not match|cannot be read"
    ),
    "an issuer that is no CA": (not_a_ca, "Not A CA issued the certificate but is no CA"),
    "an issuer's key that may not sign": (may_not_sign, "its key may not"),
    "path length exceeded": (path_too_long, "Path Length Zero may have 0 CAs below it, the chain has 1"),
    "garbage": (lambda w: [b"garbage", w.ca.der], "certificate 0 of the chain cannot be read"),
    "an empty certificate": (lambda w: [b"", w.ca.der], "certificate 0 of the chain cannot be read"),
    "garbage above": (lambda w: [w.ca.issue(), b"\x30\x00"], "certificate 1 of the chain cannot be read"),
    "trailing bytes": (lambda w: [w.ca.issue() + b"\0", w.ca.der], "certificate 0 of the chain cannot be"),
    "cut short": (lambda w: [w.ca.issue()[:-1], w.ca.der], "certificate 0 of the chain cannot be read"),
    "PEM": (lambda w: [b"-----BEGIN CERTIFICATE-----", w.ca.der], "cannot be read"),
    "over 64 KiB": (huge_certificate, "expected at most 65536"),
    "a precertificate": (lambda w: w.ca.chain(precertificate=True), "send it to add-pre-chain"),
    "a signing certificate's final one": (signing_of_final, "which it may never do"),
    "an SM2 chain of an unknown root": (lambda w: sm2_chain(w.tmp), "not a root that this log accepts"),
}  # fmt: skip

PRECHAINS: dict[str, tuple[Make, str]] = {
    "a certificate": (lambda w: w.ca.chain(), "no poison extension; send it to add-chain"),
    "poison not critical": (
        lambda w: w.leaf_with(poison(b"\x05\0", critical=False)), "expected a critical NULL"
    ),
    "poison not NULL": (
        lambda w: w.leaf_with(poison(b"\x04\0", critical=True)), "expected a critical NULL"
    ),
    "with SCTs already": (lambda w: w.leaf_with(POISON, SCTS), "already has a list of SCTs"),
    "unknown root": (lambda w: w.other.chain(precertificate=True), "not a root that this log accepts"),
    "no issuer above": (lambda w: w.signing.chain(precertificate=True)[:1], "lacks the issuer of the"),
}  # fmt: skip

BODIES: dict[str, tuple[Make, int, str]] = {
    "no JSON": (lambda _: b"chain", 400, "expected JSON"),
    "not UTF-8": (lambda _: b'{"chain": "\xff"}', 400, "expected JSON in UTF-8"),
    "an array": (lambda _: b"[]", 400, "expected an object"),
    "no chain": (lambda _: b"{}", 400, "chain: expected this field"),
    "a chain that is no array": (lambda _: b'{"chain": "AAAA"}', 400, "expected an array"),
    "a number in the chain": (lambda _: b'{"chain": [5]}', 400, "expected a string"),
    "bad base64": (lambda _: b'{"chain": ["****"]}', 400, "expected base64"),
    "base64url": (lambda _: b'{"chain": ["_-8="]}', 400, "expected base64"),
    "base64 with a line end": (lambda _: b'{"chain": ["AA\\nAA"]}', 400, "expected base64"),
    "base64 without padding": (lambda _: b'{"chain": ["AAA"]}', 400, "expected base64"),
    "base64 with stray bits": (lambda _: b'{"chain": ["AAB="]}', 400, "one canonical form"),
    "a name twice": (twice_in_an_object, 400, "each name once"),
    "nested too deep": (lambda _: b"[" * 100_000, 400, "fewer values within values|expected JSON"),
    "over a megabyte": (lambda _: b" " * (1 << 20) + b"{}", 413, "at most 1048576 are taken"),
    "nothing at all": (lambda _: b"", 400, "expected JSON"),
}  # fmt: skip


def sm2_chain(directory: Path) -> list[bytes]:
    other = OpensslCa.make(directory / "sm2", "SM2")
    return [other.issue("sm2.example.test"), other.root]


def unchanged(world: World, log: str, answer: Any, status: int, reason: str) -> None:
    assert answer.status == status, answer.data
    message = answer.json()["error_message"]
    assert re.search(reason, message), message
    assert "\n" not in message
    assert len(message) < 400
    size = {"open": 1, "shard": 0, "frozen": 0, "mail": 0}[log]
    assert world.service.ask(log, "get-sth")["tree_size"] == size


@pytest.mark.parametrize(("make", "reason"), CHAINS.values(), ids=CHAINS)
def test_a_chain_that_may_not_be_logged(world, make, reason) -> None:
    unchanged(world, "open", world.service.submit("open", make(world)), 400, reason)


@pytest.mark.parametrize(("make", "reason"), PRECHAINS.values(), ids=PRECHAINS)
def test_a_precertificate_that_may_not_be_logged(world, make, reason) -> None:
    unchanged(world, "open", world.service.submit("open", make(world), "add-pre-chain"), 400, reason)


@pytest.mark.parametrize(("make", "status", "reason"), BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_submission(world, make, status, reason) -> None:
    unchanged(world, "open", world.service.post("open", "add-chain", make(world)), status, reason)


@pytest.mark.parametrize("days", [29, 201])
def test_a_certificate_that_ends_outside_the_shard(world, days) -> None:
    chain = world.ca.chain(not_after=NOW + timedelta(days=days))
    unchanged(world, "shard", world.service.submit("shard", chain), 400, "outside this log's interval")


@pytest.mark.parametrize("precertificate", [False, True], ids=["certificate", "precertificate"])
def test_a_certificate_for_another_use_than_the_log_expects(world, precertificate) -> None:
    server = x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.1")])
    chain = world.ca.chain(extra=[(server, False)], precertificate=precertificate)
    answer = world.service.submit("mail", chain, "add-pre-chain" if precertificate else "add-chain")
    unchanged(world, "mail", answer, 400, "is for serverAuth; .* expects .* usage emailProtection")


def test_a_frozen_log_takes_nothing(world) -> None:
    unchanged(
        world, "frozen", world.service.submit("frozen", world.ca.chain()), 403, "takes no more submissions"
    )


def test_a_body_without_its_length(world) -> None:
    address = urlsplit(world.service.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(b"POST /log/open/ct/v1/add-chain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert b"no Content-Length" in answer


def test_an_unknown_field_is_ignored_as_the_rfc_asks(world) -> None:
    body = json.loads(chain_body(world.ca.chain("first.example.test"))) | {"comment": {"any": ["thing"]}}
    assert world.service.post("open", "add-chain", json.dumps(body)).status == 200
