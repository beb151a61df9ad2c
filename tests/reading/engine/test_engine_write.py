"""A network written as an engine description."""

import json

from hypothesis import HealthCheck, given, settings
from strategies import networks

from edgeprofiler.core.network import Network, Source, make_layer
from edgeprofiler.reading.engine import engine_document, network_from_engine


@given(networks().filter(len))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_reading_what_was_written_gives_the_same_network(network: Network) -> None:
    text = json.dumps(engine_document(network))
    assert network_from_engine(json.loads(text), network.source) == network


def test_a_plain_convolution_is_written_in_the_fields_of_tensorrt() -> None:
    layer = make_layer(
        name="conv1",
        kind="convolutional",
        op="convolution",
        input_shapes=[(1, 3, 224, 224)],
        output_shapes=[(1, 64, 112, 112)],
        dtype="fp16",
        input_dtypes=("fp16",),
        output_dtypes=("fp16",),
        weight_elements=9408 + 64,
        kernel=(7, 7),
        stride=(2, 2),
        padding_before=(3, 3),
        padding_after=(3, 3),
        dilation=(1, 1),
        engine_type="CaskConvolution",
        nodes=("conv1",),
    )
    network = Network("net", (layer,), Source("net", "zoo"))
    entry = engine_document(network)["Layers"][0]
    assert "EdgeProfiler" not in entry
    assert (entry["ParameterType"], entry["Kernel"]) == ("Convolution", [7, 7])
    assert entry["Weights"] == {"Type": "Half", "Count": 9408}
    assert entry["Bias"] == {"Type": "Half", "Count": 64}
