"""Profiles as JSON, `edgeprofiler.profile/2`; unknown numbers are null, never 0."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core import files
from edgeprofiler.core.arrays import read_only
from edgeprofiler.core.device.clocks import Clocks
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.network_document import (
    layer_from_document,
    layer_to_document,
    network_from_document,
    network_to_document,
)
from edgeprofiler.core.plain import attributes
from edgeprofiler.core.profile.latencies import profile_of_latencies, says_latencies
from edgeprofiler.core.profile.possible import require_possible
from edgeprofiler.core.profile.profile import Costs, DeviceLabel, Origin, Part, Profile, Totals
from edgeprofiler.core.units import known
from edgeprofiler.core.values import Value, read_json

SCHEMA = "edgeprofiler.profile/2"
"""What a profile's `schema` says."""

READABLE = ("edgeprofiler.profile/1", SCHEMA)
"""What is read: the first version lacks TensorRT, the bound and what the host adds."""

_COSTS = ("runtime_s", "power_w", "energy_j")
_BOUNDS = tuple(f"{name}_{end}" for name in _COSTS for end in ("low", "high"))
_OPTIONAL = (*_BOUNDS, "standard_error_w", "samples")
"""Columns of `Costs` that a profile may lack; the document lists those that it has."""

_LABEL = ("name", "mode", "runtime", "provenance")

_TOTALS = tuple(Totals.__dataclass_fields__)


def to_document(profile: Profile) -> dict[str, Any]:
    """Return a profile as JSON holds it; `schema()` describes it."""
    network = network_to_document(profile.network)
    return {
        "schema": SCHEMA,
        "network": network,
        "device": asdict(profile.device),
        "origin": asdict(profile.origin),
        **attributes(profile, "simulated idle_power_w"),
        "interval": {
            "confidence": profile.confidence,
            "kind": profile.interval_kind,
            "narrowed_by": profile.narrowed_by,
            "totals": [name for name in _TOTALS if name in profile.total_intervals],
        },
        "columns": [name for name in _OPTIONAL if getattr(profile.costs, name) is not None],
        "totals": _totals(profile),
        "unattributed": [
            _part("fixed", profile.fixed),
            _part("host_gap", profile.host_gap),
        ],
        "memory": profile.memory.document(),
        "coverage": coverage_document(profile),
        "warnings": [*profile.warnings],
        "layers": _layers(profile),
    }


def coverage_document(profile: Profile) -> dict[str, Any]:
    """Return which layers have a cost, and what share of the work they are."""
    return {
        "macs": known(profile.covered_macs),
        "bytes": known(profile.covered_bytes),
        "time_lower_bound": known(profile.time_lower_bound_s),
        **attributes(profile, "uncovered uncounted"),
    }


def to_json(profile: Profile) -> str:
    """Return a profile as the text of its document."""
    return files.dump_json(to_document(profile))


def from_document(document: object, source: object = "profile") -> Profile:
    """Return the profile that a document holds.

    Args:
        document: JSON as `to_document` writes it.
        source: the file it came from, for messages.

    Raises:
        InvalidInput: it is no profile, of another version, or a value in it is wrong.
    """
    value = Value(document, source)
    _check_schema(value)
    entries = value["layers"].items()
    network = network_from_document(
        value["network"], tuple(layer_from_document(entry) for entry in entries)
    )
    first = value["schema"].raw == READABLE[0]
    origin, intervals = value["origin"], value["intervals" if first else "interval"]
    parts = {part["name"].text(): part for part in value["unattributed"].items()}
    if sorted(parts) != ["fixed", "host_gap"]:
        raise value["unattributed"].fail("is not the two lines fixed and host_gap")
    kind = origin["kind"].choice(("measured", "predicted"))
    device = {key: value["device"][key].text() for key in _LABEL}
    device["tensorrt"] = value["device"]["tensorrt"].default("").text()
    profile = Profile(
        network=network,
        device=DeviceLabel(**device, clocks=value["device"]["clocks"].maybe(_read_clocks)),
        origin=Origin(kind, origin["by"].text(), origin["version"].text()),  # type: ignore[arg-type]
        idle_power_w=value["idle_power_w"].number_or_nan(),
        costs=_read_costs(entries, value["columns"].texts()),
        fixed=_read_part(parts["fixed"]),
        host_gap=_read_part(parts["host_gap"]),
        total_intervals=_read_intervals(value["totals"], intervals["totals"].texts()),
        confidence=intervals["confidence"].number(0, 1),
        interval_kind=intervals["kind"].text(),
        narrowed_by=intervals["narrowed_by"].default("").text(),
        bound=value["totals"]["bound"].default("").text(),
        host_fixed_s=value["totals"]["host_fixed_s"].number_or_nan(minimum=0),
        time_lower_bound_s=value["coverage"]["time_lower_bound"].number_or_nan(),
        warnings=value["warnings"].texts(),
        simulated=value["simulated"].boolean(),
        board_memory_bytes=value["memory"]["board_bytes"].number_or_nan(minimum=0)
        if "memory" in value.mapping()
        else math.nan,
        rate_hz=value["totals"]["at_rate"].maybe(lambda known: known["rate_hz"].number(above=0)),
    )
    return require_possible(profile, source)


def write_profile(profile: Profile, path: Path | str) -> None:
    """Write a profile as JSON, whole or not at all.

    Raises:
        CannotWrite: the folder is missing, not writable or full.

    >>> import edgeprofiler
    >>> edgeprofiler.write_profile(edgeprofiler.predict("zoo:lenet"), "lenet.json")
    >>> edgeprofiler.read_profile("lenet.json").network.name
    'lenet'
    """
    files.write_text(Path(path), to_json(profile))


def read_profile(path: Path | str) -> Profile:
    """Return the profile in a JSON file, or of `trt_layer_latency.json`: times of layers alone.

    Raises:
        InvalidInput: the file is missing, too large, no JSON, or no profile.

    >>> import edgeprofiler
    >>> edgeprofiler.read_profile("profile.json").origin.kind
    'predicted'
    """
    document = read_json(Path(path)).raw
    if says_latencies(files.head_of(Path(path))):
        return profile_of_latencies(document, path)
    return from_document(document, path)


@lru_cache(maxsize=1)
def schema() -> Mapping[str, Any]:
    """Return the JSON Schema (draft 2020-12) that every written profile satisfies."""
    text = package_files("edgeprofiler.core.profile").joinpath(
        "schema/edgeprofiler.profile-2.schema.json"
    )
    loaded: dict[str, Any] = json.loads(text.read_text(encoding="utf-8"))
    return loaded


def _totals(profile: Profile) -> dict[str, Any]:
    totals: dict[str, Any] = {}
    for name in _TOTALS:
        totals |= getattr(profile.totals, name).document(name)
    totals |= {"bound": profile.bound, "host_fixed_s": known(profile.host_fixed_s)}
    if profile.at_rate is not None:
        totals["at_rate"] = profile.at_rate.document()
    return totals


def _part(name: str, part: Part) -> dict[str, Any]:
    return {"name": name, **attributes(part, "runtime_s power_w energy_j")}


def _layers(profile: Profile) -> list[dict[str, Any]]:
    costs = profile.costs
    names = [name for cost in _COSTS for name in (cost, f"{cost}_low", f"{cost}_high")]
    columns = {name: _list(getattr(costs, name), len(costs)) for name in names}
    for name in _OPTIONAL:
        if name not in columns and getattr(costs, name) is not None:
            columns[name] = _list(getattr(costs, name), len(costs))
    return [
        {
            "index": index,
            **layer_to_document(layer),
            "bound": costs.bound[index],
            "covered": bool(costs.covered[index]),
            "known_by": costs.known_by[index],
            **{name: column[index] for name, column in columns.items()},
        }
        for index, layer in enumerate(profile.network.layers)
    ]


def _list(column: FloatArray | None, length: int) -> list[float | None]:
    return [None] * length if column is None else [known(v) for v in column.tolist()]


def _read_clocks(value: Value) -> Clocks:
    return Clocks(
        gpu_hz=value["gpu_hz"].number(0),
        emc_hz=value["emc_hz"].maybe(lambda known: known.number(0)),
        cpu_hz=value["cpu_hz"].maybe(lambda known: known.number(0)),
        cpu_cores=value["cpu_cores"].maybe(lambda known: known.integer(0)),
        sms=value["sms"].integer(0),
    )


def _check_schema(value: Value) -> None:
    stated = value.mapping().get("schema")
    if stated in READABLE:
        return
    family = SCHEMA.partition("/")[0]
    if isinstance(stated, str) and stated.startswith(f"{family}/"):
        problem = f"is a profile of version {stated.partition('/')[2][:20]!r}; this reads 1 and 2"
        raise InvalidInput(value.source, problem, "read it with a newer EdgeProfiler")
    raise InvalidInput(
        value.source,
        f"is no profile (its schema is not {SCHEMA})",
        "expected what `predict --json` writes",
    )


def _read_costs(entries: list[Value], present: tuple[str, ...]) -> Costs:
    for position, entry in enumerate(entries):
        if entry["index"].integer() != position:
            raise entry["index"].fail(f"is {entry['index'].raw}, expected {position}")

    def column(key: str, minimum: float | None = None) -> FloatArray:
        values = [entry[key].number_or_nan(minimum) for entry in entries]
        return read_only(values, np.float64)

    return Costs(
        runtime_s=column("runtime_s", minimum=0),
        power_w=column("power_w"),
        covered=read_only([e["covered"].boolean() for e in entries], np.bool_),
        bound=tuple(e["bound"].text() for e in entries),
        known_by=tuple(e["known_by"].text() for e in entries),
        **{name: column(name) for name in _OPTIONAL if name in present},
    )


def _read_part(value: Value) -> Part:
    return Part(value["runtime_s"].number_or_nan(), value["power_w"].number_or_nan())


def _read_intervals(value: Value, present: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    return {
        name: (
            value[f"{name}_low"].number_or_nan(),
            value[f"{name}_high"].number_or_nan(),
        )
        for name in _TOTALS
        if name in present
    }


def is_profile(source: str | Path) -> bool:
    """Say whether a path is a saved profile."""
    return says_profile(files.head_of(Path(source)))


def says_profile(head: bytes) -> bool:
    """Say whether a file that begins with `head` is a saved profile."""
    return b"edgeprofiler.profile/" in head[:512] or says_latencies(head)
