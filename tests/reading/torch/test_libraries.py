"""Networks of timm and torchvision by name."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest

import edgeprofiler
from edgeprofiler.core.errors import InvalidInput, Unavailable, UsageError
from edgeprofiler.reading.operators.macs import graph_macs
from edgeprofiler.reading.torch.libraries import TimmFrontEnd, TorchvisionFrontEnd
from edgeprofiler.reading.zoo import zoo_graph

LIBRARIES = {"timm": TimmFrontEnd, "torchvision": TorchvisionFrontEnd}


def installed(name: str) -> None:
    """Skip where a library is not installed, or was built for another PyTorch."""
    pytest.importorskip("onnxscript")
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    try:
        __import__(name)
    except Exception as error:
        pytest.skip(f"{name} cannot be loaded: {error}")


@pytest.mark.parametrize("name", LIBRARIES)
def test_an_address_says_its_library(name: str) -> None:
    front_end = LIBRARIES[name]()
    assert front_end.recognises(f"{name}:resnet18", b"")
    assert not front_end.recognises("zoo:resnet18", b"")
    assert front_end.at_resolution(96, 2) == {"": (2, 3, 96, 96)}


@pytest.mark.parametrize("name", LIBRARIES)
def test_an_absent_library_is_named_with_its_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(Unavailable, match=rf"{name}.*pip install {name}"):
        edgeprofiler.read_model(f"{name}:resnet18_that_is_absent")


def test_a_library_built_for_another_pytorch_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("torch")

    class Broken(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise RuntimeError("operator torchvision::nms does not exist\nand more")

    monkeypatch.setitem(sys.modules, "torchvision.models", Broken("torchvision.models"))
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    with pytest.raises(Unavailable, match=r"nms does not exist.*this version of PyTorch") as caught:
        edgeprofiler.read_model("torchvision:resnet18_of_another")
    assert "\n" not in str(caught.value)


def test_an_address_has_classes_and_no_other_option() -> None:
    with pytest.raises(InvalidInput, match=r"write timm:resnet18\?classes=3"):
        edgeprofiler.read_model("timm:resnet18?size=3")


def test_runs_of_loops_are_asked_of_models_that_have_some() -> None:
    with pytest.raises(UsageError, match="trips"):
        edgeprofiler.read_model("timm:resnet18", trips=3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ghostnet_100", "mobilenetv4_conv_small", "repvgg_a0"])
def test_timms_classifiers_count_as_torch_counts_them(name: str) -> None:
    """Also beside the same network of the zoo (RepVGG's branches are merged there)."""
    installed("timm")
    import timm
    from torch.utils.flop_counter import FlopCounterMode

    graph = edgeprofiler.read_model(f"timm:{name}")
    module = timm.create_model(name, pretrained=False).eval()
    with FlopCounterMode(display=False) as counter:
        module(__import__("torch").zeros(graph.tensors[graph.inputs[0]].shape))
    assert 2 * graph_macs(graph) == counter.get_total_flops()
    assert graph.parameters == sum(p.numel() for p in module.parameters())
    if not name.startswith("repvgg"):
        assert graph_macs(graph) == graph_macs(zoo_graph(name))


@pytest.mark.slow
def test_torchvisions_names_are_read_at_any_size_and_number_of_classes() -> None:
    installed("torchvision")
    graph = edgeprofiler.read_model("torchvision:resnet18?classes=7", resolution=96, batch=2)
    assert graph.tensors[graph.inputs[0]].shape == (2, 3, 96, 96)
    assert graph_macs(graph) == graph_macs(zoo_graph("resnet18", 2, 96, 7))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet19", "hf_hub:timm/resnet18", "local-dir:/tmp"])
def test_a_name_that_a_library_lacks_gets_the_nearest_and_no_hub_is_asked(name: str) -> None:
    installed("timm")
    with pytest.raises(InvalidInput, match="timm has no network of that name"):
        edgeprofiler.read_model(f"timm:{name}")
