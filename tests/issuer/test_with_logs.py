"""Issuing into the service's own logs over HTTP: what is promised is in the tree."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import urllib3

from issuer.authority import Authority, IssueRequest, LogEndpoint
from issuer.errors import LogSubmissionFailed
from issuer.store import IssuerStore
from keys import FileKeyStore
from tlog.ct import CtLog
from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.certificates import Certificate
from verifier.transparency.entries import (
    X509Entry,
    entry_for_certificate,
    leaf_hash,
    merkle_tree_leaf,
    parse_merkle_tree_leaf,
)
from verifier.transparency.merkle import verify_inclusion
from verifier.transparency.sct import SignedCertificateTimestamp, parse_sct_list
from web.logs import Application, LogServer


def make_log(directory: Path, name: str, algorithm: KeyAlgorithm, roots: tuple[Certificate, ...]) -> CtLog:
    signer = PrivateKey.generate(algorithm)
    CtLog.create(directory, name=name, origin=f"mingjing.test/log/{name}", signer=signer, roots=roots)
    return CtLog.open(directory, signer)


@pytest.fixture
def real_logs(authority: Authority, tmp_path: Path) -> Iterator[tuple[CtLog, CtLog, str]]:
    """Both logs of the service, accepting our roots, and where they answer."""
    opened = [
        make_log(tmp_path / "logs" / name, name, algorithm, authority.roots)
        for name, algorithm in (("sm2", KeyAlgorithm.SM2), ("p256", KeyAlgorithm.ECDSA))
    ]
    server = LogServer(Application({log.settings.name: log for log in opened}), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield opened[0], opened[1], f"http://127.0.0.1:{server.port}"
    finally:
        server.stop()
        thread.join()
        for log in opened:
            log.close()


def with_logs(
    authority: Authority, data: Path, keys: FileKeyStore, clock, *logs: CtLog, url: str
) -> Authority:
    endpoints = tuple(
        LogEndpoint(log.settings.name, f"{url}/log/{log.settings.name}", log.key) for log in logs
    )
    return Authority(data, keys, authority.store, replace(authority.settings, logs=endpoints), clock=clock)


def test_every_promise_is_kept(
    authority: Authority, data: Path, keys: FileKeyStore, clock, real_logs
) -> None:
    sm2, p256, url = real_logs
    logged = with_logs(authority, data, keys, clock, sm2, p256, url=url)
    dual = logged.issue(IssueRequest(("good.mingjing.test",), tlcp=True))
    assert dual.sm2_encryption is not None
    for issued, ca in ((dual.sm2, "ssl-sm2"), (dual.ecc, "ssl-ecc"), (dual.sm2_encryption, "ssl-sm2")):
        scts = parse_sct_list(issued.certificate.sct_list or b"")
        assert [sct.log_id for sct in scts] == [sm2.log_id, p256.log_id]
        for sct, log in zip(scts, (sm2, p256), strict=True):
            check_included(issued.certificate, authority.cas[ca].certificate, sct, log)
    answer = urllib3.request("GET", f"{url}/log/sm2/ct/v1/get-sth")
    assert answer.json()["tree_size"] == 6


def test_the_final_certificates_are_logged_too(
    authority: Authority, data: Path, keys: FileKeyStore, clock, real_logs
) -> None:
    sm2, p256, url = real_logs
    dual = with_logs(authority, data, keys, clock, sm2, p256, url=url).issue(
        IssueRequest(("a.mingjing.test",))
    )
    for log in (sm2, p256):
        leaves = [parse_merkle_tree_leaf(entry.leaf_input).entry for entry in log.get_entries(0, 3)]
        finals = [leaf.certificate for leaf in leaves if isinstance(leaf, X509Entry)]
        assert finals == [dual.sm2.certificate.der, dual.ecc.certificate.der]


def test_a_log_that_fails_after_its_promise_does_not_undo_the_issuance(
    authority: Authority, data: Path, keys: FileKeyStore, clock, real_logs, caplog
) -> None:
    sm2, p256, url = real_logs
    logged = with_logs(authority, data, keys, clock, sm2, p256, url=url)
    submit = logged.submit

    def only_precertificates(chain, entry):
        if isinstance(entry, X509Entry):
            raise LogSubmissionFailed("sm2", "it is down")
        return submit(chain, entry)

    logged.submit = only_precertificates
    dual = logged.issue(IssueRequest(("a.mingjing.test",)))
    assert [one.state(clock()).value for one in logged.certificates()] == ["in-use", "in-use"]
    assert dual.sm2.certificate.sct_list is not None
    assert (
        "a final certificate was not logged: could not get an SCT from log 'sm2': it is down" in caplog.text
    )


def check_included(
    certificate: Certificate, issuer: Certificate, sct: SignedCertificateTimestamp, log: CtLog
) -> None:
    entry = entry_for_certificate(certificate, issuer)
    leaf = leaf_hash(merkle_tree_leaf(entry, sct.timestamp, sct.extensions))
    head = log.get_sth()
    index, proof = log.get_proof_by_hash(leaf, head.tree_size)
    assert index == sct.leaf_index
    verify_inclusion(leaf, index, head.tree_size, proof, head.root_hash)


def test_a_log_that_does_not_know_our_roots_says_so(
    authority: Authority, tmp_path: Path, clock, real_logs
) -> None:
    sm2, p256, url = real_logs
    directory = tmp_path / "rogue"
    directory.mkdir()
    keys = FileKeyStore.create(directory / "keys", "issuer")
    with IssuerStore(directory / "issuer.db") as store:
        rogue = Authority.create(directory, keys, store, authority.settings, clock=clock)
        logged = with_logs(rogue, directory, keys, clock, sm2, p256, url=url)
        with pytest.raises(LogSubmissionFailed, match="log 'sm2': it answered 400"):
            logged.issue(IssueRequest(("rogue.mingjing.test",)))


def test_the_next_log_of_its_kind_is_asked_where_one_was_frozen_a_moment_ago(
    authority: Authority, data: Path, keys: FileKeyStore, clock, real_logs
) -> None:
    """The log list that the issuer read may be a little old."""
    sm2, p256, url = real_logs
    sm2.freeze()
    logs = tuple(
        LogEndpoint(log.settings.name, f"{url}/log/{log.settings.name}", log.key, "any")
        for log in (sm2, p256)
    )
    settings = replace(authority.settings, logs=logs, promises=1)
    dual = Authority(data, keys, authority.store, settings, clock=clock).issue(
        IssueRequest(("a.mingjing.test",))
    )
    assert [sct.log_id for sct in parse_sct_list(dual.sm2.certificate.sct_list or b"")] == [p256.log_id]
    strict = Authority(data, keys, authority.store, replace(settings, promises=2), clock=clock)
    with pytest.raises(LogSubmissionFailed, match="log 'sm2': it answered 403"):
        strict.issue(IssueRequest(("b.mingjing.test",)))
