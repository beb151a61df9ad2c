"""Times of layers that TensorRT's profiler wrote are a profile without powers."""

import math

import pytest

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.profile.document import from_document, is_profile, read_profile, to_document


@pytest.mark.parametrize(
    "text",
    [
        '{"conv": [0.1, 0.3], "fc": [1.0, 1.0]}',
        '{"conv": [[0.1, "20241030-15:06:45.5"], [0.3, "x"]], "fc": [[1.0, "y"], [1, "z"]]}',
    ],
)
def test_times_of_layers_are_a_profile(tmp_path, text):
    path = tmp_path / "trt_layer_latency.json"
    path.write_text(text)
    assert is_profile(path)
    profile = read_profile(path)
    assert [layer.name for layer in profile.network.layers] == ["conv", "fc"]
    assert profile.costs.runtime_s == pytest.approx([2e-4, 1e-3])
    assert profile.totals.runtime_s.value == pytest.approx(1.2e-3)
    assert math.isnan(profile.totals.energy_j.value)
    assert from_document(to_document(profile), "again") is not None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"conv": [-1]}', "below 0"),
        ('{"conv": [0.1, "fast"]}', "'fast'"),
        ('{"conv": [0.1], "fc": []}', "holds no times"),
    ],
)
def test_what_is_no_time_is_refused_with_its_place(tmp_path, text, problem):
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=problem):
        read_profile(path)


def test_published_times_are_read(shared):
    for path in sorted((shared / "inputs/iprofiler_latency").glob("*.json")):
        assert 1e-4 < read_profile(path).totals.runtime_s.value < 1
