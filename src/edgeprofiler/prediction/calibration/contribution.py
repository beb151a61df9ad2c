"""The noun `Contribution`: measurements that a stranger may be given, and rows made of them.

A contribution names a board, its mode, software and state, and the layers of a network with their
times and powers. It holds no name of a person, network, file or machine: layers are called by what
they do, and of a network only a name in the zoo is kept.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgeprofiler._version import __version__
from edgeprofiler.core.choices import PRECISIONS
from edgeprofiler.core.device import device_names
from edgeprofiler.core.files import dump_json, head_of, write_text
from edgeprofiler.core.network import Network, Source
from edgeprofiler.core.network_document import layer_from_document, layer_to_document
from edgeprofiler.core.plain import attributes
from edgeprofiler.core.units import known
from edgeprofiler.core.values import Value, read_json
from edgeprofiler.prediction.calibration.measured import Measured, runtime_of

SCHEMA = "edgeprofiler.contribution/1"
LICENCES = ("CC0-1.0", "CC-BY-4.0")
"""Under which measurements may be given: no rights reserved, or with a mention."""
_ZOO = re.compile(r"zoo:([a-z0-9_]+)")
_VERSION = r"\s*(\d+(?:\.\d+)*)"


@dataclass(frozen=True)
class Contributed:
    """One network, measured once. What is not known is NaN or empty."""

    board: str
    mode: str
    runtime: str
    """Host runtime."""
    network: Network
    end_to_end_s: float
    power_above_idle_w: float
    jetpack: str = ""
    tensorrt: str = ""
    idle_power_w: float = math.nan
    layers: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """`runtime_s`, `power_w` (idle included), `standard_error_w`, each with one number a layer."""
    state: Mapping[str, Any] = field(default_factory=dict)
    simulated: bool = False

    def document(self) -> dict[str, Any]:
        """Return the measurement as JSON values."""
        columns = self.layers.items()
        return {
            **attributes(self, "board mode jetpack tensorrt runtime"),
            "network": self.network.name,
            **attributes(self.network, "batch precision"),
            **attributes(self, "end_to_end_s power_above_idle_w idle_power_w state simulated"),
            "layers": [
                layer_to_document(layer) | {name: known(values[i]) for name, values in columns}
                for i, layer in enumerate(self.network.layers)
            ],
        }

    def row(self) -> Measured:
        """Return the measurement as a row of measured totals; its layers are the model."""
        releases = {"JetPack": self.jetpack, "TensorRT": self.tensorrt}
        software = [f"{name} {version}" for name, version in releases.items() if version]
        name = self.network.name.removeprefix("zoo:")
        return Measured(
            device=self.board,
            mode=self.mode,
            software=", ".join([*software, self.runtime]),
            runtime=runtime_of(self.runtime),
            network=name,
            model=f"contributed:{name}",
            batch=self.network.batch,
            shape=(),
            precision=self.network.precision,
            runtime_s=self.end_to_end_s,
            power_above_idle_w=self.power_above_idle_w,
            canonical=name,
            family=name,
            set_aside="",
            simulated=self.simulated,
            layers=self.network,
            tensorrt=self.tensorrt,
        )


@dataclass(frozen=True)
class Contribution:
    """Measurements and the licence that they are given under."""

    measurements: tuple[Contributed, ...]
    licence: str
    notes: tuple[str, ...] = ()
    """What of the sources is left out, and why; for who gives it, and not written."""

    def document(self) -> dict[str, Any]:
        """Return the JSON document `edgeprofiler.contribution/1`."""
        return {
            "schema": SCHEMA,
            "licence": self.licence,
            "version": __version__,
            "measurements": [measured.document() for measured in self.measurements],
        }

    def save(self, path: str | Path) -> None:
        """Write the file, whole or not at all."""
        write_text(Path(path), dump_json(self.document()))


def anonymous(network: Network, named: str = "") -> Network:
    """Return a network without any name but one of the zoo.

    Args:
        network: its layers.
        named: address of its model, where the network does not know it.

    >>> from edgeprofiler.reading.read import read
    >>> anonymous(read("zoo:lenet")).layers[0].name.endswith("-0")
    True
    """
    layers = tuple(
        replace(layer, name=f"{layer.op}-{index}", nodes=())
        for index, layer in enumerate(network.layers)
    )
    known = _ZOO.match(named or network.source.name)
    shapes = repr([(layer.op, layer.input_shapes, layer.output_shapes) for layer in layers])
    name = known[0] if known else f"network-{hashlib.sha256(shapes.encode()).hexdigest()[:8]}"
    return replace(
        network, name=name, layers=layers, source=Source(name, "contribution"), warnings=()
    )


def software_of(text: str) -> dict[str, str]:
    """Return the releases that a description of software names; the rest of it stays away.

    >>> software_of("JetPack 6.2, TensorRT 10.3, my script")
    {'jetpack': '6.2', 'tensorrt': '10.3'}
    """
    found = {
        "jetpack": re.search(rf"JetPack{_VERSION}", text, re.IGNORECASE),
        "tensorrt": re.search(rf"TensorRT{_VERSION}", text, re.IGNORECASE),
    }
    return {name: match[1] for name, match in found.items() if match}


def is_contribution(path: Path) -> bool:
    """Return whether a file says that it is a contribution."""
    return path.is_file() and b'"edgeprofiler.contribution/' in head_of(path, 200)


def read_contribution(path: str | Path) -> Contribution:
    """Return what `Contribution.save` wrote.

    Raises:
        InvalidInput: the file is no contribution, or a value in it is none that it can be.
    """
    top = read_json(Path(path))
    top["schema"].choice((SCHEMA,))
    licence = top["licence"].choice(LICENCES)
    return Contribution(tuple(_measurement(each) for each in top["measurements"].items()), licence)


def rows(path: Path) -> list[Measured]:
    """Return a contribution's measurements as rows of measured totals."""
    return [measured.row() for measured in read_contribution(path).measurements]


def _measurement(value: Value) -> Contributed:
    listed = value["layers"].items()
    name = value["network"].name()
    network = Network(
        name=name,
        layers=tuple(layer_from_document(layer) for layer in listed),
        source=Source(name, "contribution"),
        batch=value["batch"].integer(1, 2**31),
        precision=value["precision"].choice(PRECISIONS),
    )
    columns = [c for c in ("runtime_s", "power_w", "standard_error_w") if listed and c in listed[0]]
    return Contributed(
        board=value["board"].choice(device_names()),
        mode=value["mode"].text(),
        runtime=value["runtime"].text(),
        network=network,
        end_to_end_s=value["end_to_end_s"].number_or_nan(above=0.0),
        power_above_idle_w=value["power_above_idle_w"].number_or_nan(0.0),
        jetpack=value["jetpack"].text(),
        tensorrt=value["tensorrt"].text(),
        idle_power_w=value["idle_power_w"].number_or_nan(0.0),
        layers={c: tuple(layer[c].number_or_nan(0.0) for layer in listed) for c in columns},
        state=value["state"].mapping(),
        simulated=value["simulated"].boolean(),
    )
