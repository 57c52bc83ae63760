"""Writes docs/commands.md from the program itself:  python -m mingjing.reference > docs/commands.md"""

import argparse
import os

from mingjing.__main__ import build_parser

_HEAD = """# Commands

Made by `python -m mingjing.reference`; a test fails when it differs from the program. Every command
exits 0 for success, 1 for a refusal or a failed check, 2 for a wrong call or an unreachable peer.
"""


def reference() -> str:
    """Return the reference of all commands as Markdown."""
    os.environ["COLUMNS"] = "100"
    parts = [_HEAD]
    for name, parser in _commands(build_parser()).items():
        parts.append(f"\n## mingjing {name}\n\n```text\n{parser.format_help().rstrip()}\n```\n")
    return "".join(parts)


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:  # noqa: SLF001  argparse has no public way to its sub-commands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            return dict(action.choices)
    raise LookupError("the parser has no sub-commands")


if __name__ == "__main__":
    print(reference(), end="")
