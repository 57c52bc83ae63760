"""Watch for certificates that nobody here ordered: what was found, who was told, whether it works.

What is watched, and who is told, stands in watchlist.toml in the data directory.
"""

import argparse
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mingjing import data, output
from mingjing.config import Config
from mingjing.errors import ConfigError, Unreachable
from mingjing.rooms import room_errors
from mingjing.watch_text import delivery_rows, key_facts, keys_text, notice_text, row, state_text

if TYPE_CHECKING:
    from pathlib import Path

    from monitor import Monitor
    from monitor.watching.service import Watching
    from monitor.watching.values import Notice

EXAMPLES = """\
examples:
  mingjing watch show                    what is watched, since when, and whether the channels work
  mingjing watch list --open             the certificates and log alerts that somebody must look at
  mingjing watch test                    a test notice through every channel; exit 2 when one fails
  mingjing watch acknowledge 12 --note "ordered by the shop team, ticket 4711"
  mingjing watch authorise 12            the certificate of notice 12 is known; or its TBS hash
  mingjing watch retry 12                once more through the channels that had given up
  mingjing watch key                     the public keys by which a receiver checks our webhooks
"""
WAIT_SECONDS = 30.0
POLL_SECONDS = 0.2
_HASH = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    shown = _action(actions, "show", "what is watched and whether it works, or one notice in full")
    shown.add_argument("notice", nargs="?", type=int, metavar="ID", help="the number of a notice")
    listed = _action(actions, "list", "notices, the newest first")
    listed.add_argument("--open", action="store_true", help="only those that nobody has looked at")
    listed.add_argument(
        "--origin", choices=("unknown", "ours", "authorised", "expired"), help="only of these"
    )
    listed.add_argument("--before", type=int, metavar="ID", help="those before this one: the next page")
    listed.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many (default: 50)")
    test = _action(actions, "test", "send a test notice through every channel")
    test.add_argument(
        "--wait", type=float, default=WAIT_SECONDS, metavar="S", help="seconds to wait for it (default: 30)"
    )
    seen = _action(actions, "acknowledge", "mark notices as looked at")
    seen.add_argument("notice", nargs="+", type=int, metavar="ID", help="the numbers of notices")
    seen.add_argument("--note", default="", metavar="TEXT", help="why; kept beside the notice")
    known = _action(actions, "authorise", "know a certificate: it raises no alert, on any watch")
    known.add_argument("known", metavar="ID|HASH", help="a notice's number, or the SHA-256 of the TBS")
    again = _action(actions, "retry", "deliver a notice that was given up")
    again.add_argument("notice", type=int, metavar="ID", help="the number of a notice")
    _action(actions, "key", "the public keys by which a receiver checks our webhooks")


def _action(actions: Any, name: str, summary: str) -> argparse.ArgumentParser:
    lines = [line for line in EXAMPLES.splitlines() if f"watch {name}" in line]
    parser: argparse.ArgumentParser = actions.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog="\n".join(["examples:", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", metavar="DIR", default=argparse.SUPPRESS, help="the data directory")
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    from mingjing.rooms import monitor

    directory = data.directory(arguments)
    settings = data.load(directory)
    reads = arguments.action in {"show", "list"}
    if arguments.action == "key":
        return _key(arguments, directory)
    with room_errors():
        opened = monitor(directory, settings, read_only=reads)
        try:
            return _ACTIONS[arguments.action](opened, arguments, settings)
        finally:
            opened.close()


def _show(opened: "Monitor", arguments: argparse.Namespace, _settings: Config) -> int:
    now = datetime.now(UTC)
    if arguments.notice is not None:
        _emit(arguments, _existing(opened.watching, arguments.notice))
        return 0
    state = opened.watching.state()
    if arguments.json:
        output.emit_json(state.to_json(now))
    else:
        print(state_text(state, now))
    return 0 if state.working(now) and not state.error else 1


def _list(opened: "Monitor", arguments: argparse.Namespace, _settings: Config) -> int:
    from monitor.watching.values import Origin

    if arguments.limit < 1:
        raise ConfigError("--limit: expected a number above 0.")
    notices = opened.watching.notices(
        origin=Origin(arguments.origin) if arguments.origin else None,
        open_only=arguments.open,
        before=arguments.before,
        limit=arguments.limit,
    )
    if arguments.json:
        output.emit_json([notice.state_json() for notice in notices])
    elif notices:
        heads = ("ID", "", "when (UTC)", "about", "what", "issuer")
        print(output.table([row(each) for each in notices], heads))
        if len(notices) == arguments.limit:
            output.talk(f"There may be older ones: --before {notices[-1].id}")
    else:
        output.talk("Nothing was found yet." if not arguments.open else "Nothing is open.")
    return 0


def _test(opened: "Monitor", arguments: argparse.Namespace, _settings: Config) -> int:
    now = datetime.now(UTC)
    state = opened.watching.state()
    if not state.channels:
        raise ConfigError("no channel is configured: add a [[webhook]] or [[hook]] to watchlist.toml.")
    if not state.working(now):
        raise Unreachable("nothing watches at the moment: start the scheduler (`mingjing up`).")
    notice = _wait(opened.watching, opened.watching.test(now), arguments.wait)
    if arguments.json:
        output.emit_json(notice.state_json())
    else:
        rows = delivery_rows(notice, opened.watching.state().channels)
        print(output.table(rows, ("channel", "", "state", "detail")))
    if any(each.state != "delivered" for each in notice.deliveries):
        raise Unreachable("not every channel has taken the test notice; it stays queued and is tried again.")
    return 0


def _wait(watching: "Watching", notice: "Notice", seconds: float) -> "Notice":
    """Wait until every channel has delivered it, or has failed since, within the time given.

    A channel that fails at a notice before this one does not reach it.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        notice = _existing(watching, notice.id)
        failed = {
            channel.name
            for channel in watching.state().channels
            if channel.last_error and channel.last_attempt and channel.last_attempt > notice.created_at
        }
        if all(each.state != "pending" or each.channel in failed for each in notice.deliveries):
            return notice
        time.sleep(POLL_SECONDS)
    return notice


def _acknowledge(opened: "Monitor", arguments: argparse.Namespace, _settings: Config) -> int:
    now = datetime.now(UTC)
    for number in arguments.notice:
        _existing(opened.watching, number)
    done = [opened.watching.acknowledge(number, arguments.note, now) for number in arguments.notice]
    if arguments.json:
        output.emit_json([notice.state_json() for notice in done])
    else:
        print("\n".join(f"{output.mark(True)} notice {notice.id} acknowledged" for notice in done))
    return 0


def _authorise(opened: "Monitor", arguments: argparse.Namespace, _settings: Config) -> int:
    tbs_hash = _tbs_hash(opened.watching, arguments.known)
    opened.watching.authorise(tbs_hash, datetime.now(UTC))
    if arguments.json:
        output.emit_json({"authorised": f"sha256:{tbs_hash.hex()}"})
    else:
        print(f"{output.mark(True)} known from now on: sha256:{tbs_hash.hex()}")
    return 0


def _tbs_hash(watching: "Watching", text: str) -> bytes:
    found = _HASH.fullmatch(text.strip().lower())
    if found:
        return bytes.fromhex(found[1])
    if not text.isascii() or not text.isdigit():
        raise ConfigError(
            f"{text!r}: expected a notice's number, or 64 hexadecimal digits (SHA-256 of the TBS)."
        )
    certificate = _existing(watching, int(text)).certificate
    if certificate is None:
        raise ConfigError(f"notice {text} is about no certificate: there is nothing to authorise.")
    return certificate.tbs_hash


def _retry(opened: "Monitor", arguments: argparse.Namespace, _settings: Config) -> int:
    _existing(opened.watching, arguments.notice)
    _emit(arguments, opened.watching.retry(arguments.notice, datetime.now(UTC)))
    return 0


def _key(arguments: argparse.Namespace, directory: "Path") -> int:
    from mingjing.watching import webhook_keys

    with room_errors():
        keys = [handle.public_key for handle in webhook_keys(directory)]
    if arguments.json:
        output.emit_json([key_facts(key) for key in keys])
    else:
        print(keys_text(keys))
    return 0


def _existing(watching: "Watching", number: int) -> "Notice":
    notice = watching.notice(number)
    if notice is None:
        raise ConfigError(f"there is no notice {number}; `mingjing watch list` shows them.")
    return notice


def _emit(arguments: argparse.Namespace, notice: "Notice") -> None:
    if arguments.json:
        output.emit_json(notice.state_json())
    else:
        print(notice_text(notice))


_ACTIONS = {
    "show": _show,
    "list": _list,
    "test": _test,
    "acknowledge": _acknowledge,
    "authorise": _authorise,
    "retry": _retry,
}
