"""A certificate that a visitor brings: judged by the organisation's policy, from PEM, file or bytes."""

import datetime as dt
import io
import shutil
from pathlib import Path

import pytest

from verifier.algorithms import KeyAlgorithm, PrivateKey
from verifier.bundle import TrustBundle, encode_trust_bundle
from verifier.certificates import load_pem_chain
from verifier.transparency.log_list import Log, LogList, LogState
from web.public import create_app

from .conftest import DOMAIN, OPERATOR, PUBLIC_URL


@pytest.fixture(scope="module")
def organisation(world, tmp_path_factory) -> Path:
    """A data directory with a policy that pins the SSL issuing CAs, and the bundle that names them."""
    data = tmp_path_factory.mktemp("organisation") / "data"
    shutil.copytree(world.data, data)
    issuers = [member.chain[1] for member in (world.pair.sm2, world.pair.ecc)]
    pins = ", ".join(f'"sha256:{issuer.public_key.key_id.hex()}"' for issuer in issuers)
    policy = (
        f'[default]\nscts = 0\n[[site]]\nhost = "*.{DOMAIN}"\ntrust = "pinned"\nissuers = [{pins}]\n'
        'scts = 2\nlog_lists = ["own"]\nrevocation = "hard"\n'
    )
    (data / "policy.toml").write_text(policy)
    (data / "mingjing.toml").write_text(f'[service]\npublic_url = "{PUBLIC_URL}"\noperator = "{OPERATOR}"\n')
    signer, now = PrivateKey.generate(KeyAlgorithm.SM2), dt.datetime.now(dt.UTC).replace(microsecond=0)
    bundle = TrustBundle(
        issued_at=now, expires_at=now + dt.timedelta(days=7), public_url=PUBLIC_URL, domain=DOMAIN,
        operator=OPERATOR, merge_delay=dt.timedelta(seconds=60),
        roots=load_pem_chain((data / "ca" / "roots.pem").read_bytes()), issuers=tuple(issuers),
        log_lists={"own": LogList(tuple(map(_listed, world.logs.logs.values())), now)},
        distrusted_logs=frozenset(), policy=policy,
    )  # fmt: skip
    (data / "proxy").mkdir(exist_ok=True)
    (data / "proxy" / "trust-bundle.json").write_bytes(encode_trust_bundle(bundle, signer))
    (data / "proxy" / "bundle-fingerprint").write_text(signer.public_key.key_id.hex())
    return data


def _listed(log) -> Log:
    key = log.key.public_key
    return Log(
        log_id=key.key_id, key=key, description=log.name, operator=OPERATOR, mmd=dt.timedelta(seconds=60),
        state=LogState.USABLE, url=f"{PUBLIC_URL}/log/{log.name}/",
    )  # fmt: skip


@pytest.fixture
def client(world, organisation):
    return create_app(world.settings(data=organisation)).test_client()


def ask(client, certificate: bytes, **fields: str) -> dict:
    form = {"certificate": certificate.decode(), **fields}
    answer = client.post("/inspect?output=json", data=form)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def codes(facts: dict) -> set[str]:
    return {finding["code"] for finding in facts["findings"] if finding["outcome"] == "failed"}


def test_a_good_certificate_passes_every_check_and_is_found_in_the_record(client, world):
    for member in (world.pair.sm2, world.pair.ecc):
        facts = ask(client, member.certificate.pem.encode())
        assert facts["verdict"] == "trusted"
        assert facts["host"] == f"good.{DOMAIN}"
        assert facts["certificate"] == f"/certificate/{member.certificate.fingerprint.hex()}"
        assert {finding["check"] for finding in facts["findings"]} >= {"path", "revocation"}


@pytest.mark.parametrize(
    ("who", "code"), [("revoked", "certificate-revoked"), ("expired", "certificate-expired")]
)
def test_a_bad_one_is_refused_by_name(client, world, who, code):
    facts = ask(client, getattr(world, who).ecc.certificate.pem.encode())
    assert facts["verdict"] == f"refused; {code}"


def test_a_certificate_of_another_ca_is_refused_and_its_names_do_no_harm(client, world):
    answer = client.post("/inspect", data={"certificate": world.hostile.pem, "host": f"www.{DOMAIN}"})
    assert "refused" in answer.text
    assert "<script>alert" not in answer.text
    facts = ask(client, world.hostile.pem.encode(), host=f"www.{DOMAIN}")
    assert facts["verdict"] == "refused; path-invalid"
    assert {"name-mismatch", "sct-missing"} <= codes(facts)


def test_it_is_judged_for_the_name_that_was_asked_for(client, world):
    facts = ask(client, world.pair.ecc.certificate.pem.encode(), host=f"other.{DOMAIN}")
    assert facts["verdict"] == "refused; name-mismatch"


def test_a_file_and_bare_der_are_taken_too(client, world):
    der = world.pair.sm2.certificate.der
    upload = client.post(
        "/inspect?output=json", data={"file": (io.BytesIO(der), "certificate.crt"), "certificate": ""}
    )
    bare = client.post("/inspect?output=json", data=der, content_type="application/pkix-cert")
    assert upload.get_json()["verdict"] == bare.get_json()["verdict"] == "trusted"


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"certificate": ""}, "certificate"),
        ({"certificate": "hello"}, "certificate"),
        ({"certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, "certificate"),
        ({"certificate": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}, "certificate"),
    ],
)
def test_what_is_no_certificate_is_said_to_be_none(client, form, field):
    answer = client.post("/inspect?output=json", data=form)
    assert (answer.status_code, answer.get_json()["field"]) == (400, field)


def test_wrong_hosts_too_many_certificates_and_huge_bodies_are_refused(client, world):
    pem = world.pair.ecc.certificate.pem
    assert client.post("/inspect", data={"certificate": pem, "host": "a b"}).status_code == 400
    assert client.post("/inspect", data={"certificate": pem * 11}).status_code == 400
    assert client.post("/inspect", data=b"x" * 2**20).status_code == 413


def test_without_a_policy_nothing_is_said(world):
    client = create_app(world.settings()).test_client()
    answer = client.post("/inspect", data={"certificate": world.pair.ecc.certificate.pem})
    assert answer.status_code == 503


def test_the_form_works_in_a_page(client):
    page = client.get("/inspect").text
    assert 'enctype="multipart/form-data"' in page
    assert 'name="certificate"' in page
