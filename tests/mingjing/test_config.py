"""mingjing.toml: what is written is read back, and what is wrong is named."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingjing import config
from mingjing.config import Config, Listen
from mingjing.errors import ConfigError

SAMPLE = Config(org="Example", domain="corp.example", operator="Example", public_url="http://127.0.0.1:8440")


def test_written_settings_are_read_back(tmp_path):
    settings = dataclasses.replace(
        SAMPLE, demo=True, merge_delay=30, hosts={"good.corp.example": "127.0.0.1:8450", "v6.test": "[::1]:9"}
    )
    config.write(tmp_path, settings)
    assert config.load(tmp_path) == settings


@given(org=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_organisation_name_survives(tmp_path_factory, org):
    folder = tmp_path_factory.mktemp("data")
    config.write(folder, dataclasses.replace(SAMPLE, org=org))
    assert config.load(folder).org == org


def test_update_changes_ports_and_hosts_and_keeps_comments(tmp_path):
    config.write(tmp_path, SAMPLE)
    path = tmp_path / config.FILE_NAME
    path.write_text(path.read_text().replace("[listen]", "# my own remark\n[listen]"))
    changed = config.update(tmp_path, SAMPLE, listen=Listen(site=9440), hosts={"a.test": "127.0.0.1:1"})
    assert (changed.listen.site, changed.listen.proxy, changed.hosts) == (
        9440,
        8441,
        {"a.test": "127.0.0.1:1"},
    )
    assert "# my own remark" in path.read_text()
    assert config.update(tmp_path, changed, hosts={}).hosts == {}


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("site = 8440", 'site = "x"', "site must be a whole number"),
        ("site = 8440", "site = 70000", "port from 1 to 65535"),
        ("site = 8440", "sight = 8440", "unknown key 'sight'"),
        ("[audit]", "[audits]", r"unknown section \[audits\]"),
        ('org = "Example"', "", "lacks the key 'org'"),
        ("demo = false", "demo = 1", "demo must be true or false"),
        ("merge_delay = 60", "merge_delay = true", "merge_delay must be a whole number"),
        ("interval = 60", "interval = -3", "interval must be from 1 to 86400, not -3"),
        ("flush_interval = 0.2", "flush_interval = 0", "flush_interval must be from"),
        ('public_url = "http://127.0.0.1:8440"', 'public_url = "ftp://x"', "must look like https"),
        ("[hosts]", '[hosts]\n"a" = "nowhere"', 'must be "address:port"'),
        ("[hosts]", "[hosts", "could not read"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, old, new, named):
    config.write(tmp_path, SAMPLE)
    path = tmp_path / config.FILE_NAME
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=named):
        config.load(tmp_path)


def test_a_directory_without_settings_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match="mingjing init"):
        config.load(tmp_path)


def test_public_addresses_lead_to_the_services_on_this_machine():
    settings = dataclasses.replace(SAMPLE, public_url="https://pki.example", listen=Listen(host="0.0.0.0"))
    assert settings.local("https://pki.example/log/sm2/") == "http://127.0.0.1:8444/log/sm2/"
    assert settings.local("https://pki.example/crl/ssl-ecc.crl") == "http://127.0.0.1:8440/crl/ssl-ecc.crl"
    assert settings.local("https://pki.example.evil/x") == "https://pki.example.evil/x"
