"""What a module is called with, and where a module stands for a model."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

import edgeprofiler  # noqa: E402 - behind what it needs
from edgeprofiler.core.errors import UsageError  # noqa: E402
from edgeprofiler.reading.torch.examples import by_shape, named, positional  # noqa: E402


class TwoInputs(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.conv(image) * mask


def conv() -> torch.nn.Module:
    return torch.nn.Conv2d(3, 8, 3)


@pytest.mark.parametrize(
    ("example", "shapes"),
    [
        ((1, 3, 8, 8), [(1, 3, 8, 8)]),
        ([1, 3, 8, 8], [(1, 3, 8, 8)]),
        (((1, 3, 8, 8), (1, 8, 8, 8)), [(1, 3, 8, 8), (1, 8, 8, 8)]),
        (torch.ones(2, 3, 4, 4), [(2, 3, 4, 4)]),
        ((torch.ones(2, 3, 4, 4), (1, 5)), [(2, 3, 4, 4), (1, 5)]),
        ((), []),
        (None, []),
    ],
)
def test_a_shape_stands_for_a_tensor_of_zeros(example: object, shapes: list[object]) -> None:
    made = positional(conv(), example)
    assert [tuple(tensor.shape) for tensor in made] == shapes


def test_tensors_are_of_the_modules_own_type() -> None:
    """A half-precision module takes half-precision images."""
    (made,) = positional(conv().half(), (1, 3, 8, 8))
    assert made.dtype == torch.float16
    assert named(conv(), {"scale": 2.0, "x": (1, 2)})["scale"] == 2.0


@pytest.mark.parametrize("shape", [(0, 3, 8, 8), (1, -3, 8, 8), (1, 3, 10**6, 10**6)])
def test_lengths_that_no_input_has_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="lengths are 1 or more"):
        edgeprofiler.from_torch(conv(), shape)


def test_a_batch_stands_in_place_of_every_shapes_first_number() -> None:
    found = by_shape("net", {"": (1, 3, 8, 8), "mask": (1, 8)}, 4)
    assert found == ((4, 3, 8, 8), {"mask": (4, 8)})
    assert by_shape("net", {}, None, (1, 3, 224, 224)) == ((1, 3, 224, 224), {})


@pytest.mark.slow
def test_a_module_and_an_example_are_all_that_predict_needs() -> None:
    layer, shape = conv(), (1, 3, 32, 32)
    by_position = edgeprofiler.predict(layer, shape)
    assert by_position.network.layers[0].input_shapes == (shape,)
    for again in (
        edgeprofiler.predict(layer, torch.zeros(shape), "jetson-orin-nano"),
        edgeprofiler.predict(layer, shape, device="jetson-orin-nano"),
        edgeprofiler.predict(layer, "jetson-orin-nano", shapes={"": shape}),
        edgeprofiler.predict(edgeprofiler.from_torch(layer, shape)),
    ):
        assert again.totals == by_position.totals


@pytest.mark.slow
def test_a_module_stands_wherever_a_model_does() -> None:
    layer = conv()
    found = edgeprofiler.sweep(layer, batch=[1, 2], resolution=[32, 64])
    assert sorted(set(found.resolution)) == ["32x32", "64x64"]
    side = edgeprofiler.compare(layer, "zoo:lenet", shapes=None, resolution=32)
    assert len(side.comparisons) == 1
    question = edgeprofiler.Question(layer, resolution=32, batch=3)
    assert edgeprofiler.predict(question).network.batch == 3


@pytest.mark.slow
def test_inputs_are_named_as_the_forward_method_names_them() -> None:
    shapes = {"image": (1, 3, 8, 8), "mask": (1, 8, 8, 8)}
    graph = edgeprofiler.read_model(TwoInputs(), shapes=shapes)
    assert [graph.tensors[name].shape for name in graph.inputs] == list(shapes.values())
    assert edgeprofiler.from_torch(TwoInputs(), tuple(shapes.values())).inputs == graph.inputs


def test_a_module_without_a_shape_is_asked_for_one() -> None:
    with pytest.raises(UsageError, match="give `shapes`"):
        edgeprofiler.predict(conv())
    with pytest.raises(UsageError, match="a shape as"):
        edgeprofiler.from_torch(conv())


def test_something_else_is_no_model() -> None:
    with pytest.raises(UsageError, match="float is no model"):
        edgeprofiler.predict(3.5)
    with pytest.raises(TypeError, match="predict takes"):
        edgeprofiler.predict("zoo:lenet", "jetson-nano", "jetson-tx2")
