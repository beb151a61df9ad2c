"""What a user can meet stands in the documentation: options, exit codes, names, schemas, pages."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import typer
from pages import PAGES
from paths import ROOT

import edgeprofiler
from edgeprofiler.cli.app import build_app
from edgeprofiler.core import errors
from edgeprofiler.core.device import device_names, load_device
from edgeprofiler.core.device.facts import fitted_rows
from edgeprofiler.reading.zoo import names

DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "_ext"))
SCHEMAS = sorted(
    {
        schema
        for path in Path(edgeprofiler.__file__).parent.rglob("*.py")
        for schema in re.findall(r'"(edgeprofiler\.[a-z-]+/\d+)"', path.read_text("utf-8"))
    }
)


def options() -> list[tuple[str, str]]:
    """Every option of every command; none is hidden from a user."""

    def walk(command: object, words: str) -> list[tuple[str, str]]:
        found = [
            (words, name)
            for parameter in command.params  # type: ignore[attr-defined]
            for name in parameter.opts
            if name.startswith("-")
        ]
        for name, below in getattr(command, "commands", {}).items():
            found += walk(below, f"{words} {name}")
        return found

    return walk(typer.main.get_command(build_app()), "edgeprofiler")


def test_every_option_stands_under_its_command() -> None:
    from commands import page

    parts = re.split(r"^## ", page(), flags=re.MULTILINE)
    told = {part.partition("\n")[0]: part for part in parts}
    assert len(options()) > 150
    for words, name in options():
        row = rf"^\| `(?:[^`]*, )?{re.escape(name)}\b[^`]*` \| \S"
        assert re.search(row, told[words], re.MULTILINE), f"{words} {name} has no meaning"


def test_every_exit_code_has_its_meaning() -> None:
    table = (DOCS / "contract.md").read_text().partition("## Exit codes")[2].partition("##")[0]
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    codes |= {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.EdgeProfilerError)
    }
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert documented == codes


@pytest.mark.parametrize("name", [n for n in edgeprofiler.__all__ if not n.startswith("__")])
def test_every_public_name_is_in_the_reference(name: str) -> None:
    module = getattr(edgeprofiler, name).__module__
    listed = re.findall(
        r"auto(?:module|class):: (\S+)(?:\n   :members: ?([^\n]*))?", (DOCS / "api.md").read_text()
    )
    for target, members in listed:
        inside = module == target or module.startswith(f"{target}.")
        if inside and (not members or name in members.split(", ")):
            return
        if target.endswith(f".{name}"):
            return
    pytest.fail(f"docs/api.md does not show {name} of {module}")


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_schema_is_described(schema: str) -> None:
    assert any(f"`{schema}`" in page.read_text("utf-8") for page in PAGES)


def test_every_page_is_within_reach() -> None:
    """From the front page, by one click: each page is in a table of contents."""
    listed = set(re.findall(r"^([a-z0-9/-]+)$", (DOCS / "index.md").read_text(), re.MULTILINE))
    listed |= {
        f"decisions/{name}"
        for name in re.findall(
            r"^([a-z0-9-]+)$", (DOCS / "decisions" / "index.md").read_text(), re.MULTILINE
        )
    }
    pages = {
        str(path.relative_to(DOCS).with_suffix(""))
        for path in DOCS.rglob("*.md")
        if "_build" not in path.parts
    }
    assert pages - listed - {"index", "commands"} == set()


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text("utf-8"))
        if target != "commands.md" and not (page.parent / target).exists()
    ]
    assert not broken


NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
           "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen")  # fmt: skip
"""As prose writes them."""


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md"])
def test_counts_in_prose_are_those_of_what_is_shipped(page: str) -> None:
    text = " ".join((ROOT / page).read_text("utf-8").split())
    shipped = [load_device(name) for name in device_names() if name != "generic"]
    fitted = [board for board in shipped if fitted_rows(board)]
    networks = re.findall(r"\[?(\d+) networks\]?", text)
    jetsons = re.findall(r"(\w+) Jetsons in their power modes", text)
    measured = re.findall(r"(?:laboratories on|measurements of) (\w+) boards", text)
    assert networks == [str(len(names()))]
    assert [word.lower() for word in jetsons] == [NUMBERS[len(shipped)]]
    assert measured == [NUMBERS[len(fitted)]]
