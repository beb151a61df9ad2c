"""A board in a stated power mode: its datasheet, its rails, and what was fitted on it.

Devices are TOML files. Those shipped lie in `edgeprofiler/devices`; a user's own file has the
same form, or names a shipped one with `base = "jetson-orin-nano"` and says what differs.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from edgeprofiler.errors import InvalidInput, UsageError
from edgeprofiler.files import parse_toml, read_toml

SCHEMA = "edgeprofiler.device/1"
RUNTIMES = ("trtexec", "cpp", "torch-tensorrt", "torch2trt")
"""Host runtimes: what calls the engine, and so how long the GPU waits between inferences."""
DEFAULT_DEVICE = "jetson-orin-nano"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LANE_FLOPS = 256
"""FP32 operations a clock and multiprocessor: 128 lanes, as on the shipped boards but Volta's."""
_DEEPEST = 8
"""Files that may build on one another by `base`."""
_DTYPES = ("fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "int8", "uint8", "int4")
_RANGES: Mapping[str, tuple[float, float, str]] = {
    "sms": (1, 1024, "write how many multiprocessors it has"),
    "gpu_clock_hz": (1e6, 1e10, "write it in Hz"),
    "bandwidth_bytes_per_s": (1e8, 1e14, "write it in bytes a second"),
    "l2_bytes": (1024, 1e10, "write it in bytes"),
    "compute_capability": (1, 20, "write CUDA's number, such as 8.7"),
    "idle_power_w": (1e-3, 1e4, "write it in watts"),
    "power_budget_w": (0.1, 1e5, "write it in watts"),
    **dict.fromkeys(_DTYPES, (1e8, 1e17, "write it in operations a second")),
}
"""What no board lies outside of: a number beyond is one in another unit."""
_KEYS: Mapping[str, tuple[str, ...]] = {
    "": ("schema", "name", "description", "family", "like", "default_mode", "total_rails",
         "other_rails", "idle_power_source", "datasheet", "modes", "calibrations"),
    "base": ("schema", "base", "name", "mode", "idle_power_w", "idle_power_source",
             "calibrations"),
    "datasheet": ("gpu", "sms", "gpu_clock_hz", "bandwidth_bytes_per_s", "l2_bytes",
                  "tensor_cores", "compute_capability", "sources", "peak_flops", "vector_flops"),
    "peak_flops": _DTYPES,
    "vector_flops": _DTYPES,
    "modes": ("name", "gpu_clock_hz", "bandwidth_bytes_per_s", "sms", "power_budget_w",
              "idle_power_w", "note"),
    "calibrations": ("mode", "runtime", "software", "parameters", "provenance", "rows",
                     "networks", "errors"),
}  # fmt: skip


@dataclass(frozen=True)
class Datasheet:
    """What the maker says of the board, at the clocks of its fastest power mode."""

    gpu: str
    sms: int
    """Streaming multiprocessors."""
    gpu_clock_hz: float
    """GPU clock that the peaks below are stated at."""
    peak_flops: Mapping[str, float]
    """Dense FLOP/s (two a multiply-accumulate) by data type, tensor cores where there are any."""
    vector_flops: Mapping[str, float]
    """FLOP/s of the CUDA cores by data type."""
    bandwidth_bytes_per_s: float
    l2_bytes: int
    tensor_cores: bool
    compute_capability: float
    """CUDA's number for the generation, 8.7 for Orin."""
    sources: tuple[str, ...] = ()

    @property
    def async_copy(self) -> bool:
        """Whether kernels load data while they compute (CUDA: `cp.async`, from 8.0 on)."""
        return self.compute_capability >= 8.0


@dataclass(frozen=True)
class PowerMode:
    """One nvpmodel mode: what it caps."""

    name: str
    gpu_clock_hz: float
    bandwidth_bytes_per_s: float
    sms: int
    power_budget_w: float
    """Budget that the mode is named for; NaN where it is uncapped and none is stated."""
    idle_power_w: float
    note: str = ""


@dataclass(frozen=True)
class Calibration:
    """Numbers fitted on measurements of one board, power mode and software stack."""

    mode: str
    runtime: str
    """Host runtime of the measurements, one of `RUNTIMES`."""
    software: str
    parameters: Mapping[str, float]
    """Board deviations and rates by name; the predictor that reads them documents each."""
    provenance: str
    rows: int = 0
    networks: tuple[str, ...] = ()
    errors: Mapping[str, float] = field(default_factory=dict)
    """Errors it was validated with, by name: `lono_mape`, `residual_q90`, ..."""


@dataclass(frozen=True)
class Device:
    """A board in one power mode, called by one host runtime."""

    name: str
    mode: PowerMode
    runtime: str
    datasheet: Datasheet
    modes: tuple[PowerMode, ...]
    default_mode: str
    total_rails: tuple[str, ...] = ()
    """Power rails whose sum is the board's input."""
    other_rails: tuple[str, ...] = ()
    idle_power_source: str = ""
    calibrations: tuple[Calibration, ...] = ()
    like: str = ""
    """A board of the same chip, whose calibration stands in while this one has none."""
    stand_ins: tuple[Calibration, ...] = ()
    """That board's calibrations."""
    description: str = ""
    family: str = "jetson"
    source: str = "shipped"
    """`shipped`, or the path of the file it was read from."""

    @property
    def spec(self) -> str:
        """How a user names it: `jetson-orin-nano@25w`."""
        return f"{self.name}@{self.mode.name}"

    @property
    def gpu_clock_hz(self) -> float:
        """GPU clock in this mode."""
        return self.mode.gpu_clock_hz

    @property
    def bandwidth_bytes_per_s(self) -> float:
        """DRAM bandwidth in this mode."""
        return self.mode.bandwidth_bytes_per_s

    @property
    def idle_power_w(self) -> float:
        """Power of the board's input when nothing runs."""
        return self.mode.idle_power_w

    @property
    def scale(self) -> float:
        """Peak compute of this mode as a share of the datasheet's."""
        sheet = self.datasheet
        return (self.mode.gpu_clock_hz / sheet.gpu_clock_hz) * (self.mode.sms / sheet.sms)

    def peak_flops(self, dtype: str) -> float:
        """Dense FLOP/s of `dtype` in this mode; a type without a peak runs as fp32."""
        return self._peak(self.datasheet.peak_flops, dtype)

    def vector_flops(self, dtype: str) -> float:
        """FLOP/s of the CUDA cores for `dtype` in this mode."""
        return self._peak(self.datasheet.vector_flops, dtype)

    def _peak(self, table: Mapping[str, float], dtype: str) -> float:
        alias = {"bf16": "fp16", "uint8": "int8", "fp8": "int8", "int4": "int8"}
        for name in (dtype, alias.get(dtype, "fp32"), "fp32", "fp16"):
            if name in table:
                return table[name] * self.scale
        return max(table.values()) * self.scale

    def with_mode(self, name: str) -> Device:
        """Return the same board in another power mode."""
        wanted = name.lower()
        for mode in self.modes:
            if mode.name == wanted:
                return replace(self, mode=mode)
        names = ", ".join(mode.name for mode in self.modes)
        raise UsageError(f"{self.name} has no power mode {name!r}; choose one of: {names}")

    def with_runtime(self, runtime: str) -> Device:
        """Return the same board called by another host runtime."""
        if runtime not in RUNTIMES:
            choices = ", ".join(RUNTIMES)
            raise UsageError(f"no host runtime {runtime!r}; choose one of: {choices}")
        return replace(self, runtime=runtime)


@cache
def device_names() -> tuple[str, ...]:
    """Return the names of the shipped devices."""
    folder = resources.files("edgeprofiler") / "devices"
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml")))


def load_device(spec: str | Path | Device = DEFAULT_DEVICE, runtime: str | None = None) -> Device:
    """Return the device that `spec` names.

    Args:
        spec: `NAME`, `NAME@MODE`, or the path of a TOML file (also `PATH@MODE`).
        runtime: host runtime, one of `RUNTIMES`; `trtexec` where nothing else is said.

    Raises:
        UsageError: no such device, mode or runtime.
        InvalidInput: the file is not a device.
    """
    if isinstance(spec, Device):
        return spec if runtime is None else spec.with_runtime(runtime)
    return _named(str(spec), Path(), 0).with_runtime(runtime or "trtexec")


def _named(spec: str, folder: Path, depth: int) -> Device:
    """Return the device of `NAME[@MODE]` or `PATH[@MODE]`; a path starts at `folder`."""
    name, _, mode = spec.rpartition("@") if "@" in spec else (spec, "", "")
    if name.endswith(".toml") or "/" in name:
        path = folder / name
        device = _device(read_toml(path), str(path), str(path), depth)
    else:
        device = _shipped(name.lower())
    return device.with_mode(mode) if mode else device


@cache
def _shipped(name: str) -> Device:
    if name not in device_names():
        close = difflib.get_close_matches(name, device_names(), n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(
            f"unknown device {name!r}; {hint}`edgeprofiler devices` lists them, "
            "and a path to a .toml file names your own"
        )
    path = resources.files("edgeprofiler") / "devices" / f"{name}.toml"
    return _device(parse_toml(path.read_text(encoding="utf-8"), path), str(path), "shipped")


def _base(table: Mapping[str, Any], where: str, depth: int) -> Device:
    """Return the device that a file builds on, in the mode that the file names."""
    name = _text(table, "base", where)
    if depth >= _DEEPEST:
        raise InvalidInput(where, f"builds on {name} after {depth} other files", "change base")
    try:
        base = _named(name, Path(where).parent, depth + 1)
        return base.with_mode(_text(table, "mode", where)) if "mode" in table else base
    except UsageError as error:
        raise InvalidInput(where, str(error)) from None


def _device(table: Mapping[str, Any], where: str, source: str, depth: int = 0) -> Device:
    _check_keys(table, "base" if "base" in table else "", where)
    if "base" in table:
        base = _base(table, where, depth)
        own = _calibrations(table, where, base.modes)
        # Calibrations of a user's own come first: the first that fits is used.
        device = replace(base, calibrations=own + base.calibrations, source=source)
        device = replace(device, name=_name(table, where, base.name))
        if "idle_power_w" in table:
            idle = _number(table, "idle_power_w", where)
            device = replace(
                device,
                mode=replace(device.mode, idle_power_w=idle),
                modes=tuple(replace(m, idle_power_w=idle) for m in device.modes),
                idle_power_source=str(table.get("idle_power_source", "stated by the user")),
            )
        return device
    if table.get("schema", SCHEMA) != SCHEMA:
        raise InvalidInput(where, f"schema is {table['schema']!r}", f"expected {SCHEMA!r}")
    sheet_table = _table(table, "datasheet", where)
    sheet = _datasheet(sheet_table, where)
    modes = tuple(_mode(entry, sheet, where) for entry in _tables(table, "modes", where))
    if not modes:
        raise InvalidInput(where, "has no power mode", "add at least one [[modes]] table")
    names = [mode.name for mode in modes]
    if len(set(names)) < len(names):
        raise InvalidInput(where, "two power modes have one name", f"it has {', '.join(names)}")
    default = str(table.get("default_mode", modes[0].name))
    like = _text(table, "like", where) if "like" in table else ""
    if like and like not in device_names():
        raise InvalidInput(where, f"like: no shipped device {like!r}", "see `edgeprofiler devices`")
    device = Device(
        name=_name(table, where, ""),
        mode=modes[0],
        runtime="trtexec",
        datasheet=sheet,
        modes=modes,
        default_mode=default,
        total_rails=_strings(table, "total_rails", where),
        other_rails=_strings(table, "other_rails", where),
        idle_power_source=str(table.get("idle_power_source", "")),
        calibrations=_calibrations(table, where, modes),
        like=like,
        stand_ins=_shipped(like).calibrations if like else (),
        description=str(table.get("description", "")),
        family=str(table.get("family", "jetson")),
        source=source,
    )
    try:
        return device.with_mode(default)
    except UsageError as error:
        raise InvalidInput(where, f"default_mode: {error}") from None


def _datasheet(table: Mapping[str, Any], where: str) -> Datasheet:
    _check_keys(table, "datasheet", where)
    for name in ("peak_flops", "vector_flops"):
        _check_keys(dict(_nested(table, name, where)), name, where)
    peaks = {k: _number({k: v}, k, where) for k, v in _nested(table, "peak_flops", where)}
    vector = {k: _number({k: v}, k, where) for k, v in _nested(table, "vector_flops", where)}
    if "fp16" not in peaks and "fp32" not in peaks:
        raise InvalidInput(
            where, "datasheet.peak_flops has neither fp16 nor fp32", "give at least one of them"
        )
    tensor_cores = table.get("tensor_cores", False)
    if not isinstance(tensor_cores, bool):
        raise InvalidInput(where, "tensor_cores is neither true nor false")
    sms, clock = _whole(table, "sms", 0, where), _number(table, "gpu_clock_hz", where)
    if not vector:  # a peak of tensor cores is not one of the lanes beside them
        lanes = peaks.get("fp32", _LANE_FLOPS * sms * clock)
        vector = {"fp32": lanes, "fp16": 2 * lanes} if tensor_cores else peaks
    return Datasheet(
        gpu=str(table.get("gpu", "")),
        sms=sms,
        gpu_clock_hz=clock,
        peak_flops=peaks,
        vector_flops=vector,
        bandwidth_bytes_per_s=_number(table, "bandwidth_bytes_per_s", where),
        l2_bytes=_whole(table, "l2_bytes", 1 << 20, where),
        tensor_cores=tensor_cores,
        compute_capability=_optional(
            table, "compute_capability", 8.0 if tensor_cores else 6.0, where
        ),
        sources=_strings(table, "sources", where),
    )


def _mode(table: Mapping[str, Any], sheet: Datasheet, where: str) -> PowerMode:
    _check_keys(table, "modes", where)
    budget = _optional(table, "power_budget_w", math.nan, where)
    idle = _number(table, "idle_power_w", where)
    if idle >= budget:
        raise InvalidInput(where, f"idle_power_w is {idle:g} of a power_budget_w of {budget:g}")
    return PowerMode(
        name=_text(table, "name", where).lower(),
        gpu_clock_hz=_optional(table, "gpu_clock_hz", sheet.gpu_clock_hz, where),
        bandwidth_bytes_per_s=_optional(
            table, "bandwidth_bytes_per_s", sheet.bandwidth_bytes_per_s, where
        ),
        sms=_whole(table, "sms", sheet.sms, where),
        power_budget_w=budget,
        idle_power_w=idle,
        note=str(table.get("note", "")),
    )


def _calibrations(
    table: Mapping[str, Any], where: str, modes: Sequence[PowerMode]
) -> tuple[Calibration, ...]:
    found = []
    names = [mode.name for mode in modes]
    for entry in _tables(table, "calibrations", where):
        _check_keys(entry, "calibrations", where)
        mode = _text(entry, "mode", where).lower()
        if mode not in names:
            raise InvalidInput(
                where, f"calibration for an unknown mode {mode!r}", f"it has {', '.join(names)}"
            )
        runtime = _text(entry, "runtime", where)
        if runtime not in RUNTIMES:
            raise InvalidInput(where, f"calibration for an unknown runtime {runtime!r}")
        found.append(
            Calibration(
                mode=mode,
                runtime=runtime,
                software=str(entry.get("software", "")),
                parameters={
                    k: _at_least(v, k, 0, where) for k, v in _nested(entry, "parameters", where)
                },
                provenance=str(entry.get("provenance", "")),
                rows=int(_optional(entry, "rows", 0, where, least=0)),
                networks=_strings(entry, "networks", where),
                errors={k: _finite(v, k, where) for k, v in _nested(entry, "errors", where)},
            )
        )
    return tuple(found)


def calibration_table(calibration: Calibration) -> dict[str, Any]:
    """Return a calibration as the table that stands in a device's TOML file."""
    return {
        "mode": calibration.mode,
        "runtime": calibration.runtime,
        "software": calibration.software,
        "provenance": calibration.provenance,
        "rows": calibration.rows,
        "networks": list(calibration.networks),
        "parameters": dict(calibration.parameters),
        "errors": dict(calibration.errors),
    }


def _check_keys(table: Mapping[str, Any], kind: str, where: str) -> None:
    known = _KEYS[kind]
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            fix = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
            raise InvalidInput(where, f"has an unknown key {key[:40]!r}", fix)


def _name(table: Mapping[str, Any], where: str, default: str) -> str:
    name = table.get("name", default)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput(where, "name is missing or odd", "use letters, digits, '.', '_', '-'")
    return name


def _table(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = table.get(key)
    if not isinstance(value, dict):
        raise InvalidInput(where, f"[{key}] is missing")
    return value


def _tables(table: Mapping[str, Any], key: str, where: str) -> Sequence[Mapping[str, Any]]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise InvalidInput(where, f"{key} is not a list of tables", f"write [[{key}]]")
    return value


def _nested(table: Mapping[str, Any], key: str, where: str) -> list[tuple[str, Any]]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise InvalidInput(where, f"{key} is not a table")
    return list(value.items())


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise InvalidInput(where, f"{key} is missing or no text")
    return value


def _strings(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise InvalidInput(where, f"{key} is not a list of texts")
    return tuple(value)


def _finite(value: Any, key: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidInput(where, f"{key} is not a finite number")
    return float(value)


def _number(table: Mapping[str, Any], key: str, where: str) -> float:
    value = table.get(key)
    if value is None:
        raise InvalidInput(where, f"{key} is missing")
    number = _finite(value, key, where)
    if number <= 0:
        raise InvalidInput(where, f"{key} is {number:g}", "it must be above zero")
    least, most, fix = _RANGES.get(key, (0, math.inf, ""))
    if not least <= number <= most:
        raise InvalidInput(where, f"{key} is {number:g}, which no board has", fix)
    return number


def _whole(table: Mapping[str, Any], key: str, default: int, where: str) -> int:
    """Return a whole number; missing, it is `default`, or refused where that is 0."""
    number = _optional(table, key, default, where) if default else _number(table, key, where)
    if number != int(number):
        raise InvalidInput(where, f"{key} is {number:g}", "it must be a whole number")
    return int(number)


def _optional(
    table: Mapping[str, Any], key: str, default: float, where: str, least: float | None = None
) -> float:
    if key not in table:
        return default
    if least is None:
        return _number(table, key, where)
    return _at_least(table[key], key, least, where)


def _at_least(value: Any, key: str, least: float, where: str) -> float:
    number = _finite(value, key, where)
    if number < least:
        raise InvalidInput(where, f"{key} is {number:g}", f"it must be at least {least:g}")
    return number
