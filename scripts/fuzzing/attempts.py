"""What is done with a file of each kind, and what an answer must hold to."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

import edgeprofiler
from edgeprofiler.core import children
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.document import from_document, to_document
from edgeprofiler.core.profile.table import to_csv
from edgeprofiler.core.profile.words import profile_tables
from edgeprofiler.core.table import Table
from edgeprofiler.core.text import visible

Attempt = Callable[[Path], None]
LENET = "zoo:lenet"


class Broken(AssertionError):
    """An answer that cannot be."""


def hold(true: object, what: str) -> None:
    if not true:
        raise Broken(what)


def check_profile(profile: Profile) -> None:
    """Hold a profile to what every profile must hold to, and write it in every form."""
    totals = profile.totals
    for name in vars(totals):
        found = getattr(totals, name)
        least = -math.inf if "above_idle" in name else 0.0
        hold(not found.value < least, f"{name} is {found.value}")
        hold(not found.low > found.value * (1 + 1e-9) + 1e-30, f"{name}: low above value")
        hold(not found.high < found.value * (1 - 1e-9) - 1e-30, f"{name}: high below value")
        hold(not math.isinf(found.value), f"{name} is infinite")
    if math.isfinite(totals.energy_j.value):
        counted = profile.costs.covered | np.isfinite(profile.costs.runtime_s)
        parts = profile.costs.energy_j[counted].sum()
        parts += profile.fixed.energy_j + profile.host_gap.energy_j
        hold(math.isclose(parts, totals.energy_j.value, rel_tol=1e-9, abs_tol=1e-30), "energies")
    for name in ("runtime_s", "power_w"):
        column = getattr(profile.costs, name)
        hold(not (column < 0).any(), f"a layer's {name} is negative")
        hold(not np.isinf(column).any(), f"a layer's {name} is infinite")
        low, high = (getattr(profile.costs, f"{name}_{end}") for end in ("low", "high"))
        if low is not None and high is not None:
            hold(not (low > column * (1 + 1e-9)).any(), f"a layer's {name}: low above value")
            hold(not (high < column * (1 - 1e-9)).any(), f"a layer's {name}: high below value")
    document = json.loads(json.dumps(to_document(profile), allow_nan=False))
    hold(from_document(document).totals == totals, "a profile that is read again differs")
    to_csv(profile).encode()
    check_tables(*profile_tables(profile))


def check_tables(*tables: Table) -> None:
    """Have tables printed in every form; nothing in them may act."""
    for table in tables:
        texts = [table.to_markdown(), table.to_latex()]
        for row in table.rows:
            texts += [cell.text for cell in table.cells(row)]
        for text in texts:
            hold(text == visible(text, keep="\n"), "a table holds characters that act")
        table.to_csv().encode()


def model(path: Path) -> None:
    check_profile(edgeprofiler.predict(path, "jetson-orin-nano"))


def profile(path: Path) -> None:
    check_profile(edgeprofiler.read_profile(path))


def device(path: Path) -> None:
    from edgeprofiler.core.device.tables import board_table, modes_table

    found = edgeprofiler.load_device(path)
    check_tables(board_table(found), modes_table([found]))
    check_profile(edgeprofiler.predict(LENET, found))


def budget(path: Path) -> None:
    from edgeprofiler.decision.check import read_budget
    from edgeprofiler.decision.summary import check_tables as tables
    from edgeprofiler.decision.summary import to_document, to_junit, to_markdown

    rules = read_budget(path)
    found = edgeprofiler.check(rules.model or LENET, budget=rules)
    check_tables(*tables(found))
    json.dumps(to_document(found), allow_nan=False)
    to_junit(found), to_markdown(found)


def measured(path: Path) -> None:
    from edgeprofiler.prediction.calibration.measured import read_measured
    from edgeprofiler.prediction.validate.text import summary_lines, validation_table

    read_measured(path)
    found = edgeprofiler.validate(path)
    check_tables(validation_table(found))
    list(summary_lines(found))


def dataset(path: Path) -> None:
    from edgeprofiler.learning.dataset import check
    from edgeprofiler.learning.dataset.storage import load_dataset, to_csv

    data = load_dataset(path)
    check(data, path)
    to_csv(data)
    hold(not (data.number("runtime_s") <= 0).any(), "a runtime is not positive")


def parquet(path: Path) -> None:
    from edgeprofiler.learning.dataset import check, parquet
    from edgeprofiler.learning.dataset.table import from_columns

    # As in the process of its own, but forked: an import of pyarrow for each file takes too long.
    end, answer = children.supervise(partial(_unpacked, path), children.Bounds(2**29, 20.0, 2**29))
    if end == "done" and answer[:1] != b"E":
        check(from_columns(parquet.parse_columns(answer[1:], path), path), path)
    elif end in ("seconds", "size") or answer[1:] == b"Exception":
        raise Broken(f"parquet: {end} {answer[1:]!r}")


def _unpacked(path: Path) -> bytes:
    from edgeprofiler.learning.dataset.parquet import packed_columns

    try:
        return b"D" + packed_columns({"path": str(path)})
    except edgeprofiler.EdgeProfilerError:
        return b"E"
    except MemoryError:
        return b"E"
    except Exception:  # told to the parent, which counts it
        return b"EException"


def predictor(folder: Path) -> None:
    from edgeprofiler.prediction.loading import load_predictor

    load_predictor(folder)
    check_profile(edgeprofiler.predict(LENET, predictor=folder))


def estimator(path: Path) -> None:
    from edgeprofiler.prediction.user_estimators import load_estimator

    found = load_estimator(path.read_bytes(), ("sklearn.tree._tree.Tree",), path)
    hold(callable(getattr(found, "predict", None)), "an estimator cannot predict")


def recording(folder: Path) -> None:
    from edgeprofiler.measurement.attribution import attribute_with_report
    from edgeprofiler.measurement.qa import to_document
    from edgeprofiler.measurement.qa.tables import finding_table
    from edgeprofiler.measurement.recording.opening import open_recording

    opened = open_recording(folder)
    document = to_document(opened, edgeprofiler.qa(opened))
    json.dumps(document, allow_nan=False)
    check_tables(finding_table(document))
    check_profile(attribute_with_report(opened, "network").profile)
    check_profile(attribute_with_report(opened).profile)


def power_log(path: Path) -> None:
    from edgeprofiler.measurement.power_logs.reading import read_log

    read_log(path)


def trtexec(path: Path) -> None:
    from edgeprofiler.measurement.runners._trtexec_files import read_layer_times, read_run_times

    for read in (read_layer_times, read_run_times):
        try:
            read(path)
        except edgeprofiler.EdgeProfilerError:
            continue


def pointer(path: Path) -> None:
    from edgeprofiler.learning.data.pointer import read_pointer

    read_pointer(path)


def recipe(path: Path) -> None:
    from edgeprofiler.learning.training.options import read_options

    read_options(path)


def training_table(path: Path) -> None:
    from edgeprofiler.learning.dataset.build import Unsaid, build

    built = build([path], Unsaid(device="jetson-orin-nano"))
    hold(not (built.data.number("runtime_s") <= 0).any(), "a runtime is not positive")
