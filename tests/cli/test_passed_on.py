"""Tables and timelines that leave the command line for a paper or a trace viewer."""

from __future__ import annotations

import json
from pathlib import Path


def test_predict_writes_a_trace_and_a_table_for_a_paper(cli, tmp_path: Path) -> None:
    trace, table = tmp_path / "trace.json", tmp_path / "table.tex"
    ran = cli("predict", "zoo:lenet", "--trace", trace, "--latex", table)
    assert ran.code == 0, ran.err
    assert {e["ph"] for e in json.loads(trace.read_text())["traceEvents"]} == {"X", "C", "M"}
    assert table.read_text().count(r"\toprule") == 2  # layers and totals


def test_several_networks_are_one_table_and_no_trace(cli, tmp_path: Path) -> None:
    ran = cli("predict", "zoo:lenet", "zoo:alexnet", "-q", "--latex", "-")
    assert ran.code == 0, ran.err
    assert ran.out.count(r"\toprule") == 1
    assert r"\texttt{alexnet}" in ran.out
    assert cli("predict", "zoo:lenet", "zoo:alexnet", "--trace", tmp_path / "t.json").code == 2


def test_compare_writes_its_tables_for_a_paper(cli) -> None:
    ran = cli("compare", "zoo:lenet", "zoo:alexnet", "--latex", "-")
    assert ran.code == 0, ran.err
    assert r"\caption{B against A}" in ran.out


def test_other_endings_are_refused(cli, tmp_path: Path) -> None:
    assert cli("predict", "zoo:lenet", "--latex", tmp_path / "t.md").code == 2
    assert cli("predict", "zoo:lenet", "--trace", tmp_path / "t.html").code == 2
