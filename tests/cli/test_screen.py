"""The terminal: tables fit it, and nothing that a file says acts on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeprofiler.cli.common import note
from edgeprofiler.cli.screen import Screen
from edgeprofiler.core.table import Column, Table, row, tabulate

ACTING = "conv\x1b[2J\x1b]0;title\x07\u202e\u2066\r\nend"


def _columns(rank: int) -> tuple[Column, ...]:
    return (
        Column("layer", kind="name"),
        *(Column(f"number {i}", "mJ", "number", rank=rank) for i in range(8)),
    )


def test_a_name_is_folded_where_there_is_no_room(capsys: pytest.CaptureFixture[str]) -> None:
    name = "backbone.stage4." + "block." * 8 + "conv"
    Screen().show(Table("", _columns(0), (row(name, *[0.0123] * 8),)))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "".join(line[:22].strip() for line in lines if "layer" not in line).endswith("conv")


def test_columns_of_rank_are_left_out_first(capsys: pytest.CaptureFixture[str]) -> None:
    columns = (*_columns(0), *(Column(f"extra{i}", kind="number", rank=i + 1) for i in range(3)))
    Screen().show(Table("", columns, (row("conv", *[12345.0] * 11),)))
    out = capsys.readouterr().out
    assert "extra2" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_table_without_rows_says_its_notes(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().show(tabulate("Title", (), [(Column("a"), str)], ("nothing ran",)))
    assert capsys.readouterr().out == "nothing ran\n"


def test_markup_of_the_library_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().say("[bold]{ForeignNode[/a...b]}[/bold] :smile:")
    assert capsys.readouterr().out == "[bold]{ForeignNode[/a...b]}[/bold] :smile:\n"


def test_what_acts_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().show(Table(ACTING, (Column(ACTING, kind="name"),), (row(ACTING),), (ACTING,)))
    note(ACTING)
    Screen(to_stderr=True).say(ACTING)
    said = capsys.readouterr()
    text = said.out + said.err
    assert "\\x1b[2J" in text
    assert all(c.isprintable() or c == "\n" for c in text)


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "{}"),
        ("predict", "{}", "--quiet"),
        ("inspect", "{}"),
        ("inspect", "{}", "--lowered"),
        ("compare", "{}", "zoo:lenet"),
        ("compare", "zoo:lenet", "{}"),
        ("advise", "{}", "--rows", "3"),
        ("sweep", "{}"),
        ("impact", "{}"),
        ("report", "{}", "--md", "-"),
        ("check", "{}", "--budget", "budget.toml"),
        ("predict", "{}", "--front-end", ACTING),
    ],
)
def test_no_command_sends_what_a_model_is_called(
    cli, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("budget.toml").write_text("[limits]\nenergy_mj = 0.0001\n")
    node = {"op": "Conv", "name": ACTING, "inputs": [0], "input_shapes": [[1, 3, 8, 8]],
            "outputs": [1], "output_shapes": [[1, 4, 8, 8]],
            "kernel": [3, 3], "padding": [1, 1, 1, 1]}  # fmt: skip
    odd = {**node, "op": f"Odd{ACTING}", "inputs": [1], "outputs": [2],
           "input_shapes": [[1, 4, 8, 8]]}  # fmt: skip
    Path("model.json").write_text(json.dumps({"network": ACTING, "nodes": [node, odd]}))
    ran = cli(*(word.format("model.json") for word in words))
    text = ran.out + ran.err
    assert text.strip()
    assert all(c.isprintable() or c == "\n" for c in text), text
