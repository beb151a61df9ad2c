"""Facts and state of the machine that records, from /proc and /sys under an injected root."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from edgeprofiler.measurement.recording import DeviceState
from edgeprofiler.measurement.sensors.sysfs import text_of

_NVPMODEL_S = 5.0


def _run_nvpmodel() -> str:
    try:
        done = subprocess.run(
            ["nvpmodel", "-q"], capture_output=True, text=True, timeout=_NVPMODEL_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def machine_facts(
    root: Path = Path("/"), query_mode: Callable[[], str] = _run_nvpmodel
) -> dict[str, str]:
    """Return board, JetPack's release, power mode, processor, system: what can be told, as text.

    Args:
        root: root of the file system; another one in tests.
        query_mode: gives the output of `nvpmodel -q`, empty where there is none.
    """
    release = _found(r"# R(\d+) \(release\), REVISION: ([\d.]+)", root / "etc/nv_tegra_release")
    mode = re.search(r"NV Power Mode:\s*(\S+)", query_mode())
    allowed = getattr(os, "sched_getaffinity", None)  # Linux only
    facts = {
        "board": text_of(root / "proc/device-tree/model"),
        "l4t": ".".join(release),
        "mode": mode.group(1) if mode else "",
        "processor": "".join(_found(r"^(?:model name|Model)\s*:\s*(.+)$", root / "proc/cpuinfo"))
        or platform.machine(),
        "cores": str(len(allowed(0)) if allowed else os.cpu_count() or 1),
        "system": f"{platform.system()} {platform.machine()}",
        "kernel": text_of(root / "proc/sys/kernel/osrelease"),
        "gpu_driver": "".join(
            _found(r"Kernel Module\D*([\d.]+)", root / "proc/driver/nvidia/version")
        ),
        "python": platform.python_version(),
        "load": text_of(root / "proc/loadavg").split(" ")[0],
    }
    return {name: text for name, text in facts.items() if text}


def _found(pattern: str, path: Path) -> tuple[str, ...]:
    """Return the groups of a pattern's first match in a file; none where there is no match."""
    match = re.search(pattern, text_of(path), re.MULTILINE)
    return tuple(group.strip() for group in match.groups()) if match else ()


def device_state(time_s: float, root: Path = Path("/")) -> DeviceState:
    """Return temperatures, clocks and throttling at this moment.

    Clocks count as pinned where every GPU clock found has one frequency to choose from, or,
    without such a GPU, every processor clock.
    """
    temperatures = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        value = _number(zone / "temp")
        if value is not None:
            temperatures[text_of(zone / "type") or zone.name] = value * 1e-3
    clocks: dict[str, float] = {}
    gpu_pinned: list[bool] = []
    for folder in sorted((root / "sys/class/devfreq").glob("*")):
        current = _number(folder / "cur_freq")
        if current is None:
            continue
        clocks[folder.name] = current
        low, high = _number(folder / "min_freq"), _number(folder / "max_freq")
        if low is not None and re.search(r"gpu|ga10b|gv11b|gp10b|gm20b", folder.name):
            gpu_pinned.append(low == high)
    cpu_pinned: list[bool] = []
    for folder in sorted((root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq")):
        current = _number(folder / "scaling_cur_freq")
        if current is None:
            continue
        clocks[folder.parent.name] = current * 1e3
        low, high = _number(folder / "scaling_min_freq"), _number(folder / "scaling_max_freq")
        cpu_pinned.append(low is not None and low == high)
    memory = _number(root / "sys/kernel/debug/bpmp/debug/clk/emc/rate")
    if memory is not None:
        clocks["emc"] = memory
    pinned = gpu_pinned or cpu_pinned
    throttled, reasons = _throttling(root)
    return DeviceState(
        time_s=time_s,
        temperatures_c=temperatures,
        clocks_hz=clocks,
        clocks_pinned=all(pinned) if pinned else None,
        throttled=throttled,
        throttle_reasons=reasons,
    )


def _throttling(root: Path) -> tuple[bool | None, tuple[str, ...]]:
    """Say whether a cooling device that slows a processor is at work, and what was counted."""
    reasons = []
    known = False
    for device in sorted((root / "sys/class/thermal").glob("cooling_device*")):
        kind, level = text_of(device / "type"), _number(device / "cur_state")
        if level is None or "fan" in kind:
            continue
        known = True
        if level > 0:
            reasons.append(f"{kind} at level {level:.0f}")
    throttled = bool(reasons) if known else None
    # Orin counts over-current events since boot; a difference between two states tells
    for counter in sorted((root / "sys/class/hwmon").glob("hwmon*/oc*_event_cnt")):
        count = _number(counter)
        if count:
            reasons.append(f"{counter.name}={count:.0f} since boot")
    return throttled, tuple(reasons)


def _number(path: Path) -> float | None:
    try:
        return float(text_of(path))
    except ValueError:
        return None
