"""The rows behind the figures: what is published, and what users gave."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from paths import SCRIPTS

import edgeprofiler

TABLE = "device,mode,software,network,model,precision,runtime_ms\n" + "".join(
    f'jetson-orin-nano,15w,"JetPack 6.0, TensorRT 10.3",{n},zoo:{n},fp16,{ms}\n'
    for n, ms in (("resnet18", 2.6), ("alexnet", 3.1))
)


def test_a_contribution_becomes_rows_of_a_laboratory_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(TABLE)
    given = edgeprofiler.contribute(tmp_path / "rows.csv", licence="CC0-1.0")
    given.save(tmp_path / "somebody.json")
    simulated = replace(given, measurements=(replace(given.measurements[0], simulated=True),))
    simulated.save(tmp_path / "simulated.json")
    rows = runpy.run_path(str(SCRIPTS / "published.py"))["contributed_rows"](tmp_path)
    assert [row.lab for row in rows] == ["somebody"] * 2
    assert [row.runtime_s for row in rows] == pytest.approx([2.6e-3, 3.1e-3])
    assert all(row.layers is not None and row.tensorrt == "10.3" for row in rows)
