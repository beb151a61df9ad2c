"""What a page shows of a profile: texts and sort keys, ready for a template."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from edgeprofiler.core.device import Device
from edgeprofiler.core.profile import Estimate, LayerCost, Profile
from edgeprofiler.core.units import engineering
from edgeprofiler.measurement.recording import Recording
from edgeprofiler.views.names import short_name
from edgeprofiler.views.plots.interactive import (
    Figure,
    kinds_figure,
    roofline_figure,
    stages_figure,
    timeline_figure,
)
from edgeprofiler.views.plots.recording import close_figure, close_look, facts, whole_figure
from edgeprofiler.views.plots.series import Share, by_kind, by_stage, known_device, roofline

MAX_ROWS = 1000
"""Layers in a page's table; a network with more shows those that need most energy."""


@dataclass(frozen=True)
class Headline:
    """One large number with its interval."""

    label: str
    value: str
    interval: str
    remark: str


@dataclass(frozen=True)
class Cell:
    """A table's cell: what a person reads, and what a column sorts by."""

    text: str
    key: str = ""
    """Number or text to sort by, where it is not the text itself."""
    title: str = ""
    """The whole text, where `text` is shortened."""


@dataclass(frozen=True)
class Column:
    """A table's column."""

    label: str
    numeric: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Row:
    """A table's row; `group` is what the list beside the filter chooses by."""

    cells: tuple[Cell, ...]
    group: str = ""
    marked: bool = False


@dataclass(frozen=True)
class Table:
    """A table with its caption."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""

    @property
    def groups(self) -> tuple[str, ...]:
        """What rows can be chosen by."""
        return tuple(dict.fromkeys(row.group for row in self.rows if row.group))


@dataclass(frozen=True)
class Plot:
    """A figure, its heading, and what it shows in words."""

    name: str
    title: str
    text: str
    figure: Figure
    table: Table | None = None


@dataclass(frozen=True)
class ProfileView:
    """Everything a page shows of one profile."""

    title: str
    subtitle: str
    simulated: bool
    measured: bool
    headlines: tuple[Headline, ...]
    warnings: tuple[str, ...]
    plots: tuple[Plot, ...]
    layers: Table
    provenance: tuple[tuple[str, str], ...]


def view_of(
    profile: Profile, device: Device | None = None, recording: Recording | None = None
) -> ProfileView:
    """Return what a page shows of a profile.

    Args:
        profile: measured or predicted.
        device: whose roofs to draw; the shipped device that the profile names where `None`.
        recording: what a measured profile was made from, to show power over time.
    """
    network, label = profile.network, profile.device
    board = device or known_device(label)
    return ProfileView(
        title=network.name,
        subtitle=(
            f"batch {network.batch}, {network.precision}, {len(network)} layers, on "
            f"{label.name}@{label.mode} with {label.runtime}; {profile.origin.kind} by "
            f"{profile.origin.by}"
        ),
        simulated=profile.simulated,
        measured=profile.origin.kind == "measured",
        headlines=headlines(profile),
        warnings=warnings_of(profile, recording),
        plots=(*plots_of(profile, board), *recording_plots(profile, recording)),
        layers=layer_table(profile),
        provenance=(
            *provenance(profile, board),
            *(facts(recording) if recording is not None else ()),
        ),
    )


def headlines(profile: Profile) -> tuple[Headline, ...]:
    """Return the numbers that a reader came for."""
    totals, batch = profile.totals, profile.network.batch
    found = [
        Headline(
            "Energy of one inference", *_estimate(totals.energy_j, "J"),
            f"{engineering(totals.energy_above_idle_j.value, 'J')} above idle",
        ),
        Headline(
            "Time, end to end", *_estimate(totals.end_to_end_s, "s"),
            f"{engineering(totals.runtime_s.value, 's')} of it on the GPU",
        ),
        Headline(
            "Average power", *_estimate(totals.power_w, "W"),
            f"{engineering(totals.power_above_idle_w.value, 'W')} above idle",
        ),
    ]  # fmt: skip
    wall = totals.end_to_end_s
    if wall.known and wall.value > 0:
        rate = Estimate(*(batch / v if v > 0 else math.nan for v in
                          (wall.value, wall.high, wall.low)))  # fmt: skip
        found.append(
            Headline(
                "Images a second", _plain(rate.value), _range(rate, ""),
                f"{engineering(totals.energy_j.value / batch, 'J')} an image",
            )
        )  # fmt: skip
    return tuple(found)


def warnings_of(profile: Profile, recording: Recording | None = None) -> tuple[str, ...]:
    """Return what a reader must know before trusting the numbers, each once."""
    found = []
    if profile.uncovered:
        share = 1 - profile.covered_bytes
        found.append(
            f"{len(profile.uncovered)} of {len(profile)} layers are not covered "
            f"({share:.1%} of the bytes moved, {1 - profile.covered_macs:.1%} of the MACs). "
            "Totals leave them out; they add at least "
            f"{engineering(profile.time_lower_bound_s, 's')}."
        )
    found += [*profile.network.warnings, *profile.warnings]
    if recording is not None:
        found += recording.warnings
        if recording.name != profile.network.name:
            found.append(
                f"the recording is of {recording.name!r}, the profile of {profile.network.name!r}"
            )
    return tuple(dict.fromkeys(found))


def provenance(profile: Profile, device: Device | None = None) -> tuple[tuple[str, str], ...]:
    """Return where the numbers come from, as pairs of a term and its text."""
    network, origin = profile.network, profile.origin
    source = network.source
    file = Path(source.name).name  # a report is sent to others: the writer's folders are left out
    kind = f", {profile.interval_kind}" if profile.interval_kind else ""
    return (
        ("Network", f"{file}, read by {source.front_end} {source.version}".strip()),
        ("Numbers", f"{origin.kind} by {origin.by} (EdgeProfiler {origin.version})"),
        (
            "Device",
            (
                f"{profile.device.name}, power mode {profile.device.mode}, host runtime "
                f"{profile.device.runtime}"
            ),
        ),
        ("Calibration", profile.device.provenance or "none stated"),
        ("Intervals", f"{profile.confidence:.0%}{kind}"),
        (
            "Idle power",
            engineering(profile.idle_power_w, "W")
            + (f" ({device.idle_power_source})" if device and device.idle_power_source else ""),
        ),
        (
            "Meaning",
            (
                "Power and energy are those of the board's input, idle included, of one inference "
                "in a back-to-back loop."
            ),
        ),
    )


def plots_of(profile: Profile, device: Device | None = None) -> tuple[Plot, ...]:
    """Return the figures of a profile."""
    found = roofline(profile, device)
    roofs = (
        f"Grey lines are the roofs of {profile.device.name}@{profile.device.mode}."
        if found.roofs
        else "No shipped device has this name and power mode, so no roofs are drawn."
    )
    return (
        Plot(
            "timeline",
            "One inference",
            "Each bar is a layer in order of execution: width is time, height is power, area is "
            "energy. The dashed line is idle power. The table of layers holds the same numbers.",
            timeline_figure(profile),
        ),
        Plot(
            "kinds",
            "Energy by type of layer",
            "Energy of one inference by what the layers do.",
            kinds_figure(profile),
            share_table("Energy by type of layer", "type", by_kind(profile)),
        ),
        Plot(
            "stages",
            "Energy by stage of the network",
            "Stages in order of execution, named for the resolution that their layers write "
            "(or for how their names begin, where there are no images).",
            stages_figure(profile),
            share_table("Energy by stage of the network", "stage", by_stage(profile)),
        ),
        Plot(
            "roofline",
            "Roofline",
            f"Speed of {len(found.index)} layers against their FLOP per byte of memory traffic; "
            f"larger marks need more energy. {roofs}",
            roofline_figure(profile, device),
        ),
    )


def recording_plots(profile: Profile, recording: Recording | None) -> tuple[Plot, ...]:
    """Return power over time, or nothing without a recording."""
    if recording is None:
        return ()
    look = close_look(recording)
    runs = f"{look.runs} runs" if look.runs != 1 else "One run"
    return (
        Plot(
            "power",
            "Power over time",
            f"{runs} from the middle of {recording.timeline.runs}: power as the sensor gave it, "
            "and below it the layers that ran. A sensor's value is a mean over its own window, "
            "which may be longer than a layer.",
            close_figure(recording, profile),
        ),
        Plot(
            "recording",
            "The whole recording",
            "Mean power, and the band from the least to the greatest, with the idle time before "
            "and after.",
            whole_figure(recording),
        ),
    )


def share_table(caption: str, heading: str, shares: tuple[Share, ...]) -> Table:
    """Return groups of layers as a table."""
    total = sum(share.energy_j for share in shares) or math.nan
    columns = (
        Column(heading),
        Column("layers", numeric=True),
        Column("time, ms", numeric=True),
        Column("energy, mJ", numeric=True),
        Column("share, %", numeric=True),
    )
    rows = tuple(
        Row((
            _name(share.label),
            Cell(str(share.layers) if share.layers else ""),
            number_cell(share.runtime_s * 1e3),
            number_cell(share.energy_j * 1e3),
            number_cell(100 * share.energy_j / total),
        ))
        for share in shares
    )  # fmt: skip
    return Table(caption, columns, rows)


def layer_table(profile: Profile) -> Table:
    """Return the layers as a table that sorts and filters."""
    costs, total = profile.costs, profile.totals.energy_j.value
    intervals = costs.energy_j_low is not None
    sampled, errors = costs.samples is not None, costs.standard_error_w is not None
    columns = [
        Column("#", numeric=True),
        Column("layer"),
        Column("operation"),
        Column("output"),
        Column("MACs", numeric=True),
        Column("time, ms", numeric=True),
        Column("power, W", numeric=True),
        Column("energy, mJ", numeric=True),
    ]
    if intervals:
        columns.append(Column(f"{profile.confidence:.0%} interval, mJ", numeric=True))
    columns.append(Column("share, %", numeric=True))
    bounds = any(costs.bound)
    if bounds or not sampled:
        columns.append(Column("bound by"))
    if sampled:
        columns += [Column("known by"), Column("samples", numeric=True)]
    if errors:
        columns.append(Column("std. error, W", numeric=True))
    chosen = list(profile)
    if len(chosen) > MAX_ROWS:
        chosen.sort(key=lambda cost: -_or(cost.energy_j.value, -1.0))
        chosen = sorted(chosen[:MAX_ROWS], key=lambda cost: cost.index)
    rows = []
    for cost in chosen:
        cells = [*_cost_cells(cost)]
        if intervals:
            cells.append(_interval_cell(cost.energy_j))
        cells.append(number_cell(100 * cost.energy_j.value / total if total else math.nan))
        if bounds or not sampled:
            cells.append(Cell(cost.bound if cost.covered else "not covered"))
        if costs.samples is not None:
            cells.append(Cell(cost.known_by if cost.covered else "not covered"))
            cells.append(_count(float(costs.samples[cost.index])))
        if costs.standard_error_w is not None:
            cells.append(number_cell(float(costs.standard_error_w[cost.index])))
        rows.append(Row(tuple(cells), cost.layer.kind, marked=not cost.covered))
    hidden = len(profile) - len(rows)
    note = (
        f"The {len(rows)} layers that need most energy; {hidden} more are in the CSV and JSON."
        if hidden
        else ""
    )
    return Table("Layers in order of execution", tuple(columns), tuple(rows), note)


def _cost_cells(cost: LayerCost) -> tuple[Cell, ...]:
    layer = cost.layer
    shape = layer.output_shapes[0] if layer.output_shapes else ()
    macs = "" if layer.macs is None else engineering(layer.macs, "") if layer.macs else "0"
    operation = layer.op.replace("_", " ") + (" (depthwise)" if layer.depthwise else "")
    fused = f" +{len(layer.fused_ops)}" if layer.fused_ops else ""
    return (
        Cell(str(cost.index)),
        _name(layer.name),
        Cell(operation + fused, title=" + ".join((operation, *layer.fused_ops)) if fused else ""),
        Cell("x".join(map(str, shape)), key=str(math.prod(shape)) if shape else ""),
        Cell(macs, key="" if layer.macs is None else str(layer.macs)),
        number_cell(cost.runtime_s.value * 1e3),
        number_cell(cost.power_w.value),
        number_cell(cost.energy_j.value * 1e3),
    )


def _name(name: str) -> Cell:
    short = short_name(name, 44)
    return Cell(short, title="" if short == name else name)


def _interval_cell(estimate: Estimate) -> Cell:
    if not math.isfinite(estimate.low):
        return Cell("-")
    low, high = number_cell(estimate.low * 1e3), number_cell(estimate.high * 1e3)
    if low.text == high.text:
        return low
    return Cell(f"{low.text} to {high.text}", key=high.key or high.text)


def number_cell(value: float) -> Cell:
    """Three digits for a person; a sort key only where the text would sort otherwise."""
    if not math.isfinite(value):
        return Cell("-")
    if value == 0:
        return Cell("0")
    text = f"{float(f'{value:.3g}'):.12g}" if abs(value) >= 100 else f"{value:#.3g}"
    if abs(value) < 0.001:
        text = f"{value:.1e}"
    return Cell(text, key=f"{value:.5g}")


def _count(value: float) -> Cell:
    return Cell(f"{value:.0f}" if math.isfinite(value) else "-")


def _estimate(estimate: Estimate, unit: str) -> tuple[str, str]:
    return engineering(estimate.value, unit), _range(estimate, unit)


def _range(estimate: Estimate, unit: str) -> str:
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return ""
    if not unit:
        return f"{_plain(estimate.low)} to {_plain(estimate.high)}"
    return f"{engineering(estimate.low, unit)} to {engineering(estimate.high, unit)}"


def _plain(value: float) -> str:
    """Three digits without an exponent: `1230`, `12.3`."""
    return f"{float(f'{value:.3g}'):,.12g}" if math.isfinite(value) else "-"


def _or(value: float, default: float) -> float:
    return value if math.isfinite(value) else default
