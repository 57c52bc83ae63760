"""policy.toml: what it means, and what is refused with its line and key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.errors import PolicyError
from verifier.policy import Cleartext, Revocation, Rules, TrustMode, parse_policy

PIN = "ab" * 32
CONTRACT = f"""[default]                    # every site without a section of its own
trust = "public"
scts = "browser"
log_lists = []
revocation = "soft"
cleartext = "refuse"

[[site]]                     # init writes this one for --domain
host = "*.corp.example"      # all labels below; the apex needs a section of its own
trust = "pinned"
issuers = [
  "sha256:{PIN}",            # "brackets" ] [ and # in comments
]
require = ["sm2"]
scts = 2
log_lists = ["own"]
revocation = "hard"
"""


def site(host: str, *lines: str) -> str:
    return "\n".join(["[[site]]", f'host = "{host}"', *lines, ""])


def test_the_contracts_example():
    policy = parse_policy(CONTRACT)
    assert policy.default == Rules()
    assert policy.root_files == ()
    assert policy.rules_for("www.corp.example") == Rules(
        trust=TrustMode.PINNED,
        issuers=frozenset({bytes.fromhex(PIN)}),
        require=frozenset({"sm2"}),
        scts=2,
        log_lists=("own",),
        revocation=Revocation.HARD,
        cleartext=Cleartext.REFUSE,
        section="*.corp.example",
    )


def test_the_most_specific_host_wins():
    sites = ("*.example", "*.corp.example", "www.corp.example", "*.www.corp.example", "corp.example")
    policy = parse_policy(CONTRACT.partition("[[site]]")[0] + "".join(map(site, sites)))
    expected = {
        "www.corp.example": "www.corp.example",
        "WWW.Corp.Example.": "www.corp.example",
        "a.corp.example": "*.corp.example",
        "a.b.corp.example": "*.corp.example",
        "a.www.corp.example": "*.www.corp.example",
        "a.b.www.corp.example": "*.www.corp.example",
        "corp.example": "corp.example",
        "other.example": "*.example",
        "example": "[default]",
        "corp.example.evil": "[default]",
        "xcorp.example": "*.example",
        "": "[default]",
        "not a host": "[default]",
    }
    assert {host: policy.rules_for(host).section for host in expected} == expected


def test_the_apex_needs_a_section_of_its_own():
    assert parse_policy(CONTRACT).rules_for("corp.example").section == "[default]"


def test_missing_keys_come_from_the_default():
    policy = parse_policy('[default]\nscts = 3\nrevocation = "hard"\n' + site("a.test", "scts = 0"))
    rules = policy.rules_for("a.test")
    assert (rules.scts, rules.revocation, rules.cleartext) == (0, Revocation.HARD, Cleartext.REFUSE)
    assert policy.rules_for("b.test").scts == 3


def test_issuers_may_be_inherited():
    text = f'[default]\nissuers = ["sha256:{PIN.upper()}"]\n' + site("a.test", 'trust = "pinned"')
    policy = parse_policy(text.replace("SHA", "sha"))
    assert policy.rules_for("a.test").issuers == {bytes.fromhex(PIN)}
    assert policy.default.trust is TrustMode.PUBLIC


def test_addresses_are_hosts_in_any_spelling():
    policy = parse_policy(CONTRACT + site("2001:DB8:0::1") + site("192.0.2.1"))
    assert policy.rules_for("[2001:db8::1]").section == "2001:db8::1"
    assert policy.rules_for("192.0.2.1").section == "192.0.2.1"


def test_root_files():
    assert parse_policy('[default]\n[roots]\nfiles = ["a.pem", "b.pem"]').root_files == ("a.pem", "b.pem")
    assert parse_policy("[default]\n[roots]\nfiles = []").root_files == ()
    assert parse_policy("[default]\n[roots]\n").root_files == ()


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("", 1, None),
        ("# only a comment\n", 1, None),
        ("[roots]\nfiles = []\n", 1, None),
        ("[default]\ntrust = \n", 2, None),
        ('[default]\ntrust = "public"\n[default]\n', 3, None),
        ('[default]\ntrust = "public"\ntrust = "public"\n', 3, None),
        ('[default]\n\n\nscts = "browsers', 4, None),
        ('[default]\n\n\ntrust = "open"\n', 4, "default.trust"),
        ("[default]\ntrust = 1\n", 2, "default.trust"),
        ('[default]\nrevocation = ["soft"]\n', 2, "default.revocation"),
        ('[default]\ncleartext = "deny"\n', 2, "default.cleartext"),
        ("[default]\nscts = true\n", 2, "default.scts"),
        ("[default]\nscts = -1\n", 2, "default.scts"),
        ("[default]\nscts = 17\n", 2, "default.scts"),
        ("[default]\nscts = 2.0\n", 2, "default.scts"),
        ('[default]\nscts = "2"\n', 2, "default.scts"),
        ('[default]\nlog_lists = "own"\n', 2, "default.log_lists"),
        ("[default]\nlog_lists = [1]\n", 2, "default.log_lists"),
        ('[default]\nlog_lists = [""]\n', 2, "default.log_lists"),
        ('[default]\nlog_lists = ["own", "own"]\n', 2, "default.log_lists"),
        ('[default]\nrequire = ["sm4"]\n', 2, "default.require"),
        ('[default]\nrequire = ["rsa"]\n', 2, "default.require"),
        ('[default]\nissuers = ["sha256:abcd"]\n', 2, "default.issuers"),
        (f'[default]\nissuers = ["sha1:{PIN}"]\n', 2, "default.issuers"),
        (f'[default]\nissuers = ["{PIN}"]\n', 2, "default.issuers"),
        (f'[default]\nissuers = ["sha256:{PIN}0"]\n', 2, "default.issuers"),
        ('[default]\nhost = "a.test"\n', 2, "default.host"),
        ("[default]\n\nsct = 2\n", 3, "default.sct"),
        ("[default]\n[default.more]\nx = 1\n", 2, "default.more"),
        ("[default]\n[sites]\n", 2, "sites"),
        ('default = "public"\n', 1, "default"),
        ("[[default]]\n", 1, "default"),
        ('[default]\n[site]\nhost = "a.test"\n', 2, "site"),
        ("[default]\nfiles = 1\n[roots]\nfiles = []", 2, "default.files"),
        ('[default]\n[roots]\nfiles = "a.pem"\n', 3, "roots.files"),
        ("[default]\n[roots]\nfile = []\n", 3, "roots.file"),
        ("[default]\n[[site]]\nscts = 1\n", 2, "site"),
        ("[default]\n[[site]]\nhost = 1\n", 3, "site.host"),
        ('[default]\n[[site]]\nhost = "*"\n', 3, "site.host"),
        ('[default]\n[[site]]\nhost = "a.*.test"\n', 3, "site.host"),
        ('[default]\n[[site]]\nhost = "**.test"\n', 3, "site.host"),
        ('[default]\n[[site]]\nhost = "a.test:443"\n', 3, "site.host"),
        ('[default]\n[[site]]\nhost = "https://a.test"\n', 3, "site.host"),
        ('[default]\n[[site]]\nhost = "*.192.0.2.1"\n', 3, "site.host"),
        ('[default]\n[[site]]\nhost = "中文.test"\n', 3, "site.host"),
        ('[default]\n[[site]]\nhost = ""\n', 3, "site.host"),
        ('[default]\n[[site]]\nhost = "a.test"\n[[site]]\nhost = "A.test."\n', 5, "site.host"),
        ('[default]\n[[site]]\nhost = "a.test"\ntrust = "pinned"\n', 4, "site.trust"),
        ('[default]\n[[site]]\nhost = "a.test"\ntrust = "pinned"\nissuers = []\n', 5, "site.issuers"),
        ('[default]\ntrust = "pinned"\n', 2, "default.trust"),
        ('[default]\nlog_lists = [\n  "own",\n  3,\n]\nscts = "x"\n', 6, "default.scts"),
        ('[default]\ntrust = """\npublic\nscts = 1\n"""\n', 2, "default.trust"),
        ('default.trust = "x"\n', 1, "default.trust"),
        ('"default" . "trust" = "x"\n', 1, "default.trust"),
        ('[ "default" ] # x\n\'trust\' = "x"\n', 2, "default.trust"),
        ('site = [{host = "a.test", scts = "x"}]\n', 1, "site.scts"),
        ("default = {\n", 1, None),
        ('[default]\nlog_lists = [\n  ["own"],\n]\nscts = "x"\n', 5, "default.scts"),
    ],
)
def test_mistakes_name_line_and_key(text, line, key):
    with pytest.raises(PolicyError) as refusal:
        parse_policy(text, path_name="conf/policy.toml")
    assert refusal.value.key == key
    if key is not None or "not TOML" not in str(refusal.value):
        assert refusal.value.line == line
        assert str(refusal.value).startswith(f"conf/policy.toml, line {line}: ")
    else:
        assert 1 <= refusal.value.line <= text.count("\n") + 1


def test_a_mistake_in_a_later_site_names_its_own_line():
    text = CONTRACT + site("b.test", "scts = 1") + "\n# more\n\n" + site("c.test", 'scts = "x"')
    with pytest.raises(PolicyError) as refusal:
        parse_policy(text)
    assert text.splitlines()[refusal.value.line - 1] == 'scts = "x"'


def test_size_and_depth_are_bounded():
    for text in ("[default]\n" + "#" * 1024 * 1024, "[default]\nscts = " + "[" * 100_000):
        with pytest.raises(PolicyError):
            parse_policy(text)


KEYS = ["trust", "issuers", "require", "scts", "log_lists", "revocation", "cleartext", "host", "x"]
VALUES = ['"public"', '"pinned"', '"own"', "2", "-1", "true", "[]", '["own"]', '["sm2"]', '"hard"',
          f'["sha256:{PIN}"]',
          '"*.a.test"', '"""\n"""', "{}", "1979-05-27"]  # fmt: skip
LINES = st.one_of(
    st.sampled_from(["[default]", "[[site]]", "[roots]", "[site]", "# x", "", "files = []"]),
    st.builds("{} = {}".format, st.sampled_from(KEYS), st.sampled_from(VALUES)),
)


@given(st.lists(LINES, max_size=12).map("\n".join) | st.text(max_size=200))
def test_any_text_gives_a_policy_or_our_error_with_a_line_of_the_text(text):
    try:
        policy = parse_policy(text)
    except PolicyError as error:
        line = error.line
    else:
        line = 1
        assert all(r.trust is TrustMode.PUBLIC or r.issuers for r in (policy.default, *policy.sites.values()))
    assert line is not None
    assert 1 <= line <= text.count("\n") + 1


@given(st.text(max_size=80))
def test_any_host_has_rules(host):
    assert parse_policy(CONTRACT).rules_for(host).section in {"[default]", "*.corp.example"}
