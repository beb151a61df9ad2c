"""Lowered networks against the engines that TensorRT built of them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "compare_lowering.py"


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
def test_fp16_runtimes_agree_within_three_per_cent(script: ModuleType, shared: Path) -> None:
    """but for one engine of Torch-TensorRT, whose generated kernels keep residual sums apart."""
    rows = [row for row in script.compare(shared, ("zoo",)) if row.lowered.precision == "fp16"]
    for row, (built, lowered) in zip(rows, script.runtime_ratios(rows), strict=True):
        bound = 0.10 if row.engine == "rtx3060m_mobilenet_v2_fp16_torch-trt" else 0.03
        assert lowered == pytest.approx(built, rel=bound), row.engine


def test_the_block_of_a_page_is_replaced_and_nothing_else(script: ModuleType) -> None:
    page = f"a\n{script.BEGIN}\nold\n{script.END}\nb\n"
    changed = script.replaced(page, "new", Path("page.md"))
    assert changed == f"a\n{script.BEGIN}\nnew\n{script.END}\nb\n"
    with pytest.raises(SystemExit, match="no block"):
        script.replaced("a", "new", Path("page.md"))
