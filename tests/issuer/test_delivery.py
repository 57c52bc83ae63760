"""Writing the set: names, modes, contents; nothing is overwritten by accident, nothing is half written."""

import os
from pathlib import Path

import pytest

from issuer.authority import Authority, IssueRequest, check_directory, write_dual
from issuer.errors import DeliveryError
from keys import files
from verifier.algorithms import PrivateKey
from verifier.certificates import Certificate, load_pem_chain

REQUEST = IssueRequest(("good.mingjing.test",))
DUAL = {"sm2.crt", "sm2.chain.pem", "sm2.key", "ecc.crt", "ecc.chain.pem", "ecc.key"}
TLCP = {"sm2-enc.crt", "sm2-enc.key"}


@pytest.mark.parametrize("tlcp", [False, True])
def test_the_contracts_files(authority: Authority, tmp_path: Path, tlcp: bool) -> None:
    out = tmp_path / "new" / "out"
    dual = authority.issue_to(IssueRequest(("good.mingjing.test",), tlcp=tlcp), out)
    assert {path.name for path in out.iterdir()} == DUAL | (TLCP if tlcp else set())
    for path in out.iterdir():
        assert path.stat().st_mode & 0o777 == (0o600 if path.suffix == ".key" else 0o644)
    for label, issued in (("sm2", dual.sm2), ("ecc", dual.ecc)):
        assert Certificate.from_pem((out / f"{label}.crt").read_bytes()) == issued.certificate
        chain = load_pem_chain((out / f"{label}.chain.pem").read_bytes())
        assert chain == (issued.certificate, authority.cas[f"ssl-{label}"].certificate)
        key = PrivateKey.from_pem((out / f"{label}.key").read_bytes())
        assert key.public_key.spki == issued.certificate.public_key.spki


def test_openssl_takes_keys_and_chains(authority: Authority, tmp_path: Path, openssl) -> None:
    authority.issue_to(REQUEST, tmp_path)
    for label in ("sm2", "ecc"):
        public = openssl("pkey", "-in", tmp_path / f"{label}.key", "-pubout").stdout
        certified = openssl("x509", "-in", tmp_path / f"{label}.chain.pem", "-noout", "-pubkey").stdout
        assert public == certified != ""


@pytest.mark.parametrize("name", sorted(DUAL))
def test_nothing_is_overwritten(authority: Authority, tmp_path: Path, logs, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(DeliveryError, match=f"already holds {name}; nothing was overwritten"):
        authority.issue_to(REQUEST, tmp_path)
    assert (tmp_path / name).read_text() == "precious"
    assert list(tmp_path.glob("*.*")) == [tmp_path / name]
    assert logs[0].submissions == []  # refused before anything was issued
    with pytest.raises(DeliveryError):
        write_dual(authority.issue(REQUEST), tmp_path)
    authority.issue_to(REQUEST, tmp_path, force=True)
    assert (tmp_path / name).read_text() != "precious"
    assert (tmp_path / "sm2.key").stat().st_mode & 0o777 == 0o600


def test_other_files_are_left_alone(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text("precious")
    authority.issue_to(REQUEST, tmp_path)
    assert (tmp_path / "nginx.conf").read_text() == "precious"


def test_a_directory_that_is_none(authority: Authority, tmp_path: Path, logs) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeliveryError, match="could not write to"):
        authority.issue_to(REQUEST, tmp_path / "file")
    with pytest.raises(DeliveryError, match="could not write to"):
        check_directory(tmp_path / "file" / "below", tlcp=False)
    assert logs[0].submissions == []


def test_a_disk_that_fails_leaves_whole_files_or_none(
    authority: Authority, tmp_path: Path, monkeypatch
) -> None:
    dual = authority.issue(REQUEST)
    real, calls = os.fsync, iter(range(100))

    def fsync(descriptor: int) -> None:
        if next(calls) == 4:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(files.os, "fsync", fsync)
    with pytest.raises(DeliveryError, match="No space left on device"):
        write_dual(dual, tmp_path)
    monkeypatch.undo()
    written = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert written == {"sm2.key", "ecc.key"}  # keys come first, and no temporary file stays
    write_dual(dual, tmp_path, force=True)
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == DUAL
