"""Plug-ins are entry points, ours and a stranger's alike."""

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
