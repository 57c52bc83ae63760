"""[witnesses] and [witness] of mingjing.toml: what is read, and what is wrong named with its key."""

import math
from pathlib import Path

import certifi
import pytest

from mingjing import config
from mingjing.config import Config
from mingjing.errors import ConfigError
from mingjing.witness_settings import AskedWitness, AskedWitnesses, NamedLog, OwnWitness
from mingjing.witnesses import witness_addresses, witness_policy

SAMPLE = Config(org="Example", domain="corp.example", operator="Example", public_url="http://127.0.0.1:8440")
KEY = "witness.example/w1+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN"
TABLE = f'[[witnesses.witness]]\nurl = "https://w.example/"\nkey = "{KEY}"\n'
SECOND = TABLE.replace("witness.example/w1", "witness.example/w2")


def loaded(folder, witnesses: str = "", own: str = "") -> Config:
    config.write(folder, SAMPLE)
    path = folder / config.FILE_NAME
    text = path.read_text().replace("required = 0 ", f"required = {witnesses.count('[[')} ", 1)
    start, _, rest = text.partition("[hosts]")
    path.write_text(f"{start}{witnesses}{own}[hosts]{rest}")
    return config.load(folder)


def test_the_template_has_none(tmp_path):
    found = loaded(tmp_path)
    assert (found.witnesses, found.witness) == (AskedWitnesses(), None)
    assert found == SAMPLE


def test_the_examples_of_the_template_are_right(tmp_path):
    config.write(tmp_path, SAMPLE)
    path = tmp_path / config.FILE_NAME
    lines = path.read_text().splitlines()
    wanted = (
        "# [[witnesses",
        "# url",
        "# key",
        "# [witness]",
        "# name",
        "# log_lists",
        "# logs",
        "# ask",
        "# ca",
    )
    path.write_text(
        "\n".join(line.removeprefix("# ") if line.startswith(wanted) else line for line in lines) + "\n"
    )
    found = config.load(tmp_path)
    assert found.witness == OwnWitness("witness.corp.example/w1", ("own",), ())
    (witness,) = found.witnesses.witnesses
    assert (witness.url, witness.ca) == ("https://witness.example/", tmp_path / "witness-ca.pem")
    assert found.witnesses.ask_first_seconds == AskedWitnesses().ask_first_seconds


def test_witnesses_are_read(tmp_path):
    found = loaded(tmp_path, TABLE + SECOND, '[witness]\nname = "w.corp.example"\nlogs = ["a+b+c"]\n')
    first = AskedWitness("https://w.example/", KEY)
    assert found.witnesses.witnesses[0] == first
    assert (len(found.witnesses.witnesses), found.witnesses.required) == (2, 2)
    assert found.witness == OwnWitness("w.corp.example", ("own",), (NamedLog("a+b+c"),))
    assert found.listen.witness == 8445


def test_a_log_whose_key_has_another_name_is_a_table(tmp_path):
    found = loaded(
        tmp_path, "", '[witness]\nname = "w"\nlogs = ["a+b+c", {key = "d+e+f", origin = "The log"}]\n'
    )
    assert found.witness.logs == (NamedLog("a+b+c"), NamedLog("d+e+f", "The log"))


@pytest.mark.parametrize(("value", "seconds"), [("0", 0), ("2.5", 2.5), ("inf", math.inf)])
def test_how_long_a_start_asks_first(tmp_path, value, seconds):
    path = tmp_path / config.FILE_NAME
    config.write(tmp_path, SAMPLE)
    path.write_text(path.read_text().replace("# ask_first_seconds = 30", f"ask_first_seconds = {value}"))
    assert config.load(tmp_path).witnesses.ask_first_seconds == seconds


@pytest.mark.parametrize("value", ["-1", "nan", "-inf", "3601", "true", '"30"'])
def test_it_asks_no_strange_time(tmp_path, value):
    path = tmp_path / config.FILE_NAME
    config.write(tmp_path, SAMPLE)
    path.write_text(path.read_text().replace("# ask_first_seconds = 30", f"ask_first_seconds = {value}"))
    with pytest.raises(ConfigError, match=r"\[witnesses\] ask_first_seconds must be a number from 0"):
        config.load(tmp_path)


def test_a_ca_is_read_beside_the_settings_and_must_hold_certificates(tmp_path):
    right = TABLE.replace("witness.example/w1", "witness.example.org")  # the name that its id is made of
    found = loaded(tmp_path, right + 'ca = "own.pem"\n')
    with pytest.raises(
        ConfigError, match=r"1: ca: could not read certificates in PEM from .*own\.pem: No such"
    ):
        witness_addresses(found)
    (tmp_path / "own.pem").write_text("nothing")
    with pytest.raises(ConfigError, match=r"1: ca: could not read certificates in PEM from .*own\.pem"):
        witness_policy(found)
    (tmp_path / "own.pem").write_bytes(Path(certifi.where()).read_bytes())
    (address,) = witness_addresses(found)
    assert address.ca == tmp_path / "own.pem"
    assert witness_policy(found).cas == {"https://w.example/": tmp_path / "own.pem"}


@pytest.mark.parametrize(
    ("witnesses", "own", "named"),
    [
        (TABLE + TABLE, "", "names witness.example/w1 twice"),
        (TABLE.replace("https:", "ftp:"), "", r"\[\[witnesses.witness\]\] 1: url must look like"),
        (TABLE.replace("w.example", "w.example:x"), "", "url must look like"),
        (TABLE.replace("url", "urls"), "", "unknown key 'urls'"),
        (TABLE + TABLE.replace(KEY, "w1"), "", r"\[\[witnesses.witness\]\] 2: key must be a vkey"),
        ("", '[witness]\nname = "two words"\n', r"\[witness\] name must be"),
        ("", "[witness]\n", r"\[witness\] name must be"),
        ("", '[witness]\nname = "w"\nlog_lists = "own"\n', "log_lists must be a list"),
        ("", '[witness]\nname = "w"\nlogs = "a"\n', "logs must be a list of vkeys"),
        ("", '[witness]\nname = "w"\nlogs = [1]\n', "logs, number 1 must be a vkey, or a table"),
        ("", '[witness]\nname = "w"\nlogs = [{key = "a"}]\n', "logs, number 1: origin must be a text"),
        ("", '[witness]\nname = "w"\nlogs = [{name = "a"}]\n', "unknown key 'name'"),
        (TABLE + "ca = 1\n", "", "ca must be the path of a file"),
        ("", '[witness]\nname = "w"\nkey = "x"\n', "unknown key 'key'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, witnesses, own, named):
    with pytest.raises(ConfigError, match=named):
        loaded(tmp_path, witnesses, own)


@pytest.mark.parametrize("required", ["2", "-1", "true", '"1"'])
def test_no_more_can_be_required_than_there_are(tmp_path, required):
    loaded(tmp_path, TABLE)
    path = tmp_path / config.FILE_NAME
    path.write_text(path.read_text().replace("required = 1 ", f"required = {required} "))
    with pytest.raises(ConfigError, match=r"\[witnesses\] required must be a whole number from 0 to 1"):
        config.load(tmp_path)
