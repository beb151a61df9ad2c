"""The activations that are known: one line each, from which everything else about them follows.

Reading gives them shapes, lowering fuses them, engines' names for them are understood, and pruning
passes channels through them. To *run* one in PyTorch it needs a line in
`measurement.runners._torch_graph`, and one in `reading.graphs.build` for the zoo to use it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Activation:
    """An element-wise function of one tensor that networks use as an activation."""

    name: str
    """ONNX's name of the operator."""
    engine: tuple[str, ...] = ()
    """What TensorRT calls it in an engine's `Activation` field."""
    spellings: tuple[str, ...] = ()
    """Other words for it in names of layers, in lower case."""
    operator: bool = True
    """Whether ONNX has it as an operator; else it is known from engines alone."""


ACTIVATIONS = (
    Activation("Relu", engine=("RELU",)),
    Activation("Clip", engine=("CLIP", "CLIPPED_RELU"), spellings=("clamp", "hardtanh", "relu6")),
    Activation("LeakyRelu", engine=("LEAKY_RELU",), spellings=("leaky_relu",)),
    Activation("PRelu"),
    Activation("ThresholdedRelu", engine=("THRESHOLDED_RELU",)),
    Activation("Sigmoid", engine=("SIGMOID",)),
    Activation("HardSigmoid", engine=("HARD_SIGMOID",), spellings=("hard_sigmoid",)),
    Activation("Tanh", engine=("TANH",)),
    Activation("Elu", engine=("ELU",)),
    Activation("Selu", engine=("SELU",)),
    Activation("Celu"),
    Activation("Gelu", engine=("GELU",)),
    Activation("HardSwish", engine=("HARD_SWISH",)),
    Activation("Swish"),
    Activation("Silu", engine=("SILU", "SWISH"), operator=False),
    Activation("Mish"),
    Activation("Softplus", engine=("SOFTPLUS",)),
    Activation("Softsign", engine=("SOFTSIGN",)),
    Activation("Shrink"),
)
OPERATORS = frozenset(a.name for a in ACTIVATIONS if a.operator)
"""ONNX operators that are activations."""
