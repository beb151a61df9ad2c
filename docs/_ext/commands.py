"""Writes the page of commands from the program itself, so that no option is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from edgeprofiler.cli.app import build_app

HEAD = """# Commands

Written from the program itself when these pages are built; `edgeprofiler COMMAND --help` says the
same in a terminal. [The question](question.md) says once what the options mean that many commands
share, [the contract](contract.md) what exit codes mean.
"""


def walk(command: Any, words: str) -> Iterator[tuple[str, Any]]:
    """Yield every command below one that does something, by the words that call it."""
    inner = getattr(command, "commands", {})
    if not inner or command.params:
        yield words, command
    for name, below in inner.items():
        yield from walk(below, f"{words} {name}")


def cell(text: str) -> str:
    """Return a text as a cell of a Markdown table."""
    return re.sub(r"([|<>*_])", r"\\\1", " ".join(text.split()))


def page() -> str:
    """Return the page, a heading a command and a row an option."""
    parts = [HEAD]
    for words, command in walk(typer.main.get_command(build_app()), "edgeprofiler"):
        parts.append(f"## {words}\n\n{' '.join((command.help or '').split())}\n")
        context = typer.Context(command)
        rows = [p.get_help_record(context) for p in command.params if not p.hidden]
        rows = [row for row in rows if row is not None]
        if rows:
            parts.append("| option | meaning |\n|---|---|")
            parts.append(
                "\n".join(f"| {code(name)} | {cell(text)} |" for name, text in rows) + "\n"
            )
    return "\n".join(parts)


def code(name: str) -> str:
    """Return an option's spelling as code; a bar inside it would end the cell."""
    return "`" + name.replace("|", "\\|") + "`"


def setup(app: Any) -> dict[str, bool]:
    """Write the page before Sphinx looks for pages."""
    target = Path(app.srcdir) / "commands.md"
    text = page()
    if not target.exists() or target.read_text("utf-8") != text:
        target.write_text(text, encoding="utf-8")
    return {"parallel_read_safe": True}
