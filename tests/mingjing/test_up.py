"""The whole service through its outside contract: curl and ``check`` see every demo verdict."""

import json
import os
import shutil
import signal
import subprocess
import time
import tomllib
import urllib.request

import pytest

from mingjing.demo.sites import MERGE_DELAY_SECONDS, SITES

pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.needs("curl", "openssl")]

PROMPT = [site for site in SITES if site.label != "unlogged"]


def verdict_of(answer: str) -> list[str]:
    """Return every Mingjing-Verdict header of a response with its headers."""
    lines = answer_of(answer)[0].splitlines()
    return [line.partition(":")[2].strip() for line in lines if line.lower().startswith("mingjing-verdict:")]


def answer_of(text: str) -> tuple[str, str]:
    """Return the head and body of the site's answer, without the proxy's own answer to CONNECT."""
    head, _, body = text.partition("\n\n")
    return answer_of(body) if "200 Connection established" in head else (head, body)


@pytest.mark.parametrize("site", PROMPT, ids=lambda site: site.label)
def test_curl_through_the_proxy_gets_the_verdict(service, site):
    answer = service.curl(f"{site.scheme}://{site.host}/", "-i")
    assert answer.returncode == 0, answer.stderr
    (verdict,) = verdict_of(answer.stdout)
    assert verdict.startswith(site.expected)
    head, body = answer_of(answer.stdout)
    trusted = verdict.startswith("trusted")
    assert f" {200 if trusted else 403} " in head.splitlines()[0] + " "
    assert trusted or site.expected.removeprefix("refused; ") in body


@pytest.mark.parametrize("site", PROMPT, ids=lambda site: site.label)
def test_check_says_the_same_with_its_exit_code(service, site):
    done = service.run("check", site.host, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == (0 if site.expected.startswith("trusted") else 1), done.stdout + done.stderr
    assert found["header"].startswith(site.expected)


def test_check_of_a_port_where_nothing_listens_exits_2(service):
    done = service.run("check", "127.0.0.1:1")
    assert done.returncode == 2
    assert "unreachable" in done.stdout


def test_a_promise_that_was_not_kept_is_found_out(service):
    deadline = time.monotonic() + MERGE_DELAY_SECONDS + 120
    seen = []
    while time.monotonic() < deadline:
        (verdict,) = verdict_of(service.curl("https://unlogged.mingjing.test/", "-i").stdout)
        seen.append(verdict)
        if verdict.startswith("refused"):
            break
        time.sleep(1)
    assert seen[-1] == "refused; sct-not-included"
    assert service.run("check", "unlogged.mingjing.test").returncode == 1


def test_the_accepted_certificate_is_on_the_search_site_with_its_proofs(service):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = fetch_json(f"{service.site}/search?q=good.mingjing.test&output=json")
        if len(found["results"]) >= 2:
            break
        time.sleep(1)
    assert {result["algorithm"] for result in found["results"]} == {"sm2", "ecdsa"}
    page = fetch_json(f"{service.site}/certificate/{found['results'][0]['sha256']}?output=json")
    assert len(page["scts"]) == 2
    assert {sct["state"] for sct in page["scts"]} == {"trusted"}


def test_audit_search_status_and_certificates_answer_in_the_terminal(service):
    audited = service.run("audit", "--json")
    assert audited.returncode == 0, audited.stdout + audited.stderr
    assert {report["log"] for report in json.loads(audited.stdout)} >= {"sm2", "p256"}
    listed = json.loads(service.run("certificates", "--state", "revoked", "--json").stdout)
    assert {tuple(row["names"]) for row in listed} == {("revoked.mingjing.test",)}
    assert service.run("search", "good.mingjing.test").returncode == 0
    status = service.run("status")
    assert status.returncode == 0, status.stdout + status.stderr
    assert "libcrypto" in status.stdout


def test_an_issued_pair_verifies_with_openssl(service, tmp_path):
    done = service.run("issue", "new.mingjing.test", "--out", str(tmp_path), "--tlcp")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {
        "sm2.crt",
        "sm2.chain.pem",
        "sm2.key",
        "ecc.crt",
        "ecc.chain.pem",
        "ecc.key",
        "sm2-enc.crt",
    }
    assert (tmp_path / "sm2.key").stat().st_mode & 0o777 == 0o600
    ca = service.data / "ca"
    for kind, issuing in (("sm2", "ssl-sm2"), ("ecc", "ssl-ecc"), ("sm2-enc", "ssl-sm2")):
        above = ["-partial_chain", "-trusted", str(ca / f"{issuing}.pem")]
        openssl_verify(issuing, *above, str(tmp_path / f"{kind}.crt"))
        openssl_verify(issuing, "-CAfile", str(ca / "roots.pem"), str(ca / f"{issuing}.pem"))


def openssl_verify(issuing: str, *arguments: str) -> None:
    """Verify one step: OpenSSL 3.0 gives the identifier to the certificate it is asked about, to no other."""
    identifier = ["-vfyopt", "distid:1234567812345678"] if issuing.endswith("sm2") else []
    done = subprocess.run(
        ["openssl", "verify", *identifier, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_openssl_reaches_the_ecc_side_of_the_dual_site(service):
    hosts = tomllib.loads((service.data / "mingjing.toml").read_text())["hosts"]
    command = [
        "openssl",
        "s_client",
        "-connect",
        hosts["good.mingjing.test"],
        "-servername",
        "good.mingjing.test",
    ]
    command += ["-CAfile", str(service.data / "ca" / "roots.pem"), "-verify_return_error", "-brief"]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=False)
    assert "Verification: OK" in done.stderr
    assert "ECDSA" in done.stderr


def test_a_second_up_on_the_same_data_is_refused(service):
    done = service.run("up", "--demo")
    assert done.returncode == 2
    assert "already runs" in done.stderr


def test_up_without_demo_refuses_a_demo_directory(service, tmp_path):
    for name in ("mingjing.toml", "version"):
        shutil.copy2(service.data / name, tmp_path / name)
    done = service.run("up", data=tmp_path)
    assert done.returncode == 2
    assert "bad certificates never mix with real ones" in done.stderr


@pytest.mark.parametrize("name", ["logs", "site", "authority", "scheduler", "proxy", "demo"])
def test_killing_a_service_loses_nothing(service, name):
    before = fetch_json(f"{service.site}/log/p256/ct/v1/get-sth")["tree_size"]
    pid = pid_of(service, name)
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            new = pid_of(service, name)
            after = fetch_json(f"{service.site}/log/p256/ct/v1/get-sth")["tree_size"]
            (verdict,) = verdict_of(service.curl("https://good.mingjing.test/", "-i").stdout)
            if new != pid and verdict.startswith("trusted"):
                break
        except (OSError, ValueError, LookupError):
            pass
        time.sleep(0.3)
    assert new != pid
    assert after >= before
    assert verdict.startswith("trusted; sm2")
    assert f"{name} stopped (ended by SIGKILL)" in service.errors.read_text()


def pid_of(service, name: str) -> int:
    wanted = ["run", name, "--data", str(service.data)]
    for folder in os.listdir("/proc"):
        if folder.isdecimal():
            try:
                with open(f"/proc/{folder}/cmdline", "rb") as file:
                    arguments = file.read().decode().split("\0")
            except OSError:
                continue
            if arguments[-5:-1] == wanted:
                return int(folder)
    raise LookupError(name)


def fetch_json(url: str):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)
