"""The hierarchy: what it is, that it is made once, that a killed making goes on."""

import datetime as dt
import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from issuer.authority import Authority, AuthoritySettings, create_hierarchy
from issuer.errors import HierarchyError, LintFailed, NameNotPermitted, RequestRefused
from issuer.profiles import CA_PROFILES
from issuer.store import IssuerStore
from issuer.x509 import certificate as builder
from keys import FileKeyStore, KeyHandle
from verifier.algorithms import KeyAlgorithm
from verifier.certificates import Certificate, load_pem_chain

NAMES = ("root-sm2", "root-ecc", "ssl-sm2", "ssl-ecc")


def test_files(authority: Authority, data: Path) -> None:
    assert sorted(path.name for path in (data / "ca").iterdir()) == sorted([
        *(f"{name}.pem" for name in NAMES),
        "roots.pem",
    ])
    for name in NAMES:
        assert (
            Certificate.from_pem((data / "ca" / f"{name}.pem").read_bytes())
            == authority.cas[name].certificate
        )
    assert load_pem_chain((data / "ca/roots.pem").read_bytes()) == authority.roots
    assert sorted(path.name for path in (data / "crl").iterdir()) == sorted(f"{name}.crl" for name in NAMES)


def test_keys_are_sealed(authority: Authority, data: Path) -> None:
    files = sorted((data / "keys/issuer").glob("*.key"))
    assert [path.stem for path in files] == sorted(NAMES)
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_what_the_certificates_say(authority: Authority) -> None:
    assert authority.cas["root-sm2"].certificate.public_key.algorithm is KeyAlgorithm.SM2
    assert authority.cas["root-ecc"].certificate.public_key.curve == "P-384"
    assert authority.cas["ssl-ecc"].certificate.public_key.curve == "P-256"
    for name, title in (("ssl-sm2", "SSL SM2 Issuing CA"), ("ssl-ecc", "SSL ECC Issuing CA")):
        certificate = authority.cas[name].certificate
        assert certificate.common_name == f"Ming Test {title}"
        assert certificate.organisation == "Ming Test"
        assert certificate.is_ca
        assert certificate.path_length == 0
        assert certificate.extended_key_usage == {"1.3.6.1.5.5.7.3.1"}
        found = x509.load_der_x509_certificate(certificate.der).extensions
        constraints = found.get_extension_for_class(x509.NameConstraints)
        assert constraints.critical
        assert [str(one.value) for one in constraints.value.permitted_subtrees or ()] == [
            "mingjing.test",
            "localhost",
            "127.0.0.1/32",
            "::1/128",
        ]
        assert certificate.crl_urls == (f"http://127.0.0.1:8440/crl/root-{name[4:]}.crl",)
    for root in authority.roots:
        assert root.path_length is None
        assert root.crl_urls == ()
        assert root.self_issued


def test_openssl_accepts_the_issuing_cas(authority: Authority, data: Path, openssl) -> None:
    roots = data / "ca/roots.pem"
    sm2 = ("-vfyopt", "distid:1234567812345678")
    assert openssl("verify", *sm2, "-CAfile", roots, data / "ca/ssl-sm2.pem").returncode == 0
    assert openssl("verify", "-CAfile", roots, data / "ca/ssl-ecc.pem").returncode == 0
    wrong = openssl("verify", "-CAfile", data / "ca/root-sm2.pem", data / "ca/ssl-ecc.pem")
    assert wrong.returncode == 2


def test_modern_openssl_accepts_the_issuing_cas(authority: Authority, modern_openssl_accepts) -> None:
    for name in ("ssl-sm2", "ssl-ecc"):
        ca = authority.cas[name]
        assert modern_openssl_accepts(ca.certificate, *ca.issuers) == ""


def test_made_once(authority: Authority, data: Path, keys: FileKeyStore, clock) -> None:
    before = {path: path.read_bytes() for path in (data / "ca").iterdir()}
    clock.advance(days=400)
    again = Authority.create(data, keys, authority.store, authority.settings, clock=clock)
    assert {name: ca.certificate for name, ca in again.cas.items()} == {
        name: ca.certificate for name, ca in authority.cas.items()
    }
    assert {path: path.read_bytes() for path in (data / "ca").iterdir()} == before


def test_lost_files_are_written_again(authority: Authority, data: Path, keys: FileKeyStore, clock) -> None:
    (data / "ca/roots.pem").unlink()
    (data / "ca/ssl-sm2.pem").write_text("half a fi")
    (data / "crl/ssl-sm2.crl").unlink()
    Authority.create(data, keys, authority.store, authority.settings, clock=clock)
    assert load_pem_chain((data / "ca/roots.pem").read_bytes()) == authority.roots
    assert (
        Certificate.from_pem((data / "ca/ssl-sm2.pem").read_bytes()) == authority.cas["ssl-sm2"].certificate
    )
    assert (data / "crl/ssl-sm2.crl").exists()


KILL_AT = """
import os, sys
import datetime as dt
from pathlib import Path
from issuer import hierarchy, store as stores
from issuer.settings import AuthoritySettings
from issuer.x509 import certificate as builder
from keys import FileKeyStore, KeyHandle

data, step, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

def killing(function):
    def wrapped(*arguments, **named):
        global count
        count -= 1
        if count < 0:
            os.kill(os.getpid(), 9)
        return function(*arguments, **named)
    return wrapped

if step == "key":
    FileKeyStore.generate = killing(FileKeyStore.generate)
elif step == "certificate":
    stores.IssuerStore.add_authority = killing(stores.IssuerStore.add_authority)
else:
    hierarchy.replace_file = killing(hierarchy.replace_file)
keys = FileKeyStore.create(data / "keys", "issuer")
store = stores.IssuerStore(data / "issuer.db")
settings = AuthoritySettings("Ming Test", "mingjing.test", "http://127.0.0.1:8440")
hierarchy.create_hierarchy(data / "ca", keys, store, settings, dt.datetime.now(dt.UTC))
"""


@pytest.mark.parametrize("step", ["key", "certificate", "file"])
@pytest.mark.parametrize("count", [0, 2, 3])
def test_a_killed_making_goes_on(
    data: Path, settings: AuthoritySettings, step: str, count: int, clock
) -> None:
    command = [sys.executable, "-c", KILL_AT, str(data), step, str(count)]
    assert subprocess.run(command, check=False, timeout=60).returncode == -9
    kept_keys = {path.name: path.read_bytes() for path in (data / "keys/issuer").glob("*.key")}
    keys = FileKeyStore.create(data / "keys", "issuer")
    with IssuerStore(data / "issuer.db") as store:
        kept = {name: store.authority(name) for name in NAMES}
        made = create_hierarchy(data / "ca", keys, store, settings, clock())
        Authority(data, keys, store, settings, clock=clock)
    assert tuple(made) == NAMES
    for name, der in kept.items():
        assert der is None or made[name].certificate.der == der
    for name, sealed in kept_keys.items():
        assert (data / "keys/issuer" / name).read_bytes() == sealed
    assert len(load_pem_chain((data / "ca/roots.pem").read_bytes())) == 2


def test_a_ca_is_linted_before_its_issuers_key_signs(
    data: Path, keys: FileKeyStore, store: IssuerStore, settings: AuthoritySettings, monkeypatch
) -> None:
    signed = []
    real = KeyHandle.sign
    monkeypatch.setattr(KeyHandle, "sign", lambda key, *data: signed.append(key.name) or real(key, *data))
    monkeypatch.setattr(builder, "new_serial", lambda: 5)
    with pytest.raises(LintFailed, match="serial-number"):
        create_hierarchy(data / "ca", keys, store, settings, dt.datetime.now(dt.UTC))
    assert signed == []
    assert store.authority("root-sm2") is None


def test_a_ca_that_is_not_the_one_that_was_linted_is_not_kept(
    data: Path, keys: FileKeyStore, store: IssuerStore, settings: AuthoritySettings, monkeypatch
) -> None:
    real = builder.sign_certificate
    serials = itertools.count(1 << 80)
    monkeypatch.setattr(
        builder, "sign_certificate", lambda plan, key: real(replace(plan, serial=next(serials)), key)
    )
    with pytest.raises(HierarchyError, match="root-sm2 is not the one that was linted"):
        create_hierarchy(data / "ca", keys, store, settings, dt.datetime.now(dt.UTC))
    assert store.authority("root-sm2") is None


def test_not_made_yet(
    data: Path, keys: FileKeyStore, store: IssuerStore, settings: AuthoritySettings
) -> None:
    with pytest.raises(HierarchyError, match="root-sm2 was not made yet: run init"):
        Authority(data, keys, store, settings)


def test_a_foreign_key_is_noticed(
    authority: Authority, tmp_path: Path, store: IssuerStore, settings: AuthoritySettings, data: Path
) -> None:
    foreign = FileKeyStore.create(tmp_path / "other", "issuer")
    for profile in CA_PROFILES:
        foreign.generate(profile.name, profile.key.algorithm, curve=profile.key.curve)
    with pytest.raises(HierarchyError, match="the key of CA root-sm2 is not the one in its certificate"):
        Authority(data, foreign, store, settings)


def test_a_damaged_ca_certificate_is_noticed(
    authority: Authority, keys: FileKeyStore, store: IssuerStore, settings: AuthoritySettings, data: Path
) -> None:
    der = bytearray(authority.cas["ssl-ecc"].certificate.der)
    der[-1] ^= 1
    with store._writing() as db:
        db.table("authorities").update("ssl-ecc", {"der": bytes(der)})
    with pytest.raises(HierarchyError, match="certificate of CA ssl-ecc does not verify"):
        Authority(data, keys, store, settings)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"org": " "}, RequestRefused),
        ({"org": "x" * 65}, RequestRefused),
        ({"org": "a\nb"}, RequestRefused),
        ({"domain": "un_der.test"}, NameNotPermitted),
        ({"public_url": "ftp://x"}, RequestRefused),
    ],
)
def test_settings_that_could_not_be_certified(wrong: dict[str, str], error: type[Exception]) -> None:
    values = {"org": "Ming", "domain": "mingjing.test", "public_url": "http://x"} | wrong
    with pytest.raises(error):
        AuthoritySettings(**values)  # type: ignore[arg-type]


def test_a_long_organisation_gets_a_short_common_name(
    data: Path, keys: FileKeyStore, store: IssuerStore, clock
) -> None:
    settings = AuthoritySettings(org="明" * 64, domain="mingjing.test", public_url="http://x/")
    made = create_hierarchy(data / "ca", keys, store, settings, clock())
    assert made["ssl-sm2"].certificate.common_name == "SSL SM2 Issuing CA"
    assert made["ssl-sm2"].certificate.organisation == "明" * 64
    assert made["ssl-sm2"].certificate.crl_urls == ("http://x/crl/root-sm2.crl",)
    lifetime = made["ssl-sm2"].certificate.not_after - made["ssl-sm2"].certificate.not_before
    assert lifetime + dt.timedelta(seconds=1) == dt.timedelta(days=3650)
