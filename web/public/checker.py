"""The checker as one file: the page, its style and its scripts in one, the same bytes for every visitor.

It needs no server: saved once, it checks proofs that come from this site without trusting this site.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Final

SCRIPTS: Final = tuple(
    f"verify/{name}.js"
    for name in (
        "crypto",
        "bytes",
        "signatures",
        "merkle",
        "entries",
        "heads",
        "trusted",
        "check",
        "reasons",
        "words",
        "page",
    )
)
"""In the order in which they are loaded."""

FILE_NAME: Final = "mingjing-verify.html"
_STATIC: Final = Path(__file__).parent / "static"
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; {policy}">
<title>mingjing</title>
<style>{style}</style>
</head>
<body>
<main class="wrap">
<div id="checker" data-standalone></div>
<noscript>This page needs JavaScript. 本页需要 JavaScript。</noscript>
</main>
{scripts}
</body>
</html>
"""


@cache
def single_file() -> bytes:
    """Return the whole checker as one HTML file, which may open no connection at all."""
    style = _read("site.css")
    scripts = [_read(name) for name in SCRIPTS]
    policy = f"style-src {_source(style)}; script-src {' '.join(map(_source, scripts))}"
    tags = "\n".join(f"<script>{script}</script>" for script in scripts)
    return _PAGE.format(policy=policy, style=style, scripts=tags).encode()


@cache
def single_file_hash() -> str:
    """Return the SHA-256 of the file, in hex."""
    return hashlib.sha256(single_file()).hexdigest()


def _read(name: str) -> str:
    return (_STATIC / name).read_text("utf-8")


def _source(text: str) -> str:
    """Return what a Content-Security-Policy calls an inline block with this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
