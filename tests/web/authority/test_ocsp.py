"""OCSP over HTTP, asked by the openssl command and by hand.

`openssl ocsp` (3.0) reads answers signed with SM2 but cannot be told the identifier, so it reports
"Response Verify Failure" for them: with `-noverify` it shows the status, and tests/issuer/test_x509.py has
`openssl dgst` verify the signature itself.
"""

import base64
import datetime as dt
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponseStatus
from hypothesis import example, given
from hypothesis import strategies as st

from web.authority.app import MAXIMUM_BODY

TYPE = {"Content-Type": "application/ocsp-request"}
MALFORMED = bytes.fromhex("30030a0101")


def openssl_ocsp(served, label: str, *more: str) -> subprocess.CompletedProcess[str]:
    issuer, leaf = served.data / f"ca/ssl-{label}.pem", served.out / f"{label}.crt"
    command = ["openssl", "ocsp", "-issuer", issuer, "-cert", leaf, "-url", f"{served.url}/ocsp/ssl-{label}"]
    trust = ["-CAfile", served.data / "ca/roots.pem", "-verify_other", issuer]
    return subprocess.run([*command, *trust, *more], capture_output=True, text=True, check=False, timeout=60)


def request_for(served, label: str = "ecc") -> bytes:
    """What openssl would send: SHA-1 in the CertID, no nonce."""
    path: Path = served.out / f"{label}.request"
    issuer, leaf = served.data / f"ca/ssl-{label}.pem", served.out / f"{label}.crt"
    command = ["openssl", "ocsp", "-no_nonce", "-issuer", issuer, "-cert", leaf, "-reqout", path]
    subprocess.run(command, check=True, timeout=60)
    return path.read_bytes()


def test_openssl_sees_good_then_revoked(served) -> None:
    good = openssl_ocsp(served, "ecc")
    assert "Response verify OK" in good.stderr
    assert f"{served.out}/ecc.crt: good" in good.stdout
    served.authority.revoke(f"{served.dual.sm2.certificate.serial:x}")
    revoked = openssl_ocsp(served, "ecc")
    assert "Response verify OK" in revoked.stderr
    assert f"{served.out}/ecc.crt: revoked" in revoked.stdout


def test_openssl_reads_sm2_answers(served) -> None:
    assert "sm2.crt: good" in openssl_ocsp(served, "sm2", "-noverify").stdout
    served.authority.revoke(f"{served.dual.ecc.certificate.serial:x}")
    assert "sm2.crt: revoked" in openssl_ocsp(served, "sm2", "-noverify").stdout
    assert "Response Verify Failure" in openssl_ocsp(served, "sm2").stderr  # see above


def test_openssl_asks_about_an_issuing_ca(served) -> None:
    root, issuing = served.data / "ca/root-ecc.pem", served.data / "ca/ssl-ecc.pem"
    command = ["openssl", "ocsp", "-issuer", root, "-cert", issuing, "-url", f"{served.url}/ocsp/root-ecc"]
    done = subprocess.run(
        [*command, "-CAfile", root], capture_output=True, text=True, check=False, timeout=60
    )
    assert "Response verify OK" in done.stderr
    assert "ssl-ecc.pem: good" in done.stdout


def test_post(served) -> None:
    answer = urllib3.request("POST", f"{served.url}/ocsp/ssl-ecc", body=request_for(served), headers=TYPE)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/ocsp-response"
    assert answer.headers["Cache-Control"] == "no-store"
    assert ocsp.load_der_ocsp_response(answer.data).certificate_status is OCSPCertStatus.GOOD


@pytest.mark.parametrize("safe", ["", "/", "/+="])
def test_get_is_cacheable(served, safe: str) -> None:
    encoded = quote(base64.b64encode(request_for(served)).decode(), safe=safe)
    answer = urllib3.request("GET", f"{served.url}/ocsp/ssl-ecc/{encoded}")
    assert answer.status == 200
    read = ocsp.load_der_ocsp_response(answer.data)
    assert read.certificate_status is OCSPCertStatus.GOOD
    assert answer.headers["Cache-Control"] == "max-age=300, public, no-transform, must-revalidate"
    assert answer.headers["ETag"]
    modified = dt.datetime.strptime(answer.headers["Last-Modified"], "%a, %d %b %Y %H:%M:%S %Z")  # noqa: DTZ007
    assert modified.replace(tzinfo=dt.UTC) == read.this_update_utc
    expires = dt.datetime.strptime(answer.headers["Expires"], "%a, %d %b %Y %H:%M:%S %Z")  # noqa: DTZ007
    assert expires - modified == dt.timedelta(minutes=5)


def test_get_with_slashes_in_a_row(served) -> None:
    """Base64 may hold "//", which a web framework likes to take for one slash."""
    issuer = x509.load_der_x509_certificate(served.authority.cas["ssl-ecc"].certificate.der)
    leaf = x509.load_der_x509_certificate(served.dual.ecc.certificate.der)
    from cryptography.hazmat.primitives import hashes

    plain = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, hashes.SHA256())
    nonce = plain.add_extension(x509.OCSPNonce(b"\xff" * 16), critical=False).build()
    encoded = base64.b64encode(nonce.public_bytes(Encoding.DER)).decode()
    assert "//" in encoded
    answer = urllib3.request("GET", f"{served.url}/ocsp/ssl-ecc/{encoded}", redirect=False)
    assert answer.status == 200
    read = ocsp.load_der_ocsp_response(answer.data)
    assert read.certificate_status is OCSPCertStatus.GOOD
    assert read.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"\xff" * 16
    assert answer.headers["Cache-Control"] == "no-store"  # an answer to a nonce is for one asker


def test_malformed_requests(served) -> None:
    for body in (b"", b"garbage", request_for(served)[:-1]):
        answer = urllib3.request("POST", f"{served.url}/ocsp/ssl-ecc", body=body, headers=TYPE)
        assert (answer.status, answer.data) == (200, MALFORMED)
        assert answer.headers["Cache-Control"] == "no-store"
    for text in ("AAAA", "%%%", "not-base64", "e/e/e"):
        answer = urllib3.request("GET", f"{served.url}/ocsp/ssl-ecc/{quote(text)}")
        assert (answer.status, answer.data) == (200, MALFORMED)
    read = ocsp.load_der_ocsp_response(MALFORMED)
    assert read.response_status is OCSPResponseStatus.MALFORMED_REQUEST


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/ocsp/ssl-rsa", 404),
        ("GET", "/ocsp/ssl-rsa/AAAA", 404),
        ("GET", "/ocsp/ssl-ecc", 405),
        ("PUT", "/ocsp/ssl-ecc", 405),
        ("GET", "/", 404),
        ("GET", "/ocsp/../healthz", 404),
    ],
)
def test_refusals_are_one_plain_sentence(served, method: str, path: str, status: int) -> None:
    answer = served.app.test_client().open(path, method=method)
    assert answer.status_code == status
    assert answer.mimetype == "text/plain"
    assert answer.text.count("\n") == 1
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("Allow" in answer.headers) is (status == 405)


def test_other_content_types_and_sizes(served) -> None:
    body = request_for(served)
    url = f"{served.url}/ocsp/ssl-ecc"
    assert urllib3.request("POST", url, body=body, headers={"Content-Type": "text/plain"}).status == 415
    client = served.app.test_client()
    too_large = client.post("/ocsp/ssl-ecc", data=bytes(MAXIMUM_BODY + 1), headers=TYPE)
    assert too_large.status_code == 413
    long = client.post("/ocsp/ssl-ecc", data=body + bytes(9000), headers=TYPE)
    assert long.data == MALFORMED


def test_any_request_gets_an_answer(served) -> None:
    client = served.app.test_client()

    @given(st.binary(max_size=80), st.text(max_size=40))
    @example(b"", "/0")
    def check(body: bytes, path: str) -> None:
        assert client.post("/ocsp/ssl-ecc", data=body, headers=TYPE).data == MALFORMED
        answer = client.get(f"/ocsp/ssl-ecc/{quote(path, safe='')}")
        assert answer.status_code in {200, 404, 405}

    check()


def test_healthz(served) -> None:
    client = served.app.test_client()
    assert client.get("/healthz").json == {"status": "ok"}
    served.authority.store.close()
    down = client.get("/healthz")
    assert (down.status_code, down.json) == (503, {"status": "the database does not answer"})
