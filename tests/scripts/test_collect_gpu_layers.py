"""The campaign that measures isolated layers on a GPU, without one."""

from __future__ import annotations

import csv
import importlib.util
import json
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from paths import ROOT
from waiting import until


def script(name: str) -> ModuleType:
    sys.path.insert(0, str(ROOT))
    try:
        spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(ROOT))
    return module


@pytest.fixture(scope="module")
def gpu() -> ModuleType:
    return script("collect_gpu_layers")


def test_the_design_is_thousands_of_distinct_layers_and_the_same_each_time(gpu):
    layers = gpu.design(4000, 0)
    names = [gpu.identity(layer) for layer in layers]
    assert len(set(names)) == 4000
    assert names[:50] == [gpu.identity(layer) for layer in gpu.design(4000, 0)][:50]
    assert names[:50] != [gpu.identity(layer) for layer in gpu.design(4000, 1)][:50]
    kinds = [layer.kind for layer in layers[:500]]
    assert {kinds.count(kind) > 40 for kind in ("convolutional", "pooling", "dense")} == {True}


def test_every_designed_layer_can_be_built(gpu):
    for layer in gpu.design(300, 3):
        graph = gpu.single_layer_graph(layer)
        assert graph.tensors[graph.outputs[0]].shape == layer.output_shapes[0]


def test_a_dry_run_plans_and_touches_nothing(gpu, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert gpu.main(["--dry-run", "--count", "200"]) == 0
    printed = capsys.readouterr().out
    assert "200 layers" in printed
    assert " h where NVML" in printed
    assert not list(tmp_path.iterdir())


def test_without_a_gpu_the_reason_is_said(gpu, capsys, tmp_path):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert gpu.main(["-o", str(tmp_path / "x.csv"), "--count", "2"]) == 4
    assert "no CUDA device" in capsys.readouterr().err


def small(path: Path, *more: str) -> list[str]:
    return ["-o", str(path), "--device", "cpu", "--count", "4", "--min-seconds", "0.01",
            "--networks", "lenet", *more]  # fmt: skip


def test_a_campaign_on_the_cpu_runs_for_real_and_goes_on_where_it_stopped(gpu, tmp_path):
    pytest.importorskip("torch")
    path = tmp_path / "layers.csv"
    assert gpu.main(small(path, "--limit-minutes", "0")) == 0
    assert len(path.read_text().splitlines()) == 1
    assert gpu.main(small(path)) == 0
    whole = path.read_text()
    rows = list(csv.DictReader(whole.splitlines()))
    assert len(rows) == 5
    assert [row["held_out"] for row in rows] == ["1", "0", "0", "0", "0"]
    assert all(float(row["runtime_s"]) > 0 for row in rows)
    assert {row["power_w"] for row in rows} == {""}, "no power is made up"
    assert {row["dtype"] for row in rows} == {"fp32"}
    path.write_text(whole[:-40])
    assert gpu.main(small(path)) == 0
    again = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["id"] for row in again] == [row["id"] for row in rows]
    assert again[:4] == rows[:4], "what was measured is not measured again"
    facts = json.loads(path.with_suffix(".provenance.json").read_text())
    assert facts["design"] == {"count": 4, "seed": 0}
    assert len(facts["scripts_sha256"]) == 2


def test_a_file_of_another_kind_is_not_overwritten(gpu, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("my,own\n1,2\n")
    with pytest.raises(SystemExit, match="other columns"):
        gpu.Table(path)
    assert path.read_text() == "my,own\n1,2\n"


class Counter:
    """A GPU's energy counter that is renewed every 5 ms and rises by 100 W."""

    kind = "energy"

    def read(self) -> tuple[float]:
        return (100.0 * np.floor(time.monotonic() / 5e-3) * 5e-3,)

    def settings(self) -> dict:
        return {"interface": "fake"}


def test_power_comes_from_the_counter_between_two_of_its_updates(gpu, monkeypatch):
    class Polled(Counter):
        """One whose time goes on by 2 ms at each reading."""

        now_s = 0.0

        def read(self) -> tuple[float]:
            self.now_s += 2e-3
            return (100.0 * np.floor(self.now_s / 5e-3) * 5e-3,)

    counter = Polled()
    monkeypatch.setattr(gpu, "time", SimpleNamespace(monotonic=lambda: counter.now_s))
    with gpu.PowerWatch(counter) as watch:
        until(lambda: watch.updates > 10)
    assert watch.mean_w() == pytest.approx(100.0, rel=0.2)


def test_power_values_count_as_long_as_they_stand(gpu):
    watch = gpu.PowerWatch(Counter())
    watch._sensor.kind = "power"
    watch._times, watch._values = [0.0, 1.0, 2.0, 5.0], [9.0, 10.0, 20.0, 1.0]
    assert watch.mean_w() == pytest.approx((10 * 1 + 20 * 3) / 4)
    watch._times, watch._values = [0.0], [9.0]
    assert np.isnan(watch.mean_w())


def test_a_layer_is_measured_until_there_are_seconds_and_updates(gpu):
    torch = pytest.importorskip("torch")
    bench = gpu.Bench(torch, "cpu", Counter(), min_seconds=0.02, min_updates=12)
    layer = next(item for item in gpu.design(50, 0) if (item.bytes_moved or 0) < 1e5)
    loop = bench.measure(gpu.single_layer_graph(layer), "fp32")
    assert loop.updates >= 12
    assert loop.seconds >= 0.02
    assert loop.p05_s <= loop.runtime_s <= loop.p95_s
    bench.rest(0.1)
    assert bench.idle_w == pytest.approx(100.0, rel=0.5)
    row = gpu.row_of(gpu.layer_facts(layer), loop, bench)
    assert set(row) == set(gpu.COLUMNS)
    assert float(row["energy_j"]) == pytest.approx(
        float(row["power_w"]) * float(row["runtime_s"]), rel=1e-4
    )


def test_state_stays_empty_without_nvml(gpu, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpu.gpu_state() == {}
