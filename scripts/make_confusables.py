"""Make monitor/watching/confusables.py from Unicode's confusables.txt (UTS #39), which is the first argument.

Kept are single characters that a host name may hold (lower case, as IDNA has it) and that look like one or
two letters or digits of ASCII. Run: ``.venv/bin/python scripts/make_confusables.py confusables.txt``
"""

import re
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

TARGET = Path(__file__).parents[1] / "monitor" / "watching" / "confusables.py"
HEAD = '''"""Characters of host names that look like others: made by scripts/make_confusables.py, not by hand.

From confusables.txt of Unicode {version} (UTS #39, Unicode Security Mechanisms).
Copyright (c) 1991-2025 Unicode, Inc.; under the Unicode License V3, https://www.unicode.org/license.txt
"""
# ruff: noqa: E501

from typing import Final

LOOK_LIKE: Final = {{
'''


def main() -> None:
    """Read the file and write the module."""
    text = Path(sys.argv[1]).read_text("utf-8-sig")
    version = re.search(r"^# Version: (\S+)", text, re.MULTILINE)
    found: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        fields = [field.strip() for field in line.partition("#")[0].split(";")]
        if len(fields) > 1 and " " not in fields[0]:
            character = chr(int(fields[0], 16))
            looks = "".join(chr(int(point, 16)) for point in fields[1].split())
            looks = unicodedata.normalize("NFKC", looks).casefold()
            if may_stand(character) and re.fullmatch(r"[a-z0-9-]+", looks):
                found[looks].append(character)
    rows = [f'    "{looks}": "{"".join(map(escaped, found[looks]))}",' for looks in sorted(found)]
    TARGET.write_text(
        HEAD.format(version=version[1] if version else "?") + "\n".join(rows) + "\n}\n", "utf-8"
    )


def may_stand(character: str) -> bool:
    """Tell whether a host name may hold the character as it is."""
    folded = unicodedata.normalize("NFKC", character).casefold()
    return folded == character and unicodedata.category(character)[0] in "LMN"


def escaped(character: str) -> str:
    """Write a character so that every editor shows the line in one direction."""
    point = ord(character)
    if point < 0x7F:  # noqa: PLR2004 -- the end of ASCII
        return character
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"  # noqa: PLR2004


main()
