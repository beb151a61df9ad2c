"""Times of layers in the raw layout."""

import json
from pathlib import Path

import pytest

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.measurement.recording.layer_times import read_layer_times

STAMP = "20261130-12:00:19.352505"


@pytest.mark.parametrize("milliseconds", [-0.1, 1.1e6, 3.3e297])
def test_a_time_that_no_layer_takes_is_refused(tmp_path: Path, milliseconds: float) -> None:
    path = tmp_path / "trt_layer_latency.json"
    path.write_text(json.dumps({"conv": [[1.0, STAMP]], "pool": [[milliseconds, STAMP]]}))
    with pytest.raises(InvalidInput, match="layer 'pool' is not a list of"):
        read_layer_times(path, [])
