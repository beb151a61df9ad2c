"""Engine descriptions that someone broke: refused with the reason, never with a traceback."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.network import Network
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.tensorrt import TensorRTFrontEnd

pytestmark = pytest.mark.shared

_NAMES = ("rtx3060m_resnet18_fp16_trtexec", "rtx3060m_mobilenet_v2_fp16_torch-trt",
          "a100_resnet18_qat_trtexec")  # fmt: skip
_KEYS = ["Name", "LayerType", "Inputs", "Outputs", "ParameterType", "Kernel", "Groups", "Weights",
         "Bias", "Stride", "WindowSize", "PrePadding", "Metadata", "TacticName", "Activation",
         "OutMaps", "Dimensions", "Format/Datatype", "Count", "Type", "EdgeProfiler"]  # fmt: skip
_TYPES = ["CaskConvolution", "kgen", "gemm", "Myelin", "NoOp", "PluginV3", "Never", "Scale",
          "Convolution", "Pooling", "Reduce", "ConvActPool", "PointWiseV2", "MatrixMultiply",
          "Deconvolution", "FullyConnected", "Concat", "Constant"]  # fmt: skip
_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 9),
    st.sampled_from([2**31 + 1, 2**200, -(2**70), 1e308, 0.5, "", "\ud800", "x", "Half"]),
    st.sampled_from(_TYPES),
    st.lists(st.integers(-1, 600), max_size=5),
    st.lists(st.sampled_from([2**31, 2**30, 10**9, 1]), max_size=5),
    st.dictionaries(st.sampled_from(_KEYS), st.integers(-1, 9) | st.text(max_size=3), max_size=3),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return container and key of every value inside `value`."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    found = [(value, key) for key, _ in pairs]
    for _, inner in pairs:
        if isinstance(inner, (dict, list)):
            found += places(inner)
    return found


def read_or_refuse(path: Path) -> Network | None:
    try:
        return TensorRTFrontEnd().read(str(path), ReadOptions())
    except (InvalidInput, Unsupported) as error:
        assert "\n" not in str(error)  # noqa: PT017
        str(error).encode("utf-8")
        return None


@pytest.fixture(scope="module")
def texts(shared: Path) -> list[str]:
    folder = shared / "inputs" / "engine_info"
    return [(folder / f"{name}.json").read_text() for name in _NAMES]


@given(data=st.data())
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
def test_changed_values_are_read_or_refused(
    data: st.DataObject, texts: list[str], tmp_path: Path
) -> None:
    document = json.loads(data.draw(st.sampled_from(texts)))
    layers = document["Layers"]
    start = data.draw(st.integers(0, len(layers) - 1))
    document["Layers"] = layers[start : start + 3]  # a few layers change as well as all do
    for _ in range(data.draw(st.integers(1, 4))):
        found = places(document) or [(document, "Layers")]
        container, key = found[data.draw(st.integers(0, len(found) - 1))]
        action = data.draw(st.sampled_from(["replace", "drop", "add"]))
        if action == "drop":
            container.pop(key, None) if isinstance(container, dict) else container.clear()
        elif action == "add" and isinstance(container, dict):
            container[data.draw(st.sampled_from(_KEYS))] = data.draw(_ODD)
        else:
            container[key] = data.draw(_ODD)
    path = tmp_path / "engine.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    network = read_or_refuse(path)
    if network is not None:
        assert network.columns.covered.dtype == bool
        assert network.name.encode("utf-8")


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_broken_bytes_are_read_or_refused(
    data: st.DataObject, texts: list[str], tmp_path: Path
) -> None:
    content = bytearray(data.draw(st.sampled_from(texts)).encode())
    end = data.draw(st.integers(0, len(content)))
    kind = data.draw(st.sampled_from(["truncate", "overwrite", "utf-8"]))
    if kind == "truncate":
        content = content[:end]
    elif kind == "overwrite":
        content[end : end + 8] = data.draw(st.binary(max_size=8))
    else:
        content[end:end] = b"\xff\xfe"
    path = tmp_path / "engine.json"
    path.write_bytes(bytes(content))
    read_or_refuse(path)
