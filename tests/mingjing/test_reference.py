"""docs/commands.md is what the program itself says, and ``--help`` is quick because it loads little."""

import subprocess
import sys
from pathlib import Path

import pytest

from mingjing.__main__ import COMMANDS, main
from mingjing.reference import reference

DOCS = Path(__file__).parents[2] / "docs" / "commands.md"
HEAVY = (
    "mitmproxy",
    "cryptography",
    "flask",
    "sqlite_utils",
    "asn1crypto",
    "urllib3",
    "apscheduler",
    "gmssl",
)


def test_the_reference_is_up_to_date():
    assert DOCS.read_text() == reference(), "run: python -m mingjing.reference > docs/commands.md"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_loads_nothing_heavy(command):
    program = (
        "import sys\n"
        "from mingjing.__main__ import main\n"
        f"try:\n    main([{command!r}, '--help'])\n"
        "except SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert f"mingjing {command}" in done.stdout.partition("examples:")[2]
    assert done.stdout.splitlines()[-1] == "[]"


def test_check_needs_no_mitmproxy():
    program = "import sys, proxy_addon.connect; assert 'mitmproxy' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["check"], ["up", "--site-port", "70000"], ["issue", "a.test"]]
)
def test_a_wrong_call_exits_2(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_directory_that_was_never_made_is_one_sentence(tmp_path, capsys):
    assert main(["certificates", "--data", str(tmp_path)]) == 2
    assert "run `mingjing init" in capsys.readouterr().err
