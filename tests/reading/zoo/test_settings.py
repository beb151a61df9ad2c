"""Widths and depths of the zoo's networks can be set; its own values are the published ones."""

import pytest

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.reading.read import read, read_model
from edgeprofiler.reading.zoo import names, zoo_graph
from edgeprofiler.reading.zoo.zoo import forget_built, settings_of

OPEN = [name for name in names() if settings_of(name)]


def parameters(address: str) -> float:
    return float(read(address).columns.weight_bytes.sum())


@pytest.mark.parametrize("name", OPEN)
def test_a_network_at_its_own_settings_is_itself(name: str) -> None:
    own = settings_of(name)
    text = "&".join(
        f"{key}={','.join(map(str, value)) if isinstance(value, tuple) else value}"
        for key, value in own.items()
    )
    assert read_model(f"zoo:{name}?{text}") == zoo_graph(name)


@pytest.mark.parametrize("name", OPEN)
def test_a_network_with_parts_of_one_before_is_as_built_alone(name: str) -> None:
    zoo_graph(name, classes=7)
    found = zoo_graph(name, classes=9)
    forget_built()
    alone = zoo_graph(name, classes=9)
    assert found == alone
    assert [*found.tensors] == [*alone.tensors]


@pytest.mark.parametrize(
    ("address", "published"),
    [
        # Parameters in millions, Keras Applications' MobileNet V2 and Wide ResNet-50-2's relation
        # to ResNet-50 as torchvision defines it.
        ("zoo:mobilenet_v2?width=0.5", 1.97),
        ("zoo:mobilenet_v2?width=0.75", 2.64),
        ("zoo:mobilenet_v2?width=1.4", 6.11),
        ("zoo:mnasnet0_5?width=1.0", 4.38),
        ("zoo:resnet50?base=128", 68.88),
        ("zoo:resnet50?depths=3,4,23,3", 44.55),
        ("zoo:densenet121?depths=6,12,32,32", 14.15),
        ("zoo:efficientnet_b0?width=1.1&depth=1.2", 9.11),
    ],
)
def test_settings_make_the_published_networks(address: str, published: float) -> None:
    """Weights in FP16 are two bytes each; folded normalisations are some of them."""
    assert parameters(address) / 2e6 == pytest.approx(published, rel=0.02)


def test_settings_are_part_of_a_network_s_name() -> None:
    assert read_model("zoo:ResNet-18?width=0.5&classes=10").name == "resnet18?width=0.5"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("zoo:resnet18?wide=2", r"'wide=2' is no option; it has classes, depths, width"),
        ("zoo:resnet18?groups=2", r"'groups=2' is no option"),
        ("zoo:resnet18?width", r"'width' is no option"),
        ("zoo:resnet18?width=1&width=2", r"'width=2' is no option"),
        ("zoo:resnet18?width=-1", r"width of -1"),
        ("zoo:resnet18?width=nan", r"width of 'nan'; give a number, such as 1"),
        ("zoo:resnet18?depths=1,2", r"depths of \(1, 2\); give 4 numbers"),
        ("zoo:resnet18?depths=1,2,3,9999", r"depths of \(1, 2, 3, 9999\); its own is 2,2,2,2"),
        ("zoo:resnet18?depths=1,2,3,x", r"give whole numbers, such as 2,2,2,2"),
        ("zoo:lenet?width=2", r"it has classes, each"),
    ],
)
def test_settings_that_cannot_be_are_refused(address: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_model(address)
