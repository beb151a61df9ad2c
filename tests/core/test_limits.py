"""Every bound is said once, with its reason."""

import ast
import itertools
from pathlib import Path

import edgeprofiler
from edgeprofiler.core import limits

SOURCE = Path(edgeprofiler.__file__).parent


def names() -> list[str]:
    return [name for name in vars(limits) if name.isupper() and name not in ("MIB", "GIB")]


def test_every_bound_says_why_and_is_used() -> None:
    body = ast.parse(Path(limits.__file__).read_text()).body
    said = {
        node.targets[0].id
        for node, after in itertools.pairwise(body)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(after, ast.Expr)
    }
    assert set(names()) == said
    sources = "".join(path.read_text() for path in SOURCE.rglob("*.py"))
    assert [name for name in names() if f"limits.{name}" not in sources] == []
