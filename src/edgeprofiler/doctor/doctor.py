"""Every plug-in tried, every extra looked for."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from edgeprofiler.core import plugins
from edgeprofiler.core.errors import EdgeProfilerError, Unavailable
from edgeprofiler.core.extras import extras, install
from edgeprofiler.core.files import dump_json
from edgeprofiler.core.plugins import PluginKind
from edgeprofiler.measurement.collect.device_state import machine_facts

SCHEMA = "edgeprofiler.doctor/1"

KINDS: tuple[PluginKind, ...] = get_args(PluginKind)

Kind = PluginKind | Literal["extras"]

_EXTRA_OF: Mapping[tuple[str, str], str] = {
    ("recipes", "hybrid"): "learn",
    ("recipes", "neuralpower"): "learn",
    ("renderers", "plot"): "plot",
    ("stores", "mlflow"): "mlflow",
}
"""Plug-ins that load without the packages that they need when they work."""


@dataclass(frozen=True)
class Check:
    """One plug-in or extra: whether it works here, and why not."""

    kind: Kind
    name: str
    works: bool
    detail: str = ""
    """What was found: a version, the packages of an extra, options that it needs."""
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """All checks of one machine."""

    machine: Mapping[str, str]
    checks: tuple[Check, ...]

    def of(self, kind: Kind) -> tuple[Check, ...]:
        """Return the checks of one kind."""
        return tuple(check for check in self.checks if check.kind == kind)


def diagnose() -> Diagnosis:
    """Try every plug-in of every kind and look for every extra; nothing is changed."""
    checks = [check(kind, name) for kind in KINDS for name in plugins.available(kind)]
    checks += [
        Check(
            "extras",
            extra.name,
            extra.complete,
            detail=", ".join(extra.present) if extra.complete else "",
            reason="" if extra.complete else f"missing: {', '.join(extra.missing)}",
            remedy="" if extra.complete else install(extra.name),
        )
        for extra in extras()
    ]
    return Diagnosis(machine_facts(), tuple(checks))


def check(kind: PluginKind, name: str) -> Check:
    """Return whether one plug-in works here: it loads, and a sensor's or runner's probe passes."""
    try:
        made = plugins.load(kind, name)
        return Check(kind, name, works=True, detail=_try(kind, name, made))
    except Unavailable as error:
        return Check(kind, name, works=False, reason=error.reason, remedy=error.remedy)
    except EdgeProfilerError as error:
        return Check(kind, name, works=False, reason=str(error))
    except Exception as error:  # a stranger's plug-in can fail in any way; saying so is the task
        failure = plugins.failed(kind, name, error)
        return Check(kind, name, works=False, reason=failure.reason, remedy=failure.remedy)


def _try(kind: PluginKind, name: str, made: Any) -> str:
    wanted = _EXTRA_OF.get((kind, name))
    if wanted is not None:
        extra = next(extra for extra in extras() if extra.name == wanted)
        if not extra.complete:
            raise Unavailable(f"missing: {', '.join(extra.missing)}", install(wanted))
    if kind in ("recipes", "renderers", "stores") and not hasattr(made, "probe"):
        return ""  # they only load; what they need is asked for when they work
    needed = _required_options(made)
    if needed:
        return f"needs {', '.join(needed)}"
    instance = made()
    if hasattr(instance, "probe"):
        instance.probe()
    if kind == "runners":
        return str(instance.describe().get("runtime", ""))
    return ""


def _required_options(made: Any) -> list[str]:
    return [
        parameter.name
        for parameter in inspect.signature(made).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]


def to_json(diagnosis: Diagnosis) -> str:
    """Return the diagnosis as JSON text."""
    return dump_json(
        {
            "schema": SCHEMA,
            "machine": dict(diagnosis.machine),
            "checks": [asdict(check) for check in diagnosis.checks],
        }
    )
