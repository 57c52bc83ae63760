"""Every message that the site's code and templates hand to the catalogue, found by reading them."""

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

import web.public

SITE = Path(web.public.__file__).parent


def in_templates() -> Iterator[tuple[str, str]]:
    """Yield file and message of each ``_("…")`` in a template."""
    environment = Environment(autoescape=True)
    for path in sorted((SITE / "templates").glob("*.*")):
        for call in environment.parse(path.read_text("utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_":
                first = call.args[0]
                assert isinstance(first, nodes.Const), f"{path.name}: a message must be written out"
                yield path.name, first.value


def in_code() -> Iterator[tuple[str, str]]:
    """Yield file and message of each ``say("…")`` in the code, constants with a name too."""
    for path in sorted(SITE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        named = {
            target.id: node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield path.name, first.value
                elif isinstance(first, ast.Name) and isinstance(named.get(first.id), str):
                    yield path.name, named[first.id]
