"""Memory that an engine takes beside its time: weights, activations, and what kernels work in.

Weights are those of the layers, in the types that the engine keeps them in. Activations are the
most that is alive at once in the lowered order. Workspace is not known before an engine is built:
it is assumed to be what the largest layer reads and writes, none at least, and at most what
Winograd's transforms of that take (36 numbers for 16 of a tile of 4x4; Lavin and Gray, 2016).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from edgeprofiler.core.network import Network
from edgeprofiler.core.plain import attributes
from edgeprofiler.core.quantity import Estimate

Fits = Literal["yes", "no", "undecided"]

_WINOGRAD = 36 / 16
"""How much larger transformed tiles are than what they stand for."""

SYSTEM_BYTES = 2 * 2.0**30
"""What is left to a system with its desktop and to CUDA before an engine surely fits: assumed."""


@dataclass(frozen=True)
class EngineMemory:
    """Memory of one engine; NaN where unknown. CUDA and the system come on top."""

    weight_bytes: float
    activation_bytes: float
    """The most that is alive at once, inputs and outputs among it."""
    workspace_bytes: float
    """Assumed."""
    board_bytes: float
    """Memory that the board's processor and GPU share."""

    @staticmethod
    def of(network: Network, board_bytes: float) -> EngineMemory:
        """Return the memory that a network's engine takes on a board of so much memory."""
        weights = [layer.weight_bytes for layer in network.layers]
        work = network.columns.input_bytes + network.columns.output_bytes
        alive = network.activation_bytes
        return EngineMemory(
            math.nan if None in weights else float(sum(w or 0 for w in weights)),
            math.nan if alive is None else float(alive),
            float(work.max(initial=0.0)),
            board_bytes,
        )

    @property
    def total(self) -> Estimate:
        """All of it, from no workspace to a transformed layer's."""
        sure = self.weight_bytes + self.activation_bytes
        most = sure + _WINOGRAD * self.workspace_bytes
        return Estimate(sure + self.workspace_bytes, sure, most)

    @property
    def fits(self) -> Fits:
        """Whether the board holds it; undecided where that hangs on the rest of the system."""
        total = self.total
        if total.low > self.board_bytes:
            return "no"
        return "yes" if total.high + SYSTEM_BYTES <= self.board_bytes else "undecided"

    def document(self) -> dict[str, object]:
        """Return it as values of JSON."""
        return {
            **attributes(self, "weight_bytes activation_bytes workspace_bytes"),
            **self.total.document("total_bytes"),
            **attributes(self, "board_bytes fits"),
        }
