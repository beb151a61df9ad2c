"""From a graph of operators to the layers that TensorRT would run.

`lower` is the way in; `lower_traced` also says what became of every node, and `Plans` lowers many
graphs of one structure. The fusions are the
declared `RULES`, each with its evidence.
"""

from edgeprofiler.reading.lowering.pipeline import Lowered, lower, lower_traced
from edgeprofiler.reading.lowering.plans import Plans
from edgeprofiler.reading.lowering.rules import RULES, Rule
from edgeprofiler.reading.lowering.target import (
    A100_TENSORRT_8,
    GEFORCE_AMPERE,
    JETSON_ORIN,
    BuildTarget,
)

__all__ = [
    "A100_TENSORRT_8", "GEFORCE_AMPERE", "JETSON_ORIN", "RULES", "BuildTarget", "Lowered", "Plans",
    "Rule",
    "lower", "lower_traced",
]  # fmt: skip
