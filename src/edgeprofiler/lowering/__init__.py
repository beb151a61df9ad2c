"""From a graph of operators to the layers that TensorRT would run.

`lower` is the way in; `lower_traced` also says what became of every node. The fusions are the
declared `RULES`, each with its evidence.
"""

from edgeprofiler.lowering.pipeline import Lowered, lower, lower_traced
from edgeprofiler.lowering.rules import RULES, Rule

__all__ = ["RULES", "Lowered", "Rule", "lower", "lower_traced"]
