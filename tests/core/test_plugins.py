"""Plug-ins are entry points, ours and a stranger's alike."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from edgeprofiler.core import plugins
from edgeprofiler.core.errors import UsageError
from edgeprofiler.reading.front_end import FrontEnd


@pytest.mark.parametrize("name", ["tensorrt", "zoo", "onnx", "graph-json"])
def test_the_front_ends_are_plug_ins(name: str) -> None:
    front_end = plugins.load("frontends", name)()
    assert isinstance(front_end, FrontEnd)
    assert front_end.name == name


def test_an_unknown_plug_in_is_a_usage_error_that_lists_the_known() -> None:
    with pytest.raises(
        UsageError, match=r"no sensor named 'thermometer'; choose one of: .*ina3221"
    ):
        plugins.load("sensors", "thermometer")


def test_option_values_are_json_where_they_can_be():
    found = plugins.parse_options(["gpu=1", "total=A+B", "fast=true", "shape=[1,2]", "empty="])
    assert found == {"gpu": 1, "total": "A+B", "fast": True, "shape": [1, 2], "empty": ""}


@pytest.mark.parametrize("text", ["fast", "=1", "a b=1"])
def test_an_option_must_be_written_key_value(text):
    with pytest.raises(UsageError, match="KEY=VALUE"):
        plugins.parse_options([text])


@dataclass(kw_only=True, eq=False)
class Meter(plugins.Optioned):
    port: Annotated[int, plugins.Between(1, 9)] = 1
    loud: bool = False
    gain: Annotated[float, plugins.Between(0)] = 1.0
    unit: Literal["w", "mw"] = "w"
    label: str = ""


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "load", lambda kind, name: Meter)


def test_a_dataclass_s_fields_are_its_options(meter: None) -> None:
    made = plugins.make("sensors", "meter", {"port": 3, "gain": 2}, {"label": "x", "other": 1})
    assert made.options == {"port": 3, "loud": False, "gain": 2, "unit": "w", "label": "x"}


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"port": 0}, "port=0 must be a whole number from 1 to 9"),
        ({"port": True}, "port=True must be a whole number"),
        ({"gain": -0.5}, "gain=-0.5 must be a number of 0 or more"),
        ({"gain": float("nan")}, "gain=nan must be a number"),
        ({"loud": 1}, "loud=1 must be true or false"),
        ({"unit": "kw"}, "unit='kw'; choose w or mw"),
        ({"label": 1.5}, "label=1.5 must be text"),
        ({"colour": 1}, "has no option 'colour'; it takes: gain, label, loud, port, unit"),
    ],
)
def test_an_option_is_of_its_type_and_within_its_limits(
    meter: None, option: dict[str, object], told: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(told)):
        plugins.make("sensors", "meter", option)


def test_what_a_function_is_given_by_place_is_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    def recipe(kind: str, seed: int = 0, trees: int = 5) -> tuple[str, int, int]:
        return kind, seed, trees

    monkeypatch.setattr(plugins, "load", lambda kind, name: recipe)
    assert plugins.make("recipes", "own", {"trees": 7}, None, "dense", 3) == ("dense", 3, 7)
    with pytest.raises(UsageError, match="it takes: trees"):
        plugins.make("recipes", "own", {"seed": 1}, None, "dense", 3)


def test_a_plug_in_that_takes_anything_is_given_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "load", lambda kind, name: lambda **options: options)
    assert plugins.make("stores", "own", {"x": "y"}) == {"x": "y"}
