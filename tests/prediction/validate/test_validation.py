"""Predicted beside measured: one number means one thing, and what cannot be compared is said."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx_models import model, node

from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.prediction.calibration.rows import Rows, Sample
from edgeprofiler.prediction.costmodel.parameters import parameters_of
from edgeprofiler.prediction.validate.networks import network_of
from edgeprofiler.prediction.validate.validation import validate

HEAD = "device,mode,software,network,model,batch,input,precision,runtime_ms,power_w\n"

Table = Callable[..., Path]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    def write(*rows: str, head: str = HEAD) -> Path:
        path = tmp_path / "measured.csv"
        path.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A model with an operator of its author's own, of which nobody knows the cost."""
    made = model(
        [node("Conv", "x w", "y"), node("Mystery", "y", "z", domain="mine")],
        {"x": [1, 3, 32, 32]}, ["z"], {"w": (8, 3, 3, 3)}, domains=["mine"],
        value_info={"z": [1, 8, 30, 30]},
    )  # fmt: skip
    (tmp_path / "own.onnx").write_bytes(made.SerializeToString())
    return "own.onnx"


def row(network: str, milliseconds: object = 2.0, watts: object = "", **other: str) -> str:
    said = {"device": "jetson-orin-nano", "software": "trtexec", "model": f"zoo:{network}", **other}
    return (
        f"{said['device']},,{said['software']},{network},{said['model']},1,,fp16,"
        f"{milliseconds},{watts}"
    )


@pytest.mark.parametrize("software", ["trtexec", "trtutils", "ultralytics"])
def test_a_time_is_compared_with_what_the_numbers_were_fitted_to(
    table: Table, software: str
) -> None:
    """Else a calibrated board would miss its own rows by what a host adds."""
    (found,) = validate(table(row("lenet", software=software))).compared
    device = load_device("jetson-orin-nano", found.row.runtime)
    sample = Sample.of(found.row, device, network_of(found.row))
    fitted = np.exp(Rows.of([sample]).log_seconds(parameters_of(device)))
    assert found.predicted == pytest.approx(float(fitted[0]), rel=1e-9)


def test_power_that_is_not_above_idle_is_passed_over(table: Table) -> None:
    """Jetson Orin Nano draws 4.2 W at rest, so that 3 W tell nothing of a network."""
    found = validate(table(row("resnet18", watts=3.0), row("resnet50", 5, 9.2)))
    powers = {c.row.network: c.measured for c in found.compared if c.quantity == "power"}
    assert powers == {"resnet50": pytest.approx(5.0)}
    assert len(found.chosen("runtime")) == 2
    assert [(r.network, lacks) for r, lacks in found.skipped] == [
        ("resnet18", "a power above the board's idle power")
    ]


def test_power_below_idle_leaves_refits_of_the_others_alone(table: Table) -> None:
    rows = [row("resnet18", 2, 8), row("resnet50", 5, 9), row("vgg16", 13, 11)]
    alone = validate(table(*rows), leave_out="network")
    beside = validate(table(*rows, row("lenet", 0.2, 3)), leave_out="network")
    assert len(alone.chosen("power")) == len(beside.chosen("power")) == 3
    assert all(math.isfinite(c.predicted) for c in beside.compared)


@pytest.mark.parametrize("leave_out", [None, "network"])
def test_a_network_with_a_layer_of_unknown_cost_is_not_compared(
    table: Table, own: str, leave_out: str | None
) -> None:
    """What was measured holds a layer that no prediction holds."""
    path = table(row("resnet18"), row("own", 30, 9, model=own), row("resnet50", 5))
    found = validate(path, leave_out=leave_out)
    assert [c.row.network for c in found.compared] == ["resnet18", "resnet50"]
    assert [lacks for _, lacks in found.skipped] == ["a cost of every layer"]


def test_where_nothing_can_be_compared_it_is_said_why(table: Table, own: str) -> None:
    with pytest.raises(InvalidInput, match="every one lacks a cost of every layer"):
        validate(table(row("own", 30, model=own)))


def test_times_are_judged_where_power_is_of_one_board_alone(table: Table) -> None:
    found = validate(
        table(
            row("resnet18", 2, 8), row("resnet50", 5, 9),
            row("resnet18", 20, device="jetson-nano"), row("resnet50", 40, device="jetson-nano"),
        ),
        leave_out="board",
    )  # fmt: skip
    assert {c.quantity for c in found.compared} == {"runtime"}
    (said,) = found.warnings
    assert said.startswith(
        "power is not compared: leaving out one board needs rows of at least two"
    )
    assert said.endswith("jetson-orin-nano")


def test_a_host_that_is_not_known_is_passed_over(table: Table) -> None:
    head = HEAD.replace("software", "runtime")
    found = validate(table(row("resnet18"), row("resnet50", software="mine"), head=head))
    assert [c.row.network for c in found.compared] == ["resnet18"]
    assert [lacks.split(" of ")[0] for _, lacks in found.skipped] == ["a host runtime"]


def test_rows_of_other_boards_than_the_one_that_is_named_are_counted(table: Table) -> None:
    path = table(row("resnet18"), row("resnet18", 20, device="jetson-nano"), row("resnet50", 5))
    found = validate(path, "jetson-orin-nano")
    assert len(found.compared) == 2
    assert found.warnings == ("1 rows of other boards or power modes are not used",)
    assert validate(path).warnings == validate(path, "jetson-tx2").warnings == ()
