"""A sweep predicts what a fresh prediction of each combination would."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core import limits
from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import Unsupported, UsageError
from edgeprofiler.decision.sweep import pareto_front, sweep
from edgeprofiler.decision.sweep.batches import scaled_to_batch
from edgeprofiler.prediction.predict import predict
from edgeprofiler.reading.read import input_shapes, read

NANO = load_device("jetson-orin-nano")


@pytest.mark.parametrize("name", ["mobilenet_v2", "densenet121", "squeezenet1_0", "googlenet"])
@pytest.mark.parametrize("batch", [2, 7])
def test_scaling_columns_is_lowering_with_that_batch(name: str, batch: int) -> None:
    base, fresh = read(f"zoo:{name}").columns, read(f"zoo:{name}", batch=batch).columns
    scaled = scaled_to_batch(base, batch)
    for field in ("macs", "flops", "weight_bytes", "bytes_moved", "spatial", "input_bytes"):
        np.testing.assert_allclose(getattr(scaled, field), getattr(fresh, field), rtol=1e-12)


def test_every_combination_is_what_predict_says_of_it() -> None:
    result = sweep(
        "zoo:mobilenet_v2", device=[NANO, "jetson-nano@5w"], batch=[1, 4],
        resolution=[160, 256], precision="fp16,int8",
    )  # fmt: skip
    assert len(result) == 16
    for i in range(len(result)):
        size = int(result.resolution[i].split("x")[0])
        profile = predict(
            "zoo:mobilenet_v2",
            result.device[i],
            precision=result.precision[i],
            batch=int(result.batch[i]),
            shapes=input_shapes("zoo:mobilenet_v2", size),
        )
        totals = profile.totals
        assert result.end_to_end_s[i] == pytest.approx(totals.end_to_end_s.value, rel=1e-9)
        assert result.energy_j[i] == pytest.approx(totals.energy_j.value, rel=1e-9)
        assert result.energy_per_image_j[i] == pytest.approx(result.energy_j[i] / result.batch[i])
        for name in ("end_to_end_s", "energy_j"):
            estimate = getattr(totals, name)
            assert getattr(result, f"{name}_low")[i] == pytest.approx(estimate.low, rel=1e-9)
            assert getattr(result, f"{name}_high")[i] == pytest.approx(estimate.high, rel=1e-9)


def test_a_row_keeps_the_type_that_is_faster_at_its_batch() -> None:
    """LeNet in FP16 on Thor: conversions cost more than it saves for one image, not for sixteen."""
    result = sweep("zoo:lenet", device="jetson-agx-thor", batch=[1, 16], precision="fp16,int8")
    for i in range(len(result)):
        batch, asked = int(result.batch[i]), result.precision[i]
        profile = predict("zoo:lenet", result.device[i], precision=asked, batch=batch)
        assert profile.network.precision == ("fp32" if batch == 1 else asked)
        assert result.end_to_end_s[i] == pytest.approx(profile.totals.end_to_end_s.value, rel=1e-9)
    assert any("the engine keeps FP32" in text for text in result.warnings)


def test_clocks_are_swept_on_every_device() -> None:
    """Several axes, in every combination; each row is what `predict` says of its device."""
    result = sweep(
        "zoo:mobilenet_v2", device=["jetson-agx-orin@30w", "jetson-orin-nx"], batch=[1, 4],
        clocks="gpu=408:612:102MHz,emc=2133/3199MHz",
    )  # fmt: skip
    assert len(result) == 2 * 2 * 3 * 2
    assert (result.swept, set(result.boards)) == (
        ("gpu", "emc"),
        {"jetson-agx-orin@30w", "jetson-orin-nx@maxn"},
    )
    for i in range(len(result)):
        profile = predict("zoo:mobilenet_v2", result.device[i], batch=int(result.batch[i]))
        assert profile.device.clocks == result.clocks[i]
        value = profile.totals.end_to_end_s.value
        assert result.end_to_end_s[i] == pytest.approx(value, rel=1e-9)
    assert result.pareto.any()


def test_clocks_stand_in_columns_of_their_own() -> None:
    result = sweep("zoo:lenet", device="jetson-nano@5w", clocks="gpu=307.2/460.8MHz")
    rows = list(csv.DictReader(io.StringIO(result.to_csv())))
    assert [float(row["gpu_hz"]) for row in rows] == [307.2e6, 460.8e6]
    assert {(row["emc_hz"], row["cpu_hz"], row["cpu_cores"], row["sms"]) for row in rows} == {
        ("1600000000.0", "918000000.0", "2", "1")
    }
    assert json.loads(json.dumps(result.document()))["gpu_hz"] == [307.2e6, 460.8e6]


def test_without_clocks_of_its_own_a_sweep_is_of_the_modes() -> None:
    result = sweep("zoo:lenet", device=["jetson-nano@5w", "jetson-nano@maxn"])
    assert result.device == result.boards
    assert result.swept == ()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"clocks": "gpu=306:9000:100MHz"}, "cannot be set to gpu=1106MHz"),
        ({"clocks": "gpu=1:900MHz"}, "is no number or range"),
        ({"clocks": ""}, "sets nothing"),
        ({"clocks": "gpu=306:1020:1MHz", "batch": "1:300:1"}, "214,500 combinations"),
    ],
)
def test_a_sweep_of_clocks_that_cannot_be_is_refused(asked: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        sweep("zoo:lenet", **asked)


def test_the_order_of_an_axis_changes_no_interval() -> None:
    """A batch that nobody measured is known less well, wherever it stands in the list."""
    up, down = (sweep("zoo:resnet18", device=NANO, batch=batches) for batches in ((1, 8), (8, 1)))
    np.testing.assert_array_equal(up.end_to_end_s_high, down.end_to_end_s_high[::-1])
    width = np.log(up.end_to_end_s_high / up.end_to_end_s_low)
    assert width[1] > width[0]


def test_a_built_engine_cannot_change_its_resolution(shared: Path) -> None:
    engine = shared / "inputs/engine_info/orin-nano_resnet18_fp16_torch-trt.json"
    with pytest.raises(Unsupported, match="resolution of a built engine is fixed"):
        sweep(str(engine), resolution=160)


def test_an_empty_and_a_huge_sweep_are_refused() -> None:
    with pytest.raises(UsageError, match="`batch` names none"):
        sweep("zoo:lenet", batch=())
    with pytest.raises(UsageError, match="5,000,000 combinations"):
        sweep("zoo:lenet", batch=range(1, 50_001), resolution=range(1, 101))


_points = st.lists(
    st.tuples(st.integers(0, 6).map(float), st.integers(0, 6).map(float)), max_size=30
)


@given(_points)
def test_the_front_is_what_nothing_else_beats(points: list[tuple[float, float]]) -> None:
    a = np.array([p[0] for p in points])
    b = np.array([p[1] for p in points])
    front = pareto_front(a, b)
    for i, (x, y) in enumerate(points):
        beaten = any(u <= x and v <= y and (u, v) != (x, y) for u, v in points)
        assert front[i] == (not beaten)


def test_nan_is_never_in_front() -> None:
    assert pareto_front(np.array([np.nan, 1.0]), np.array([0.0, 1.0])).tolist() == [False, True]


def test_rows_can_be_written_and_read_back(tmp_path: Path) -> None:
    result = sweep("zoo:lenet", batch=(1, 2))
    rows = list(csv.DictReader(io.StringIO(result.to_csv())))
    assert [float(row["energy_j"]) for row in rows] == result.energy_j.tolist()
    document = json.loads(json.dumps(result.document()))
    assert document["energy_j"] == result.energy_j.tolist()
    parquet = pytest.importorskip("pyarrow.parquet")
    result.write_parquet(tmp_path / "sweep.parquet")
    table = parquet.read_table(tmp_path / "sweep.parquet")
    assert table.column("energy_j").to_pylist() == result.energy_j.tolist()
    assert len(table) <= limits.SWEEP_POINTS


def test_a_picture_of_a_sweep(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from edgeprofiler.views.plots.figure import save_figure
    from edgeprofiler.views.plots.sweep import draw_sweep

    result = sweep("zoo:lenet", batch=(1, 2), precision=("fp16", "int8"))
    save_figure(draw_sweep(result), tmp_path / "sweep.png")
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="ends in"):
        save_figure(draw_sweep(result), tmp_path / "sweep.txt")


def test_a_picture_of_a_sweep_shows_its_limits() -> None:
    pytest.importorskip("matplotlib")
    from edgeprofiler.views.plots.sweep import draw_sweep

    condition = "fps>=30 and power_w<=20 and latency_ms<50 and energy_per_image_mj<90"
    (axes,) = draw_sweep(sweep("zoo:lenet", batch=(1, 2), where=condition)).axes
    labels = {line.get_label() for line in axes.lines}
    assert {
        "latency_ms 50",
        "energy_per_image_mj 90",
        "fps 30, batch 2",
        "power_w 20, batch 1",
    } <= (labels)
    draw_sweep(sweep("zoo:lenet", where="fps<0"))  # with no row there is nothing to draw
