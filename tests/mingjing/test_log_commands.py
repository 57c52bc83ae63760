"""`mingjing log` where no service runs: every wrong call is one sentence about its field."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mingjing.__main__ import main
from mingjing.commands.log import ACTIONS
from mingjing.rooms import key_store, lock_directory
from tests.tlog.chains import Ca, OpensslCa
from tlog.ct import CtLog, load_settings
from verifier.certificates import Certificate

pytestmark = pytest.mark.xdist_group("log commands")


@pytest.fixture
def data(initialised, tmp_path) -> Path:
    shutil.copytree(initialised, tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize("action", ACTIONS)
def test_help_has_an_example_and_loads_nothing_heavy(action):
    program = (
        "import sys\n"
        "from mingjing.__main__ import main\n"
        f"try:\n    main(['log', {action!r}, '--help'])\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "print([name for name in ('cryptography', 'asn1crypto', 'flask') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert f"mingjing log {action}" in done.stdout.partition("examples:")[2]
    assert done.stdout.splitlines()[-1] == "[]"


def pem(path: Path, *ders: bytes) -> str:
    path.write_text("".join(Certificate.parse(der).pem for der in ders))
    return str(path)


def run(capsys, data: Path, *arguments: str) -> tuple[int, str, str]:
    code = main(["log", *arguments, "--data", str(data)])
    said = capsys.readouterr()
    return code, said.out, said.err


def run_json(capsys, data: Path, *arguments: str):
    code, out, err = run(capsys, data, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def everything(data: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file()}


def test_list_tells_all_of_each_log(data, capsys):
    sm2, p256 = run_json(capsys, data, "list")
    assert (sm2["name"], sm2["algorithm"], p256["name"], p256["algorithm"]) == ("sm2", "sm2", "p256", "p256")
    assert (sm2["state"], sm2["tree_size"], sm2["operator"], sm2["from"]) == ("usable", 0, "Example", None)
    assert len(sm2["roots"]) == 2
    _, out, _ = run(capsys, data, "list")
    assert "Example log p256" in out
    assert "any time" in out


def test_list_names_a_log_that_cannot_be_read_and_shows_the_others(data, capsys):
    (data / "logs/sm2/log.toml").write_text("version = 9")
    (data / "logs/p256/checkpoint").write_bytes(b"torn")
    code, out, _ = run(capsys, data, "list")
    assert code == 1
    assert "✘ sm2: logs/sm2/log.toml: expected version = 1" in out
    assert "✘ p256: the checkpoint of corp.example/log/p256 is damaged" in out


def test_create_makes_exactly_what_was_asked_for(data, capsys, tmp_path):
    root = Ca.root("Partner Root")
    options = ["--from", "2027-01-01", "--until", "2028-01-01T08:00:00+08:00", "--operator", "Bureau 二"]
    options += ["--roots", pem(tmp_path / "partner.pem", root.der), "--eku", "emailProtection", "1.2.3.4"]
    options += ["--description", "for partners", "--merge-delay", "30", "--state", "pending"]
    wish = ["create", "partners-2027", "--algorithm", "sm2", *options]
    before = everything(data)
    dry = run_json(capsys, data, *wish, "--dry-run")
    assert everything(data) == before
    found = run_json(capsys, data, *wish)
    assert (dry["created"], found["created"], found["served"]) == (False, True, False)
    assert {field: found[field] for field in dry if field != "created"} == {
        field: dry[field] for field in dry if field != "created"
    }
    assert (found["from"], found["until"]) == ("2027-01-01T00:00:00+00:00", "2028-01-01T00:00:00+00:00")
    assert found["roots"] == ["CN=Partner Root"]
    assert found["eku"] == ["emailProtection", "1.2.3.4"]
    listed = json.loads((data / "log-list.json").read_bytes())["operators"]
    assert [operator["name"] for operator in listed] == ["Example", "Bureau 二"]
    (log,) = listed[1]["tiled_logs"]
    assert (list(log["state"]), log["mmd"], log["description"]) == (["pending"], 30, "for partners")
    assert log["temporal_interval"]["end_exclusive"] == "2028-01-01T00:00:00Z"
    assert (data / "keys/logs/partners-2027.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["P256", "--algorithm", "sm2"], "NAME: expected up to 40 small letters"),
        (["../x", "--algorithm", "sm2"], "NAME: expected up to 40 small letters"),
        (["demo-new", "--algorithm", "sm2"], "NAME: demo-… is kept"),
        (["p256", "--algorithm", "p256"], "NAME: there is a log p256 already"),
        (["new", "--algorithm", "sm2", "--from", "tomorrow"], "--from: expected a date such as 2027-01-01"),
        (["new", "--algorithm", "sm2", "--until", "2027-13-01"], "--until: expected a date"),
        (
            ["new", "--algorithm", "sm2", "--from", "2027-01-01", "--until", "2027-01-01"],
            "--until: expected a time after --from",
        ),
        (["new", "--algorithm", "sm2", "--roots", "/nowhere.pem"], "--roots: could not read /nowhere.pem"),
        (
            ["new", "--algorithm", "sm2", "--roots", "GARBAGE"],
            "garbage.pem: expected PEM certificates",
        ),
        (["new", "--algorithm", "sm2", "--roots", "LEAF"], "holds a certificate that is no CA's: www."),
        (["new", "--algorithm", "sm2", "--operator", " "], "--operator: expected 1 to 200 printable"),
        (["new", "--algorithm", "sm2", "--operator", "a\nb"], "--operator: expected 1 to 200 printable"),
        (["new", "--algorithm", "sm2", "--description", "x" * 201], "--description: expected 1 to 200"),
        (["new", "--algorithm", "sm2", "--merge-delay", "0"], "--merge-delay: expected 1 to 86400 seconds"),
        (["new", "--algorithm", "sm2", "--eku", "web"], "--eku: expected serverAuth, "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_wish_is_one_sentence_and_makes_nothing(data, capsys, tmp_path, options, said):
    root = Ca.root()
    files = {"LEAF": pem(tmp_path / "leaf.pem", root.issue()), "GARBAGE": str(tmp_path / "garbage.pem")}
    (tmp_path / "garbage.pem").write_bytes(b"garbage")
    (tmp_path / "a.json").write_bytes(b'{"roots": []}')
    files["JSON"] = str(tmp_path / "a.json")
    before = everything(data)
    code, _, err = run(capsys, data, "create", *(files.get(option, option) for option in options))
    assert code == 2
    assert said in err
    assert err.count("\n") == 1
    assert everything(data) == before


def test_a_creation_cut_short_is_completed_with_the_same_key(data, capsys, monkeypatch):
    from tlog.ct import creation

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(creation, "save_settings", killed)
        assert main(["log", "create", "new", "--algorithm", "sm2", "--data", str(data)]) == 130
    key, head = (data / "keys/logs/new.key").read_bytes(), (data / "log-heads/new.head").read_bytes()
    assert [log["name"] for log in run_json(capsys, data, "list")] == ["sm2", "p256"]
    code, _, err = run(capsys, data, "create", "new", "--algorithm", "p256")
    assert code == 2
    assert "--algorithm: keys/logs/new.key is there already, a key for sm2" in err
    assert run_json(capsys, data, "create", "new", "--algorithm", "sm2")["tree_size"] == 0
    assert ((data / "keys/logs/new.key").read_bytes(), (data / "log-heads/new.head").read_bytes()) == (
        key,
        head,
    )
    assert run(capsys, data, "verify", "new")[0] == 0


def test_freeze_asks_and_can_be_tried_without_effect(data, capsys, monkeypatch):
    before = everything(data)
    code, out, _ = run(capsys, data, "freeze", "p256", "--dry-run")
    assert code == 0
    assert "It becomes readonly, for good" in out
    assert "left would be sm2, so none could be issued" in out
    code, _, err = run(capsys, data, "freeze", "p256")
    assert (code, "--yes: freezing cannot be undone" in err) == (2, True)
    assert run(capsys, data, "freeze", "nothing", "--yes")[0] == 2
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin.readline", lambda: "yes\n", raising=False)
    code, _, err = run(capsys, data, "freeze", "p256")
    assert (code, "nothing was changed" in err) == (1, True)
    assert everything(data) == before
    monkeypatch.setattr("sys.stdin.readline", lambda: "p256\n", raising=False)
    assert run(capsys, data, "freeze", "p256")[0] == 0


def test_a_log_that_is_not_running_is_frozen_then_retired_for_good(data, capsys):
    done = run_json(capsys, data, "freeze", "p256", "--yes")
    (tree, state) = (done["final_tree_head"], listed_state(data, "p256"))
    assert state["readonly"]["final_tree_head"] == {"sha256_root_hash": tree["root_hash"], "tree_size": 0}
    assert run_json(capsys, data, "freeze", "p256", "--yes")["final_tree_head"] == tree
    assert run_json(capsys, data, "freeze", "p256", "--retire", "--yes")["state"] == "retired"
    assert list(listed_state(data, "p256")) == ["retired"]
    assert run_json(capsys, data, "freeze", "p256", "--yes")["state"] == "retired"
    assert load_settings(data / "logs/p256").state == "retired"
    assert run(capsys, data, "verify")[0] == 0


def listed_state(data: Path, name: str) -> dict:
    operators = json.loads((data / "log-list.json").read_bytes())["operators"]
    logs = [log for operator in operators for log in operator["tiled_logs"]]
    return next(log["state"] for log in logs if log["submission_url"].endswith(f"/{name}/"))


def test_a_pending_log_becomes_usable_and_a_frozen_one_never_again(data, capsys):
    run_json(capsys, data, "create", "new", "--algorithm", "sm2", "--state", "pending")
    assert list(listed_state(data, "new")) == ["pending"]
    for _ in range(2):
        assert run_json(capsys, data, "use", "new")["state"] == "usable"
    assert list(listed_state(data, "new")) == ["usable"]
    run_json(capsys, data, "freeze", "new", "--yes")
    code, _, err = run(capsys, data, "use", "new")
    assert (code, "the log new is readonly, which is for good" in err) == (1, True)


def test_a_log_that_cannot_start_can_be_retired(data, capsys):
    """It is what the refusal to start tells people to do."""
    (data / "log-heads/p256.head").unlink()
    code, _, err = run(capsys, data, "freeze", "p256", "--yes")
    assert (code, "the lock holds no tree head" in err) == (1, True)
    done = run_json(capsys, data, "freeze", "p256", "--retire", "--yes")
    assert (done["state"], done["final_tree_head"]) == ("retired", None)
    assert list(listed_state(data, "p256")) == ["retired"]


def test_a_log_whose_settings_are_damaged_stays_listed_as_it_was(data, capsys):
    """A log that vanished from the list would make every certificate with its promise suspect."""
    run_json(capsys, data, "create", "new", "--algorithm", "p256", "--from", "2027-01-01")
    before = json.loads((data / "log-list.json").read_bytes())["operators"]
    (data / "logs/sm2/log.toml").write_text("torn")
    run_json(capsys, data, "freeze", "new", "--yes")
    after = json.loads((data / "log-list.json").read_bytes())["operators"]
    assert [log["log_id"] for log in after[0]["tiled_logs"]] == [
        log["log_id"] for log in before[0]["tiled_logs"]
    ]
    assert after[0]["tiled_logs"][0] == before[0]["tiled_logs"][0]


def test_the_operators_before_are_in_the_list(data, capsys):
    path = data / "logs/p256/log.toml"
    former = 'previous_operators = [{ name = "First Ltd", end_time = 2026-06-01T00:00:00+00:00 }]'
    path.write_text(f'{path.read_text()}operator = "Second Ltd"\n{former}\n')
    run_json(capsys, data, "freeze", "sm2", "--yes")
    operators = json.loads((data / "log-list.json").read_bytes())["operators"]
    assert [(one["name"], len(one["tiled_logs"])) for one in operators] == [("Example", 1), ("Second Ltd", 1)]
    assert operators[1]["tiled_logs"][0]["previous_operators"] == [
        {"name": "First Ltd", "end_time": "2026-06-01T00:00:00Z"}
    ]


@pytest.mark.parametrize("wish", [["create", "new", "--algorithm", "sm2"], ["freeze", "p256", "--yes"]])
def test_a_run_killed_at_any_moment_may_be_repeated(data, capsys, wish):
    """Each kill comes a little later; the last run finds whatever the ones before left."""
    command = [sys.executable, "-m", "mingjing", "log", *wish, "--data", str(data)]
    for round_ in range(5):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(0.15 + 0.15 * round_)
            process.kill()
    code, _, err = run(capsys, data, *wish)
    assert code == 0 or "there is a log new already" in err
    logs = {log["name"]: log for log in run_json(capsys, data, "list")}
    assert logs["new"]["tree_size"] == 0 if wish[0] == "create" else logs["p256"]["state"] == "readonly"
    assert run(capsys, data, "verify")[0] == 0


def test_verify_names_what_is_wrong(data, capsys):
    assert run_json(capsys, data, "verify")[0] | {"head_time": "", "root_hash": ""} == {
        "name": "sm2", "whole": True, "tree_size": 0, "head_time": "", "root_hash": "", "damages": [],
    }  # fmt: skip
    (data / "logs/sm2/checkpoint").unlink()
    (data / "logs/p256/log.toml").write_text("torn")
    code, out, _ = run(capsys, data, "verify", "sm2", "p256")
    assert code == 1
    assert "✘ sm2: no readable tree head" in out
    assert "log.toml is not TOML" in out
    assert run(capsys, data, "verify", "nothing")[0] == 2


def test_an_old_store_brought_back_is_told_by_every_command(data, capsys, tmp_path):
    root = Ca.root()
    run_json(
        capsys, data, "create", "new", "--algorithm", "p256", "--roots", pem(tmp_path / "root.pem", root.der)
    )
    store, www = data / "logs/new", tmp_path / "www"
    log = CtLog(store, key_store(data, "logs").open("new"), lock_directory=lock_directory(data))
    log.add_chain(root.chain())
    log.close()
    shutil.copytree(store, tmp_path / "old")
    log = CtLog(store, key_store(data, "logs").open("new"), lock_directory=lock_directory(data))
    log.add_chain(root.chain("other.example.test"))
    log.close()
    for action in (["list"], ["verify", "new"], ["export", "new", str(www)]):
        assert run(capsys, data, *action)[0] == 0
    shutil.rmtree(www)
    (store / "tile/0/000.p/2").write_bytes(bytes(64))
    code, out, err = run(capsys, data, "export", "new", str(www))
    assert (code, "tile/0/000.p/2 is damaged" in err, (www / "checkpoint").exists()) == (1, True, False), out
    shutil.rmtree(www, ignore_errors=True)
    shutil.rmtree(store)
    shutil.copytree(tmp_path / "old", store)
    said = "the store is older than its lock: it holds 1 entries, the lock has signed 2"
    for action in (["list"], ["verify", "new"], ["export", "new", str(www)]):
        code, out, err = run(capsys, data, *action)
        assert (code, said in out + err) == (1, True), action
    assert not www.exists()


def test_an_export_is_refused_where_it_would_do_harm(data, capsys, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    for target, said in ((tmp_path / "full", "neither empty"), (data / "logs/p256", "is a log itself")):
        code, _, err = run(capsys, data, "export", "p256", str(target))
        assert code in {1, 2}
        assert said in err
    code, _, err = run(capsys, data, "export", "p256", str(tmp_path / "x"), "--monitoring-url", "p256")
    assert (code, "--monitoring-url: expected" in err) == (2, True)
    for wrong in ("", "not JSON"):
        (tmp_path / "full/log.v3.json").write_text(wrong)
        code, _, err = run(capsys, data, "verify", "--directory", str(tmp_path / "full"))
        assert (code, "does not describe a log" in err) == (2, True)
    assert run(capsys, data, "verify", "--directory", str(tmp_path / "nowhere"))[0] == 2


@pytest.mark.needs("openssl")
def test_a_root_in_der_is_taken_too(data, capsys, tmp_path):
    other = OpensslCa.make(tmp_path / "openssl", "SM2")
    found = run_json(
        capsys, data, "create", "theirs", "--algorithm", "sm2", "--roots", str(other.directory / "root.der")
    )
    assert found["roots"] == ["CN=openssl root"]
