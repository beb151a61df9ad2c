"""A network as a graph: boxes are layers, their colour is energy, lines are what they read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.profile import Profile
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.core.text import short_name
from edgeprofiler.core.units import engineering
from edgeprofiler.views.markup import escaped
from edgeprofiler.views.plots.layout import Box, laid_out
from edgeprofiler.views.plots.series import COLOURS

NO_GRAPH = (
    "No picture of the network: what this profile was made from does not say which layers read "
    "which."
)

_WIDTH, _HEIGHT = 190, 38
_ACROSS, _DOWN = 216, 66
"""From the middle of a box to that of the next, in pixels at full size."""
_MARGIN, _HEAD = 24, 64
_PALE, _FULL = (255, 255, 255), (240, 136, 62)
"""Ends of the scale of energy; black text reads on both (contrast 21 and 8 to 1)."""
_INK, _LINE = "#1b1f24", "#8a9099"


@dataclass(frozen=True)
class Graph:
    """A picture of a network, as SVG."""

    svg: str
    text: str
    """What it shows, and what it leaves out, in words."""
    width: int
    height: int

    def _repr_svg_(self) -> str:
        return self.svg


def graph_of(profile: Profile) -> Graph | None:
    """Return the picture of a profile's network; `None` where its edges are unknown."""
    reads = profile.network.reads
    if not reads:
        return None
    boxes = laid_out(reads)
    energies = [_energy(profile, box) for box in boxes]
    most = max((energy for energy in energies if math.isfinite(energy)), default=0.0)
    left = min(box.place for box in boxes) * _ACROSS - _WIDTH / 2
    right = max(box.place for box in boxes) * _ACROSS + _WIDTH / 2
    lanes = _lanes(boxes)
    room = max([20.0, *(abs(lane) - right for lane in lanes.values())])
    width = round(max(right - left + 2 * (_MARGIN + room), 2 * _MARGIN + 320))
    height = (max(box.row for box in boxes) + 1) * _DOWN + _HEAD + _MARGIN
    text = _words(profile, boxes, most)
    lines = "".join(
        _edge(boxes[source], box, lanes.get((source, place)))
        for place, box in enumerate(boxes)
        for source in box.reads
    )
    layers = "".join(
        _box(profile, box, energy, most) for box, energy in zip(boxes, energies, strict=True)
    )
    title = escaped(f"{profile.network.name}: layers and their energy")
    middle = width / 2
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="group" aria-label="{title}" font-family="sans-serif" '
        f'font-size="11"><title>{title}</title><desc>{escaped(text)}</desc>'
        f"{_legend(most, middle)}"
        f'<g transform="translate({middle:g} {_HEAD + _HEIGHT / 2:g})">'
        f'<g fill="none" stroke="{_LINE}" stroke-width="1.5" aria-hidden="true">{lines}</g>'
        f"{layers}</g></svg>"
    )
    return Graph(svg, text, width, height)


def _energy(profile: Profile, box: Box) -> float:
    return float(np.sum(profile.costs.energy_j[box.layers.start : box.layers.stop]))


def _words(profile: Profile, boxes: Sequence[Box], most: float) -> str:
    count, together = len(profile.network), sum(len(box.layers) > 1 for box in boxes)
    text = (
        "Boxes are layers in order of execution from the top down, lines what they read. The "
        f"deeper the colour, the more energy: white is none, the deepest {engineering(most, 'J')}. "
        "The bar at the left is the type of layer; a dashed box has unknown energy."
    )
    if together:
        text += (
            f" {count} layers are too many for a picture: {together} of the {len(boxes)} boxes "
            "hold several that follow each other. The table of layers has each."
        )
    return text


def _lanes(boxes: Sequence[Box]) -> dict[tuple[int, int], float]:
    """Return how far from the middle each line that passes rows goes round their boxes."""
    widest: dict[int, float] = {}
    for box in boxes:
        widest[box.row] = max(widest.get(box.row, 0.0), abs(box.place))
    found: dict[tuple[int, int], float] = {}
    for place, box in enumerate(boxes):
        for source in box.reads:
            first = boxes[source].row
            if box.row - first > 1:
                passed = max(widest[row] for row in range(first, box.row + 1))
                side = -1 if boxes[source].place + box.place < 0 else 1
                away = 14 + 10 * min(box.row - first, 12)
                found[source, place] = side * (passed * _ACROSS + _WIDTH / 2 + away)
    return found


def _edge(source: Box, reader: Box, lane: float | None) -> str:
    x, y = source.place * _ACROSS, float(source.row * _DOWN)
    to_x, to_y = reader.place * _ACROSS, float(reader.row * _DOWN)
    if lane is None:
        y, to_y = y + _HEIGHT / 2, to_y - _HEIGHT / 2
        bend = (to_y - y) / 2
        return (
            f'<path d="M{x:g} {y:g}C{x:g} {y + bend:g} {to_x:g} {to_y - bend:g} '
            f'{to_x:g} {to_y:g}"/>'
        )
    side = math.copysign(_WIDTH / 2, lane)
    return (
        f'<path d="M{x + side:g} {y:g}C{lane:g} {y:g} {lane:g} {y + 30:g} {lane:g} {y + 40:g}'
        f'V{to_y - 40:g}C{lane:g} {to_y - 30:g} {lane:g} {to_y:g} {to_x + side:g} {to_y:g}"/>'
    )


def _box(profile: Profile, box: Box, energy: float, most: float) -> str:
    first = profile[box.layers.start]
    label, name, about = _told(profile, box, energy)
    x, y = box.place * _ACROSS - _WIDTH / 2, box.row * _DOWN - _HEIGHT / 2
    known = math.isfinite(energy)
    dashes = "" if known else ' stroke-dasharray="4 3"'
    return (
        f'<g class="layer" data-layer="{first.index}" tabindex="0" role="img" '
        f'aria-label="{escaped(label)}" transform="translate({x:g} {y:g})">'
        f"<title>{escaped(label)}</title>"
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="4" fill="{_colour(energy, most)}" '
        f'stroke="{_LINE}"{dashes}/>'
        f'<rect width="5" height="{_HEIGHT}" rx="2" fill="{COLOURS[first.layer.kind]}"/>'
        f'<text x="12" y="16" fill="{_INK}">{escaped(name)}</text>'
        f'<text x="12" y="30" fill="{_INK}">{escaped(about)}</text></g>'
    )


def _told(profile: Profile, box: Box, energy: float) -> tuple[str, str, str]:
    """Return a box's words for who cannot see it, and its two lines."""
    first = profile[box.layers.start]
    if len(box.layers) == 1:
        label = (
            f"{first.index}: {short_name(first.layer.name, 80)}, {first.layer.kind}, "
            f"{first.layer.op.replace('_', ' ')}, time {_said(first.runtime_s, 's')}, energy "
            f"{_said(first.energy_j, 'J')}"
        )
        cost = f"{_amount(first.runtime_s.value, 's')}, {_amount(energy, 'J')}"
        return label, short_name(first.layer.name, 28), cost
    runtime = float(np.sum(profile.costs.runtime_s[box.layers.start : box.layers.stop]))
    last = box.layers[-1]
    cost = f"{_amount(runtime, 's')}, {_amount(energy, 'J')}"
    names = [short_name(profile[index].layer.name, 40) for index in (first.index, last)]
    label = f"{first.index} to {last}: {len(box.layers)} layers, {' to '.join(names)}, {cost}"
    return label, f"{len(box.layers)} layers: {first.index} to {last}", cost


def _amount(value: float, unit: str) -> str:
    return engineering(value, unit) if math.isfinite(value) else f"unknown {unit}"


def _said(estimate: Estimate, unit: str) -> str:
    if not math.isfinite(estimate.value):
        return "unknown"
    text = engineering(estimate.value, unit)
    if math.isfinite(estimate.low):
        high = engineering(estimate.high, unit) if math.isfinite(estimate.high) else "no bound"
        text += f" ({engineering(estimate.low, unit)} to {high})"
    return text


def _colour(energy: float, most: float) -> str:
    share = energy / most if most > 0 and math.isfinite(energy) else 0.0
    mixed = (round(pale + share * (full - pale)) for pale, full in zip(_PALE, _FULL, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _legend(most: float, middle: float) -> str:
    steps = "".join(
        f'<rect x="{middle - 90 + 18 * step:g}" y="12" width="18" height="10" '
        f'fill="{_colour(step / 9, 1)}"/>'
        for step in range(10)
    )
    kinds = [kind for kind in COLOURS if kind in ("convolutional", "pooling", "dense", "other")]
    types = "".join(
        f'<rect x="{middle - 160 + 92 * place:g}" y="32" width="5" height="12" '
        f'fill="{COLOURS[kind]}"/><text x="{middle - 150 + 92 * place:g}" y="42" '
        f'fill="currentColor">{kind}</text>'
        for place, kind in enumerate(kinds)
    )
    return (
        f'<g aria-hidden="true">{steps}<rect x="{middle - 90:g}" y="12" width="180" height="10" '
        f'fill="none" stroke="{_LINE}"/><text x="{middle - 96:g}" y="21" text-anchor="end" '
        f'fill="currentColor">0 J</text><text x="{middle + 96:g}" y="21" fill="currentColor">'
        f"{escaped(engineering(most, 'J'))}</text>{types}</g>"
    )
