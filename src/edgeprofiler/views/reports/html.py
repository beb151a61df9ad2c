"""What a notebook shows of a profile or a network: a small table, no script, nothing loaded."""

from __future__ import annotations

import html

from edgeprofiler.core.network import Network
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.units import engineering
from edgeprofiler.views.names import short_name
from edgeprofiler.views.reports.view import Table, headlines, layer_table, warnings_of

MAX_LAYERS = 400
"""Layers in a notebook's table; the report and the CSV have all."""

_CELL = "padding:2px 8px;white-space:nowrap"


def render(shown: Profile | Network) -> str:
    """Return HTML of a profile or a network for a notebook's rich display."""
    return _profile(shown) if isinstance(shown, Profile) else _network(shown)


def _profile(profile: Profile) -> str:
    network, device = profile.network, profile.device
    mark = " <strong>SIMULATED</strong>" if profile.simulated else ""
    head = (
        f"<p><strong>{_text(network.name)}</strong>, batch {network.batch}, "
        f"{_text(network.precision)}, on {_text(f'{device.name}@{device.mode}')} with "
        f"{_text(device.runtime)}; {profile.origin.kind} by {_text(profile.origin.by)}.{mark}</p>"
    )
    rows = "".join(
        f'<tr><th scope="row" style="{_CELL};text-align:left">{item.label}</th>'
        f'<td style="{_CELL}"><strong>{item.value}</strong></td>'
        f'<td style="{_CELL}">{item.interval}</td><td style="{_CELL}">{item.remark}</td></tr>'
        for item in headlines(profile)
    )
    notes = "".join(f"<li>{_text(text)}</li>" for text in warnings_of(profile))
    warned = f"<p>Warnings</p><ul>{notes}</ul>" if notes else ""
    return (
        f"<div>{head}<table>{rows}</table>{warned}{_layers(layer_table(profile), len(profile))}"
        "</div>"
    )


def _network(network: Network) -> str:
    parameters = sum(layer.weight_bytes or 0 for layer in network.layers)
    head = (
        f"<p><strong>{_text(network.name)}</strong>, batch {network.batch}, "
        f"{_text(network.precision)}: {len(network)} layers, {engineering(network.macs, 'MACs')}, "
        f"{engineering(parameters, 'B')} of weights.</p>"
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td style="{_CELL};text-align:left">{_text(text)}</td>'
            for text in (
                str(index),
                short_name(layer.name, 44),
                layer.op.replace("_", " "),
                "x".join(map(str, layer.output_shapes[0])) if layer.output_shapes else "",
                engineering(layer.macs, "") if layer.macs else "",
            )
        )
        + "</tr>"
        for index, layer in enumerate(network.layers[:MAX_LAYERS])
    )
    heads = "".join(f"<th>{label}</th>" for label in ("#", "layer", "operation", "output", "MACs"))
    notes = "".join(f"<li>{_text(text)}</li>" for text in network.warnings)
    warned = f"<p>Warnings</p><ul>{notes}</ul>" if notes else ""
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f"<div>{head}{warned}{_folded(table, len(network))}</div>"


def _layers(table: Table, count: int) -> str:
    heads = "".join(f"<th>{_text(column.label)}</th>" for column in table.columns)
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td style="{_CELL};text-align:{"right" if column.numeric else "left"}">'
            f"{_text(cell.text)}</td>"
            for cell, column in zip(row.cells, table.columns, strict=True)
        )
        + "</tr>"
        for row in table.rows[:MAX_LAYERS]
    )
    return _folded(
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>", count
    )  # fmt: skip


def _folded(table: str, count: int) -> str:
    shown = "" if count <= MAX_LAYERS else f", {MAX_LAYERS} of them shown"
    return f"<details><summary>{count} layers{shown}</summary>{table}</details>"


def _text(text: str) -> str:
    return html.escape(text)
