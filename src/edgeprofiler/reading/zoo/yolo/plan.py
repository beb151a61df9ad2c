"""How the YOLO networks are written down: numbered steps that read earlier ones, and a scale."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from edgeprofiler.reading.graphs import GraphBuilder


@dataclass(frozen=True)
class Scale:
    """What makes a nano, small, medium, large or extra large network of one plan."""

    depth: float
    width: float
    most: int = 1 << 30
    """Channels before widening are at most so many."""
    deep: bool = False
    """Whether every block of the plan that can be is a deep one."""

    def channels(self, count: int) -> int:
        """Return the channels of a step, a multiple of 8."""
        return math.ceil(min(count, self.most) * self.width / 8) * 8

    def repeats(self, count: int) -> int:
        """Return how often a block repeats its inner part."""
        return max(round(count * self.depth), 1) if count > 1 else count


Block = Callable[[GraphBuilder, str, Scale], str]
"""Adds a block that reads one tensor."""


@dataclass(frozen=True)
class Step:
    """A numbered part of a network."""

    block: Block | None
    """What it does; `None` joins what it reads along the channels."""
    reads: tuple[int, ...] = (-1,)
    """Numbers of the steps that it reads; -1 is the one before."""


def follow(g: GraphBuilder, x: str, plan: tuple[Step, ...], scale: Scale) -> list[str]:
    """Add the steps of a plan as `model.0`, `model.1` ...; return the result of each."""
    results: list[str] = []
    for number, step in enumerate(plan):
        read = [results[place] if results else x for place in step.reads]
        with g.scope(f"model.{number}"):
            made = g.concat(*read) if step.block is None else step.block(g, read[0], scale)
        results.append(made)
    return results
