"""What a page shows of a profile: texts and sort keys, ready for a template."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from edgeprofiler.core.device import Device
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.words import (
    cautions,
    interval_words,
    layer_table,
    subtitle,
    totals_table,
)
from edgeprofiler.core.table import Column, Table, tabulate
from edgeprofiler.core.units import engineering
from edgeprofiler.measurement.recording import Recording
from edgeprofiler.views.plots.graph import Graph, graph_of
from edgeprofiler.views.plots.pictures import (
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
    headlines: tuple[tuple[str, ...], ...]
    """The totals that a reader came for: what, how much, the interval, a remark."""
    warnings: tuple[str, ...]
    plots: tuple[Plot, ...]
    graph: Graph | None
    """The network's layers and what they read; `None` where that is unknown."""
    layers: Table
    provenance: tuple[tuple[str, str], ...]


def view_of(
    profile: Profile, device: Device | None = None, recording: Recording | None = None
) -> ProfileView:
    """Return what a page shows of a profile.

    Args:
        device: whose roofs to draw; the shipped device that the profile names where `None`.
        recording: what a measured profile was made from, to show power over time.
    """
    network, label = profile.network, profile.device
    board = device or known_device(label)
    return ProfileView(
        title=network.name,
        subtitle=subtitle(profile),
        simulated=profile.simulated,
        headlines=headlines(profile),
        warnings=warnings_of(profile, recording),
        plots=(*plots_of(profile, board), *recording_plots(profile, recording)),
        graph=graph_of(profile),
        layers=layer_table(profile, most=MAX_ROWS),
        provenance=(
            *provenance(profile, board),
            *(facts(recording) if recording is not None else ()),
        ),
    )


def headlines(profile: Profile) -> tuple[tuple[str, ...], ...]:
    """Return the totals that a reader came for: what, how much, the interval, a remark."""
    table = totals_table(profile)
    return tuple(
        tuple(cell.text for cell in table.cells(row)) for row in table.rows if row.tone == "strong"
    )


def warnings_of(profile: Profile, recording: Recording | None = None) -> tuple[str, ...]:
    """Return what a reader must know before trusting the numbers, each once."""
    found = [*cautions(profile)]
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
    kind = interval_words(profile)
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
            kind_table(profile),
        ),
        Plot(
            "stages",
            "Energy by stage of the network",
            "Stages in order of execution, named for the resolution that their layers write "
            "(or for how their names begin, where there are no images).",
            stages_figure(profile),
            stage_table(profile),
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


def kind_table(profile: Profile) -> Table:
    """Return what each type of layer costs."""
    return _share_table("Energy by type of layer", Column("type"), by_kind(profile))


def stage_table(profile: Profile) -> Table:
    """Return what each stage of the network costs."""
    stage = Column("stage", kind="name")
    return _share_table("Energy by stage of the network", stage, by_stage(profile))


def _share_table(caption: str, column: Column, shares: tuple[Share, ...]) -> Table:
    total = sum(share.energy_j for share in shares) or math.nan
    return tabulate(caption, shares, (
        (column, lambda share: share.label),
        (Column("layers", kind="count"), lambda share: share.layers or ""),
        (Column("time", "ms", "number"), lambda share: share.runtime_s),
        (Column("energy", "mJ", "number"), lambda share: share.energy_j),
        (Column("share", "%", "number"), lambda share: share.energy_j / total),
    ))  # fmt: skip
