"""Lowered networks against the engines that TensorRT built of them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from paths import SCRIPTS

SCRIPT = SCRIPTS / "compare_lowering.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    specification = importlib.util.spec_from_file_location("compare_lowering", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["compare_lowering"] = module
    specification.loader.exec_module(module)
    return module


@pytest.mark.shared
@pytest.mark.slow
def test_compute_layers_agree_with_every_engine(script: ModuleType, shared: Path) -> None:
    rows = script.compare(shared, ("zoo", "onnx"))
    assert len(rows) == 30
    for row in rows:
        assert row.agreeing >= 0.98 * row.total, script.differences(row)
        assert not any("no reason known" in reason for reason in script.differences(row))


@pytest.mark.shared
def test_runtimes_agree_within_three_per_cent(script: ModuleType, shared: Path) -> None:
    rows = script.compare(shared, ("zoo",))
    for row, (built, lowered) in zip(rows, script.runtime_ratios(rows), strict=True):
        assert lowered == pytest.approx(built, rel=0.03), row.engine


@pytest.mark.shared
def test_fp32_and_int8_engines_agree_in_the_type_of_every_layer(
    script: ModuleType, shared: Path
) -> None:
    engines = ("a100_resnet18_fp32", "a100_resnet18_qat", "onnx-trt")
    rows = [r for r in script.compare(shared, ("zoo",)) if any(e in r.engine for e in engines)]
    assert len(rows) == 5
    for row in rows:
        assert row.agreeing_typed == row.total, row.engine


def test_the_block_of_a_page_is_replaced_and_nothing_else(script: ModuleType) -> None:
    page = f"a\n{script.BEGIN}\nold\n{script.END}\nb\n"
    changed = script.replaced(page, "new", Path("page.md"))
    assert changed == f"a\n{script.BEGIN}\nnew\n{script.END}\nb\n"
    with pytest.raises(SystemExit, match="no block"):
        script.replaced("a", "new", Path("page.md"))
