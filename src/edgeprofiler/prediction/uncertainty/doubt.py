"""How sure a time is: each fitted number's doubt, weighed by how much of the time hangs on it.

A network whose time rests on numbers that many rows determined is known better than one that
rests on a rare kernel, another host or a board that was never measured. The shipped covariance of
the fitted numbers says how well each is known; what a source that measures for the first time may
add, its clocks, builder and host, comes from the spread between the sources that were fitted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import FloatArray
from edgeprofiler.prediction.uncertainty.fitted import intervals_table

RECENT = 8.0
"""Compute capability from which boards are of one generation: sources of older ones say less of
their clocks, hosts and builders, and lie further apart."""

UNRELATED = 0.42
"""Standard deviation of the logarithm of a time on a board of which, and of whose chip, no row was
fitted. Set by six public profiles of engines on two such boards (RTX 3060 Mobile and A100; sums of
their layers' times): they lie 0 to 58 % below what the shared numbers say (0.29 in the root mean
square of the logarithm), for launches and memory of other boards are better than a Jetson's; the
shipped quantile for 90 % is 1.13 deviations, where a normal distribution's is 1.64."""


@dataclass(frozen=True)
class Doubt:
    """What is not known of the numbers that predict for one board and host."""

    names: tuple[str, ...]
    """Parameters of the cost model."""
    covariance: FloatArray
    """Of the logarithms of their factors, for a source that was never seen."""
    spread: float
    """Standard deviation of the logarithm of a time that no parameter explains."""

    @staticmethod
    def of(device: Device) -> Doubt:
        """Return the doubt of the shipped numbers on a device."""
        return _shipped(device.name, device.base, device.like, device.runtime, _age(device))

    def deviation(self, slopes: Mapping[str, FloatArray]) -> FloatArray:
        """Return the standard deviation of the logarithm of times.

        Args:
            slopes: relative change of each time by a relative change of each parameter; what is
                not named here is known.
        """
        matrix = np.stack([slopes[name] for name in self.names])
        variance = np.einsum("ik,ij,jk->k", matrix, self.covariance, matrix)
        return np.asarray(np.sqrt(np.maximum(variance, 0.0) + self.spread**2))


def _age(device: Device) -> str:
    return "recent" if device.datasheet.compute_capability >= RECENT else "old"


@lru_cache(maxsize=64)
def _shipped(name: str, base: str, like: str, runtime: str, age: str) -> Doubt:
    table = intervals_table()["doubt"]
    boards = {label for label in table["labels"] if label.startswith("board ")}
    board = next((f"board {n}" for n in (name, base, like) if f"board {n}" in boards), "")
    return doubt_of(table, board, runtime, age, stranger=board != f"board {base or name}")


def doubt_of(
    table: Mapping[str, Any], board: str, runtime: str, age: str, *, stranger: bool
) -> Doubt:
    """Return the doubt of numbers that apply to a board and host.

    Args:
        table: names, labels and covariance of the unknowns that were fitted, and what boards,
            sources and hosts differ by.
        board: label of the board whose factors are used; empty where there are none.
        runtime: host.
        age: `recent` or `old`.
        stranger: whether the board itself was never measured.
    """
    names, labels = table["names"], table["labels"]
    wanted = ("", board or "-", f"host {runtime}")
    chosen = [i for i, label in enumerate(labels) if label in wanted]
    unique = tuple(dict.fromkeys(names[i] for i in chosen))
    gather = np.array([[names[i] == name for i in chosen] for name in unique], dtype=np.float64)
    fitted = np.asarray(table["covariance"], dtype=np.float64)[np.ix_(chosen, chosen)]
    covariance = gather @ fitted @ gather.T
    spreads = [table["sources"], {"host_fixed_s": table["host_spread"]}]
    if stranger:
        spreads.append(table["boards"])
    for spread in spreads:
        for name, deviation in spread.items():
            if name in unique:
                place = unique.index(name)
                covariance[place, place] += deviation**2
    error = math.hypot(table["spread"][age], table["row_error"])
    if not board:
        error = math.hypot(error, UNRELATED)
    return Doubt(unique, covariance, error)
