"""Who sent a webhook is checked by what shares nothing with ours: a library of others, and openssl."""

import base64
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from standardwebhooks import Webhook as OthersWebhook
from standardwebhooks import WebhookVerificationError

from monitor.watching.channel import NotDelivered
from monitor.watching.signing import public_text, signed_headers
from verifier.algorithms import KeyAlgorithm, PrivateKey

SECRET = bytes(range(32))
WHSEC = f"whsec_{base64.b64encode(SECRET).decode()}"
ID = "urn:uuid:1b4e28ba-2fa1-11d2-883f-0016d3cca427"
BODY = json.dumps({"summary": "A certificate for 中文.example"}, ensure_ascii=False).encode()
DOCS = Path(__file__).parents[3] / "docs" / "watching.md"


@pytest.fixture(scope="module")
def keys() -> tuple[PrivateKey, PrivateKey]:
    return PrivateKey.generate(KeyAlgorithm.ED25519), PrivateKey.generate(KeyAlgorithm.SM2)


def headers(keys=(), secret=None, body=BODY, now=None) -> dict[str, str]:
    return signed_headers(ID, body, now or datetime.now(UTC), secret=secret, signers=keys)


def test_a_library_of_others_takes_the_shared_secret_beside_signatures_that_it_does_not_know(keys):
    signed = headers(keys, SECRET)
    assert OthersWebhook(WHSEC).verify(BODY, signed) == json.loads(BODY)
    for wrong in ({"webhook-id": "x"}, {"webhook-timestamp": str(int(signed["webhook-timestamp"]) + 1)}):
        with pytest.raises(WebhookVerificationError):
            OthersWebhook(WHSEC).verify(BODY, {**signed, **wrong})
    with pytest.raises(WebhookVerificationError):
        OthersWebhook(WHSEC).verify(BODY, headers(keys))


def test_the_vector_of_the_specifications_library():
    """An Ed25519 key, message and signature from the tests of the Go library of Standard Webhooks."""
    seed = base64.b64decode("VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=")
    pkcs8 = Ed25519PrivateKey.from_private_bytes(seed).private_bytes(
        Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
    )
    signed = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        datetime.fromtimestamp(1614265330, UTC),
        secret=None,
        signers=[PrivateKey.from_pkcs8(pkcs8)],
    )
    assert signed["webhook-signature"] == (
        "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="
    )


def test_the_key_is_written_as_their_libraries_take_it(keys):
    prefix, _, encoded = public_text(keys[0].public_key).partition("_")
    assert prefix == "whpk"
    assert base64.b64decode(encoded) == keys[0].public_key.spki[-32:]


@pytest.mark.parametrize("version", ["v1a", "v1sm2"])
def test_the_documented_commands_accept_it_and_refuse_what_was_altered(keys, tmp_path, version):
    """The shell lines of the documentation, with the header's values and the body in files."""
    signed = headers(keys, SECRET)
    key = keys[("v1a", "v1sm2").index(version)]
    (tmp_path / "watching.pem").write_bytes(key.public_key.to_pem())
    block = DOCS.read_text().split(f"```sh\n# {version}")[1].split("```")[0]
    assert shell(tmp_path, block, signed, BODY)
    assert not shell(tmp_path, block, signed, BODY + b" ")
    assert not shell(tmp_path, block, {**signed, "webhook-timestamp": "1"}, BODY)
    assert not shell(tmp_path, block, {**signed, "webhook-id": "x"}, BODY)
    other = PrivateKey.generate(key.public_key.algorithm)
    (tmp_path / "watching.pem").write_bytes(other.public_key.to_pem())
    assert not shell(tmp_path, block, signed, BODY)


def shell(folder: Path, block: str, signed: dict[str, str], body: bytes) -> bool:
    (folder / "body").write_bytes(body)
    variables = {"id": "webhook-id", "timestamp": "webhook-timestamp", "signatures": "webhook-signature"}
    given = {name: signed[header] for name, header in variables.items()}
    script = f"set -e\n#{block}"
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **given},
        capture_output=True,
        check=False,
    )
    return done.returncode == 0 and b"erifi" in done.stdout


def test_nothing_goes_out_unsigned():
    with pytest.raises(NotDelivered, match="neither a secret nor a key"):
        headers()
