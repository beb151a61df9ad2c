"""PyTorch modules: a program's own, those of timm and torchvision by name, a script's."""

from edgeprofiler.reading.torch.capture import from_torch, module_graph
from edgeprofiler.reading.torch.examples import TorchModule, is_module

__all__ = ["TorchModule", "from_torch", "is_module", "module_graph"]
