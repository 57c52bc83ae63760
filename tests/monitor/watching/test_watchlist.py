"""watchlist.toml: read strictly, each mistake named with its line and key."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.watching.parse import parse_watchlist
from monitor.watching.values import Kind
from monitor.watching.watchlist import Hook, Watchlist, WatchlistError, Webhook, template

WEBHOOK = '[[webhook]]\nname = "ops"\nurl = "{url}"\nsecret_file = "s"\n'


def test_the_template_is_a_watchlist(tmp_path):
    found = parse_watchlist(template(".corp.example"), tmp_path)
    assert found == Watchlist(watches=((Kind.SUBTREE, ".corp.example"),))


def test_the_templates_commented_channels_are_right(tmp_path):
    text = template()
    start = text.index("# [[webhook]]")
    lines = [line.removeprefix("# ") for line in text[start:].splitlines()]
    found = parse_watchlist("\n".join(line for line in lines if not line.startswith("#")), tmp_path)
    assert [channel.kind for channel in found.channels] == ["webhook", "hook"]


def test_everything_is_read(tmp_path):
    text = """
    public = true
    names = ["WWW.Corp.Example", ".例子.测试", "www.corp.example"]
    addresses = ["192.0.2.7", "2001:DB8::/32", "::ffff:192.0.2.8"]
    organisations = ["Corp  Ltd"]
    issuers = ["CN=Some CA"]
    emails = [".corp.example"]
    lookalikes = [".Corp.example"]
    authorised = ["sha256:KNOWN", "OTHER"]
    [delivery]
    past = "list"
    give_up_after_days = 2.5
    [[webhook]]
    name = "ops"
    url = "https://hooks.corp.example:8443/x?y=z"
    secret_file = "secret"
    [[hook]]
    name = "mail"
    program = "/opt/mail"
    timeout = 5
    """.replace("KNOWN", "AB" * 32).replace("OTHER", "cd" * 32)
    assert parse_watchlist(text, tmp_path) == Watchlist(
        watches=(
            (Kind.NAME, "www.corp.example"),
            (Kind.SUBTREE, ".xn--fsqu00a.xn--0zwm56d"),
            (Kind.ADDRESS, "192.0.2.7/32"),
            (Kind.ADDRESS, "2001:db8::/32"),
            (Kind.ADDRESS, "192.0.2.8/32"),
            (Kind.ORGANISATION, "Corp Ltd"),
            (Kind.ISSUER, "CN=Some CA"),
            (Kind.EMAIL, ".corp.example"),
            (Kind.LOOKALIKE, "corp.example"),
        ),
        authorised=frozenset({b"\xab" * 32, b"\xcd" * 32}),
        channels=(
            Webhook("ops", "https://hooks.corp.example:8443/x?y=z", tmp_path / "secret", None, 10.0),
            Hook("mail", tmp_path / "/opt/mail", 5.0),
        ),
        public=True,
        deliver_past=False,
        give_up_after=timedelta(days=2.5),
    )


@pytest.mark.parametrize(("text", "said"), [
    ("names = [", "line 1: not TOML"),
    ('\nname = ["a.example"]', "line 2: name: unknown"),
    ('names = "a.example"', "line 1: names: expected a list of strings"),
    ('\n\nnames = [\n  "*.a.example",\n]', 'line 3: names: "*.a.example"'),
    ('names = ["a b.example"]', "names: 'a b.example'"),
    ('names = [""]', "names: ''"),
    ('names = ["192.0.2.1"]', 'addresses belong under "addresses"'),
    ('names = ["-a.example"]', "names: '-a.example'"),
    ('addresses = ["192.0.2.1/24"]', "line 1: addresses: expected an address or a network"),
    ('organisations = ["x"]', "organisations: 'x': expected at least 3 characters"),
    ('authorised = ["sha256:00"]', "authorised: 'sha256:00'"),
    ('public = "yes"', "line 1: public: expected true or false"),
    ('[delivery]\npast = "never"', 'line 2: delivery.past: expected "deliver" or "list"'),
    ("[delivery]\ngive_up_after_days = 0", "line 2: delivery.give_up_after_days: expected a number from 1"),
    ('[hook]\nname = "a"', "line 1: hook: expected [[hook]]"),
    ('[[hook]]\nname = "A!"\nprogram = "p"', "line 2: hook.name"),
    ('[[hook]]\nname = "a"\n', "line 1: hook.program: expected the path of a file"),
    ('[[hook]]\nname = "a"\nprogram = "p"\ntimeout = true', "line 4: hook.timeout"),
    ('[[hook]]\nname = "a"\nprogram = "p"\ndigest_hours = 0', "line 4: hook.digest_hours: expected a number"),
    ('[[hook]]\nname = "a"\nprogram = "p"\n' * 2, 'two channels are named "a"'),
    (WEBHOOK.format(url="http://hooks.corp.example/"), "line 3: webhook.url: expected https"),
    (WEBHOOK.format(url="https://a:b@hooks.corp.example/"), "webhook.url: expected no user name"),
    (WEBHOOK.format(url="https://[::1"), "webhook.url"),
    (WEBHOOK.format(url="https://x.example:99999/"), "webhook.url"),
    (WEBHOOK.format(url="https://x.example/a b"), "webhook.url"),
])  # fmt: skip
def test_a_mistake_is_named(tmp_path, text, said):
    with pytest.raises(WatchlistError) as refused:
        parse_watchlist(text, tmp_path)
    assert "watchlist.toml, line " in str(refused.value)
    assert said in str(refused.value)


def test_a_webhook_needs_no_secret(tmp_path):
    (channel,) = parse_watchlist('[[webhook]]\nname = "ops"\nurl = "https://x.example/"\n', tmp_path).channels
    assert channel == Webhook("ops", "https://x.example/", None, None, 10.0)


def test_a_digest_is_of_any_channel(tmp_path):
    text = f"{WEBHOOK.format(url='https://x.example/')}digest_hours = 24\n"
    text += '[[hook]]\nname = "b"\nprogram = "p"\ndigest_hours = 1.5\n'
    channels = parse_watchlist(text, tmp_path).channels
    assert [channel.digest for channel in channels] == [timedelta(hours=24), timedelta(hours=1.5)]


def test_plain_http_goes_to_this_machine_only(tmp_path):
    for host in ("127.0.0.1:1", "[::1]:1", "localhost"):
        assert parse_watchlist(WEBHOOK.format(url=f"http://{host}/"), tmp_path).channels


@given(st.text(max_size=60), st.sampled_from(["names", "addresses", "organisations", "emails", "authorised"]))
def test_a_strange_entry_is_an_entry_or_a_mistake(tmp_path_factory, value, key):
    listed = "".join(f"\\U{ord(c):08x}" for c in value if not 0xD800 <= ord(c) < 0xE000)
    directory = tmp_path_factory.getbasetemp()
    with suppress(WatchlistError):
        parse_watchlist(f'{key} = ["{listed}"]', directory)
