"""`edgeprofiler contribute`: its options, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROWS = "device,mode,network,model,precision,runtime_ms\n{},{},a,zoo:alexnet,fp16,2.5\n"


def test_a_table_is_given_away(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS.format("jetson-orin-nano", "15w"))
    given = tmp_path / "given.json"
    done = cli("contribute", tmp_path / "rows.csv", "--licence", "CC-BY-4.0", "-o", given)
    assert done.code == 0
    document = json.loads(given.read_text())
    assert document["licence"] == "CC-BY-4.0"
    assert "jetson-orin-nano@15w" in done.out


def test_a_board_is_said_where_the_source_does_not(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS.format("", ""))
    given = tmp_path / "given.json"
    words = ("contribute", tmp_path / "rows.csv", "--licence", "CC0-1.0", "-o", given)
    asked = cli(*words)
    assert asked.code == 3
    assert "--device" in asked.err
    assert not given.exists()
    assert cli(*words, "--device", "jetson-nano").code == 0
    assert json.loads(given.read_text())["measurements"][0]["board"] == "jetson-nano"


def test_a_licence_must_be_said(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS.format("jetson-nano", ""))
    assert cli("contribute", tmp_path / "rows.csv").code == 2
    wrong = cli("contribute", tmp_path / "rows.csv", "--licence", "MIT")
    assert wrong.code == 2
    assert "CC0-1.0" in wrong.err
