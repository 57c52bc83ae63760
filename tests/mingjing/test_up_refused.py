"""What keeps ``up`` from starting is one sentence that names the thing at fault, and exit code 2."""

import socket
import subprocess
import sys
import time

import pytest

from mingjing.__main__ import main


def up(data, *options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "mingjing", "up", "--data", str(data), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def last_line(done: subprocess.CompletedProcess) -> str:
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_a_taken_port(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = up(tmp_path / "data", f"--proxy-port={port}")
    assert done.returncode == 2
    assert f"port {port} of the proxy is taken by another program" in last_line(done)
    assert "--proxy-port" in last_line(done)


def test_two_services_on_one_port(tmp_path):
    done = up(tmp_path / "data", "--site-port=9570", "--proxy-port=9570")
    assert done.returncode == 2
    assert "--site-port and --proxy-port are both 9570" in last_line(done)


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("--domain=bad domain", "bad domain"),
        ("--org=", "organisation"),
        ("--public-url=ftp://x", "--public-url"),
    ],
)
def test_a_wrong_option_leaves_nothing_behind(tmp_path, option, named):
    done = up(tmp_path / "data", option)
    assert done.returncode == 2
    assert named in last_line(done)
    assert not (tmp_path / "data" / "mingjing.toml").exists()


def test_init_can_be_killed_at_any_moment_and_run_again(tmp_path):
    """Each kill comes a little later; the last run finds whatever the ones before left."""
    data = tmp_path / "data"
    command = [sys.executable, "-m", "mingjing", "init", "--data", str(data), "--domain", "corp.example"]
    for round_ in range(6):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(0.25 * (round_ + 1))
            process.kill()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (data / "proxy" / "trust-bundle.json").exists()
    assert main(["certificates", "--data", str(data)]) == 0


def test_init_again_with_another_domain_is_refused(tmp_path, capsys):
    assert main(["init", "--data", str(tmp_path), "--domain", "corp.example", "--org", "Corp"]) == 0
    assert main(["init", "--data", str(tmp_path)]) == 0
    assert main(["init", "--data", str(tmp_path), "--domain", "other.example"]) == 2
    assert "--domain was fixed when this directory was made: 'corp.example'" in capsys.readouterr().err


def test_the_policy_pins_the_domain_and_its_apex(tmp_path):
    from verifier.policy import TrustMode, parse_policy

    assert main(["init", "--data", str(tmp_path), "--domain", "corp.example"]) == 0
    policy = parse_policy((tmp_path / "policy.toml").read_text())
    for host in ("corp.example", "a.corp.example", "b.a.corp.example"):
        rules = policy.rules_for(host)
        assert (rules.trust, rules.scts, len(rules.issuers)) == (TrustMode.PINNED, 2, 2)
    assert policy.rules_for("example.org").trust is TrustMode.PUBLIC


def test_private_keys_are_sealed_and_nowhere_else(tmp_path):
    assert main(["init", "--data", str(tmp_path)]) == 0
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"PRIVATE KEY" not in path.read_bytes(), path
            if "keys" in path.parts:
                assert path.stat().st_mode & 0o777 == 0o600, path
