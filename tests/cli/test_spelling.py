"""An error names arguments; a terminal is told the options of the command that runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import typer

import edgeprofiler
from edgeprofiler.cli.app import COMMANDS, build_app
from edgeprofiler.cli.spelling import spelled, spellings

ROOT = Path(edgeprofiler.__file__).parent
OTHERS = ("edgeprofiler ", "collect ", "predict ", "train ", "trtexec", "--exportProfile",
          "--profilingVerbosity", "--system-site-packages", "Usage",
          "--tflite", "--saved-model", "--graphdef", "--interval 100")  # fmt: skip
"""What a message may cite whole: a command, ours or another's, with its options."""


@pytest.mark.parametrize(
    ("words", "said", "expected"),
    [
        (["predict", "x"], "give `resolution` or `shapes`", "give --resolution or --shape"),
        (["advise", "x"], "`budget_j` or `max_latency_s`", "--budget-mj or --max-latency-ms"),
        (["check"], "name a `model`", "name a [MODEL|PROFILE]"),
        (["qa", "x"], "`model` chooses", "--model chooses"),
        (["models", "list"], "check `tracking_uri`", "check --tracking-uri"),
        (["devices"], "`edgeprofiler devices` lists them", "`edgeprofiler devices` lists them"),
        (["predict"], "`budget_j` is no option here", "`budget_j` is no option here"),
        ([], "`batch`", "`batch`"),
    ],
)
def test_an_argument_is_spelt_as_the_command_spells_it(
    words: list[str], said: str, expected: str
) -> None:
    command = typer.main.get_command(build_app())
    assert spelled(said, spellings(command, words)) == expected


def test_python_is_told_of_arguments_and_the_terminal_of_options(cli) -> None:
    with pytest.raises(edgeprofiler.UsageError, match="give `resolution` or `shapes`"):
        edgeprofiler.predict("zoo:lenet", resolution=32, shapes={"": (1, 1, 32, 32)})
    ran = cli("predict", "zoo:lenet", "--resolution", "32", "--shape", "1x1x32x32")
    assert "give --resolution or --shape, not both" in ran.err


def test_below_the_command_line_no_message_names_an_option() -> None:
    """Words that begin with `--` there are arguments of other programs, or a whole command."""
    found = []
    for path in ROOT.rglob("*.py"):
        if "cli" in path.relative_to(ROOT).parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and node.body and isinstance(node.body[0], ast.Expr)
        }  # fmt: skip
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) else None
            if (
                not isinstance(text, str)
                or id(node) in documented
                or any(o in text for o in OTHERS)
            ):
                continue
            if re.search(r"(?<![\w-])--[a-z][a-z-]+", text) and " " in text:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {text[:60]}")
    assert not found


def test_no_command_is_called_as_an_option_is() -> None:
    """Else `report` in a message could be either."""
    root = typer.main.get_command(build_app())
    options = [p for c in root.commands.values() for p in c.params if p.opts[0].startswith("--")]
    assert not {option.name for option in options} & set(COMMANDS)
