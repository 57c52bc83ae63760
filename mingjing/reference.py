"""Writes docs/commands.md from the program itself:  python -m mingjing.reference > docs/commands.md"""

import argparse
import os
from collections.abc import Iterator

from mingjing.__main__ import build_parser

_HEAD = """# Commands

Made by `python -m mingjing.reference`; a test fails when it differs from the program. Every command
exits 0 for success, 1 for a refusal or a failed check, 2 for a wrong call or an unreachable peer.
"""


def reference() -> str:
    """Return the reference of all commands as Markdown."""
    os.environ["COLUMNS"] = "100"
    parts = [_HEAD]
    for name, parser in _commands(build_parser()):
        level = "##" if " " not in name else "###"
        parts.append(f"\n{level} mingjing {name}\n\n```text\n{parser.format_help().rstrip()}\n```\n")
    return "".join(parts)


def _commands(
    parser: argparse.ArgumentParser, above: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield every command by its name, and under it the actions of those that have some."""
    for action in parser._actions:  # noqa: SLF001  argparse has no public way to its sub-commands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for name, command in action.choices.items():
                yield above + name, command
                yield from _commands(command, f"{above}{name} ")


if __name__ == "__main__":
    print(reference(), end="")
