"""A sweep in parts has the rows of a sweep at once, whoever works and whatever was cut short."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from learning_data import BOARD, dataset

from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import (
    CannotWrite,
    InsufficientData,
    InvalidInput,
    Unsupported,
    UsageError,
)
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.leftovers import SUFFIX
from edgeprofiler.core.network import Network
from edgeprofiler.core.parallel import Workers
from edgeprofiler.core.profile import Profile
from edgeprofiler.decision.sweep import Sweep, batches, part, plan, sweep
from edgeprofiler.decision.sweep.front import Kept, front_of
from edgeprofiler.decision.sweep.plan import SweepPlan
from edgeprofiler.decision.sweep.rows import Label, SweepRows
from edgeprofiler.decision.sweep.tables import sweep_table
from edgeprofiler.decision.sweep.variants import Variant, candidates
from edgeprofiler.prediction.predict import predict
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.reading.zoo import zoo_graph

ASKED = {"device": ["jetson-nano", "jetson-orin-nano"], "batch": "1:10", "precision": "fp16,int8"}
"""Forty combinations."""


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "PART_ROWS", 7)
    monkeypatch.setattr(plan, "PART_CANDIDATES", 2)


def same(one: Sweep, other: Sweep) -> None:
    """Every column is the same, to the bit."""
    assert one.columns() == other.columns()
    assert one.count == other.count


@given(
    each=st.integers(1, 12), count=st.integers(0, 20), rows=st.integers(1, 30),
    some=st.integers(1, 5),
)  # fmt: skip
def test_parts_hold_every_row_once_and_the_candidates_of_them(
    each: int, count: int, rows: int, some: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(plan, "PART_ROWS", rows)
        patched.setattr(plan, "PART_CANDIDATES", some)
        made = SweepPlan(None, None, {}, (None,), (None,), (None,), (None,) * each)  # type: ignore[arg-type]
        parts = list(made.parts(candidates([{"n": i} for i in range(count)])))
    assert [i for one in parts for i in range(one.start, one.stop)] == list(range(each * count))
    for one in parts:
        places = [candidate.place for candidate in one.candidates]
        assert places == list(range(one.start // each, (one.stop - 1) // each + 1))


@pytest.mark.usefixtures("small_parts")
def test_parts_change_no_row(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    found = sweep("zoo:lenet", **ASKED)
    streamed = sweep("zoo:lenet", output=tmp_path / "all", best=5, **ASKED)
    assert len(found) == found.count == streamed.count == 40
    table = pq.read_table(tmp_path / "all").sort_by("index")
    assert table.column("index").to_pylist() == list(range(40))
    for name, values in found.columns().items():
        if name != "pareto":
            assert table.column(name).to_pylist() == values
    kept = np.isin(found.index, streamed.index)
    assert kept[found.pareto].all()
    assert kept[np.argsort(found.energy_per_image_j, kind="stable")[:5]].all()
    assert streamed.pareto.tolist() == found.pareto[kept].tolist()


@pytest.mark.usefixtures("small_parts")
def test_a_sweep_that_was_cut_goes_on_from_its_parts(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    whole = sweep("zoo:lenet", best=5, **ASKED)
    told: list[float] = []

    def stop(stage: str, done: float, total: float | None) -> None:
        told.append(done)
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep("zoo:lenet", output=tmp_path, best=5, workers=Workers(progress=stop), **ASKED)
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.parquet")}
    assert len(finished) == 2
    damaged = next(iter(finished))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    same(sweep("zoo:lenet", output=tmp_path, best=5, **ASKED), whole)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.parquet")}
    assert len(kept) == 6
    assert {p: t for p, t in finished.items() if p != damaged}.items() <= kept.items()
    assert told == [1, 2, 3]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    sweep("zoo:lenet", output=tmp_path / "one", batch="1,2")
    with pytest.raises(InvalidInput, match="holds a sweep of other question, batches"):
        sweep("zoo:lenet", output=tmp_path / "one", batch="2,4")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(CannotWrite, match="holds no sweep"):
        sweep("zoo:lenet", output=tmp_path / "mine")


def test_a_sweep_goes_on_where_it_was_killed_before_it_had_said_what_it_is(
    tmp_path: Path,
) -> None:
    """Nothing lies there then but the temporary file that it wrote."""
    pytest.importorskip("pyarrow")
    (tmp_path / f"._sweep.json.1{SUFFIX}").write_text('{"sche')
    assert len(sweep("zoo:lenet", output=tmp_path, batch="1,2")) == 2


def test_a_sweep_by_a_trained_predictor_goes_on_by_the_same_one_alone(tmp_path: Path) -> None:
    """It is told from others by its models, wherever and in whichever process it was loaded."""
    for needed in ("pyarrow", "sklearn"):
        pytest.importorskip(needed)
    from edgeprofiler.learning.stores.folder import FolderStore
    from edgeprofiler.learning.training.fitting import train
    from edgeprofiler.learning.training.options import TrainingOptions

    def trained(trees: int) -> None:
        options = TrainingOptions(options={"trees": trees}, folds=2)
        FolderStore().put(train(dataset(), load_device(BOARD), options), str(tmp_path / "p"))

    trained(3)
    asked = {"predictor": tmp_path / "p", "output": tmp_path / "one", "batch": "1,2"}
    first = sweep("zoo:lenet", **asked)
    same(sweep("zoo:lenet", **asked), first)
    trained(4)
    with pytest.raises(InvalidInput, match="holds a sweep of other answered_by"):
        sweep("zoo:lenet", **asked)


def test_a_sweep_of_a_model_whose_sizes_lie_in_another_file_is_told_by_them(
    tmp_path: Path,
) -> None:
    """The model's own file is the same when the shapes in the one beside it are others."""
    pytest.importorskip("pyarrow")
    onnx = pytest.importorskip("onnx")
    path, asked = tmp_path / "m.onnx", {"output": tmp_path / "one", "batch": "1"}
    for target in ([1, 8, 64], [1, 64, 8]):
        x, y = (
            onnx.helper.make_tensor_value_info(n, 1, s) for n, s in (("x", [1, 512]), ("y", None))
        )
        shape = onnx.numpy_helper.from_array(np.array(target), "shape")
        nodes = [
            onnx.helper.make_node("Reshape", ["x", "shape"], ["r"]),
            onnx.helper.make_node("Softmax", ["r"], ["y"], axis=-1),
        ]
        graph = onnx.helper.make_graph(nodes, "g", [x], [y], [shape])
        (tmp_path / "m.bin").unlink(missing_ok=True)
        onnx.save_model(
            onnx.helper.make_model(graph), path, save_as_external_data=True, location="m.bin",
            size_threshold=0,
        )  # fmt: skip
        if target == [1, 8, 64]:
            sweep(path, **asked)
            before = path.read_bytes()
    assert path.read_bytes() == before
    with pytest.raises(InvalidInput, match="holds a sweep of other graphs"):
        sweep(path, **asked)


@pytest.mark.usefixtures("small_parts")
def test_two_processes_give_the_front_of_one_to_the_bit() -> None:
    one = sweep("zoo:squeezenet1_1", best=3, **ASKED)
    same(sweep("zoo:squeezenet1_1", best=3, workers=Workers(jobs=2), **ASKED), one)


def halves(scale: int) -> Graph:
    return zoo_graph("lenet", resolution=32 * scale)


@pytest.mark.usefixtures("small_parts")
def test_variants_are_predicted_as_the_networks_that_they_name(tmp_path: Path) -> None:
    lines = [
        {"width": 0.5},
        {"depths": [1, 1, 1, 1], "width": 0.75, "name": "short"},
        {"model": "zoo:mobilenet_v2", "width": 1.5},
        {"model": "zoo:lenet"},
    ]
    file = tmp_path / "variants.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    found = sweep("zoo:resnet18", variants=file, batch="1,3", workers=Workers(jobs=2))
    names = ("resnet18?width=0.5", "short", "mobilenet_v2?width=1.5", "lenet")
    assert found.network == tuple(name for name in names for _ in range(2))
    assert found.title == "variants of resnet18"
    models = (
        "zoo:resnet18?width=0.5", "zoo:resnet18?depths=1,1,1,1&width=0.75",
        "zoo:mobilenet_v2?width=1.5", "zoo:lenet",
    )  # fmt: skip
    for i, model in enumerate(model for model in models for _ in range(2)):
        totals = predict(model, batch=int(found.batch[i])).totals
        assert found.energy_j[i] == pytest.approx(totals.energy_j.value, rel=1e-9)


def test_variants_come_from_a_function_too() -> None:
    def settings() -> Iterator[dict[str, int]]:
        yield from ({"scale": scale} for scale in (1, 2, 3))

    found = sweep(halves, variants=settings())
    assert found.network == ("halves?scale=1", "halves?scale=2", "halves?scale=3")
    assert found.resolution == ("32x32", "64x64", "96x96")
    told = sweep(halves, variants=[{"scale": 1}, {"size": 2}])
    assert told.network == ("halves?scale=1",)
    assert "candidate 1" in told.failures[0]
    assert "size" in told.failures[0]


def test_a_variant_that_cannot_be_built_is_told_and_the_others_are_predicted() -> None:
    settings = [{"width": 0.5}, {"wide": 3}, {"width": 1.0}, {"depths": [0, 1, 1, 1]}]
    found = sweep("zoo:resnet18", variants=settings)
    assert found.network == ("resnet18?width=0.5", "resnet18?width=1.0")
    assert [line.split(": ")[0] for line in found.failures] == [
        "resnet18?wide=3", "resnet18?depths=0,1,1,1",
    ]  # fmt: skip
    with pytest.raises(InsufficientData, match=r"nothing can be predicted; lenet\?width=2"):
        sweep("zoo:lenet", variants=[{"width": 2}])


def test_a_line_that_is_no_object_is_named(tmp_path: Path) -> None:
    file = tmp_path / "variants.jsonl"
    file.write_text('{"width": 0.5}\n[1]\n')
    with pytest.raises(InvalidInput, match=r"variants\.jsonl line 2"):
        sweep("zoo:resnet18", variants=file)


def test_rows_without_end_are_kept_only_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeprofiler.core.limits.SWEEP_POINTS", 3)
    widths = [{"width": 0.5 + n / 8} for n in range(4)]
    with pytest.raises(UsageError, match="give `output`, a folder for all rows, or `best`"):
        sweep("zoo:mobilenet_v2", variants=iter(widths))
    found = sweep("zoo:mobilenet_v2", variants=iter(widths), best=1)
    assert (found.count, len(found)) == (4, 1)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=60),
       st.integers(1, 9), st.integers(0, 4))  # fmt: skip
def test_a_front_kept_online_is_the_front_of_all(
    points: list[tuple[int, int]], cut: int, best: int
) -> None:
    energy, latency = (np.array(axis, dtype=np.float64) for axis in zip(*points, strict=True))
    rows = SweepRows(
        {"network": Label.same("one", len(points))},
        {
            "index": np.arange(len(points)), "energy_per_image_j": energy,
            "end_to_end_s": latency,
        },
    )  # fmt: skip
    kept = Kept(best)
    for start in reversed(range(0, len(points), cut)):
        kept.add(rows.take(np.arange(start, min(start + cut, len(points)))))
    found, front = kept.rows()
    assert kept.count == len(points)
    assert found.numbers["index"][front].tolist() == np.flatnonzero(front_of(rows)).tolist()
    cheapest = np.sort(energy)[:best]
    assert np.sort(found.numbers["energy_per_image_j"])[: len(cheapest)].tolist() == (
        cheapest.tolist()
    )


def test_a_candidate_is_known_by_its_settings() -> None:
    one = Variant(0, {"width": 0.5, "depths": (1, 2)})
    assert one.digest == Variant(7, {"depths": (1, 2), "width": 0.5}).digest
    assert one.digest != Variant(0, {"width": 0.25, "depths": (1, 2)}).digest


def test_a_candidate_of_a_very_long_line_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "variants.jsonl"
    file.write_text('{"width": 0.5}\n{"width":       0.75}\n')
    monkeypatch.setattr("edgeprofiler.core.limits.CSV_LINE", 16)
    with pytest.raises(InvalidInput, match="line 2 is longer than 16 characters"):
        sweep("zoo:resnet18", variants=file)


@pytest.mark.usefixtures("small_parts")
def test_a_combination_that_cannot_be_is_left_out_alone(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    asked = {"resolution": ["32", "299"], "batch": "1,2", "device": ["jetson-nano", "jetson-tx2"]}
    found = sweep("zoo:inception_v3", **asked, output=tmp_path / "rows", best=9)
    assert (found.count, found.refused) == (4, 4)
    assert set(found.resolution) == {"299x299"}
    assert found.index.tolist() == [4, 5, 6, 7]
    assert found.failures[0].startswith(
        "inception_v3 (4 of 8 combinations, first 32 px, fp16, jetson-nano@maxn): "
    )
    assert "4 combinations cannot be predicted" in sweep_table(found, 9, 0.9).to_markdown()
    again = sweep("zoo:inception_v3", **asked, output=tmp_path / "rows", best=9)
    assert (again.refused, again.failures) == (4, found.failures)
    assert Sweep.from_document(found.document()).refused == 4


def test_what_is_left_out_is_counted_over_all_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "PART_ROWS", 2)
    found = sweep("zoo:inception_v3", resolution="32,299", batch="1,2,4,8")
    assert (found.count, found.refused) == (4, 4)
    (line,) = found.failures
    assert line.startswith("inception_v3 (4 of 8 combinations, first 32 px, fp16, ")


def test_a_model_that_was_refused_at_a_resolution_is_not_read_there_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Workers may lack its file, and would give that as the reason."""
    monkeypatch.setattr(part, "read_model", lambda *_, **__: pytest.fail("read again"))
    found = sweep("zoo:inception_v3", resolution="32,299")
    assert (found.resolution, found.refused) == (("299x299",), 1)
    assert "cannot run on 1x3x32x32" in found.failures[0]


def test_a_model_that_can_run_nowhere_ends_a_sweep() -> None:
    with pytest.raises(InvalidInput, match="cannot run on 1x3x32x32"):
        sweep("zoo:inception_v3", resolution="32")


@dataclass(frozen=True)
class Picky(RooflinePredictor):
    """Answers for batches up to a most alone, as a predictor of somebody's may."""

    def predict_many(self, networks: Sequence[Network]) -> Sequence[Profile]:
        if any(network.batch > 2 for network in networks):
            raise Unsupported("no batch beyond 2")
        return super().predict_many(networks)


def test_what_a_predictor_refuses_is_left_out_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "by_columns", lambda *_: False)
    monkeypatch.setattr(part, "by_columns", lambda *_: False)
    found = sweep("zoo:lenet", predictor=Picky(load_device("jetson-nano"), 0.9), batch="1,2,4")
    assert found.batch.tolist() == [1, 2]
    assert found.refused == 1
    assert "batch 4" in sweep("zoo:lenet", batch="1,4", predictor=Picky(
        load_device("jetson-nano"), 0.9)).failures[0]  # fmt: skip
