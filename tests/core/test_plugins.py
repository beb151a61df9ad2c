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
