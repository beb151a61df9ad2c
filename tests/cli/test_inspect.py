"""`edgeprofiler inspect`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from edgeprofiler.cli.commands import inspect
from edgeprofiler.core.errors import Unsupported, UsageError
from edgeprofiler.core.network import Source
from edgeprofiler.reading.engine import network_from_engine
from edgeprofiler.reading.read import read


@pytest.fixture
def app() -> typer.Typer:
    found = typer.Typer(pretty_exceptions_enable=False)
    found.command()(inspect.inspect)
    found.callback()(lambda: None)
    return found


def run(app: typer.Typer, *words: str) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["inspect", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_a_graph_is_shown_as_it_was_written(app: typer.Typer) -> None:
    shown, _ = run(app, "zoo:resnet18")
    assert "layer1.0.bn1" in shown
    assert "BatchNormalization" in shown
    assert "69 nodes, 11,689,512 parameters; input: input 1x3x224x224" in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_lowered_layers_fit_eighty_columns_and_are_summed(app: typer.Typer) -> None:
    shown, _ = run(app, "zoo:resnet18", "--lowered")
    text = " ".join(shown.split())
    assert "25 layers (20 convolutional, 2 pooling, 1 dense, 2 other), 1.81 GMACs" in text
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_batch_shape_and_precision_change_the_layers(app: typer.Typer) -> None:
    words = ("--batch", "4", "--shape", "4x3x96x96", "--precision", "int8", "--lowered")
    shown, said = run(app, "zoo:resnet18", *words)
    assert "batch 4, int8" in " ".join(shown.split())
    assert "calibrated" in said


def test_json_alone_on_standard_output_reads_back_as_the_same_layers(app: typer.Typer) -> None:
    shown, said = run(app, "zoo:mobilenet_v2", "--json", "-")
    network = network_from_engine(json.loads(shown), Source("x", "tensorrt"))
    assert network.layers == read("zoo:mobilenet_v2").layers
    assert "features.0.0" in said


def test_a_built_engine_is_shown_but_not_changed(app: typer.Typer, tmp_path: Path) -> None:
    path = tmp_path / "engine.json"
    run(app, "zoo:lenet", "--json", str(path))
    shown, _ = run(app, str(path))
    assert "10 layers" in shown
    with pytest.raises(Unsupported, match="fixed"):
        run(app, str(path), "--precision", "fp32")


def test_what_has_no_known_cost_is_named(app: typer.Typer, tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    node = {"op": "Mystery", "inputs": [0], "input_shapes": [[1, 8]],
            "outputs": [1], "output_shapes": [[1, 8]]}  # fmt: skip
    path.write_text(json.dumps({"network": "odd", "nodes": [node]}))
    _, said = run(app, str(path), "--lowered")
    assert "no cost is known of 1 layers: Mystery_0" in said


def test_wrong_words_are_usage_errors(app: typer.Typer) -> None:
    with pytest.raises(UsageError, match="fp4"):
        run(app, "zoo:lenet", "--precision", "fp4")
    with pytest.raises(UsageError, match="no shape"):
        run(app, "zoo:lenet", "--shape", "wide")
