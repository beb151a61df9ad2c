"""From profiles, recordings and other people's folders to one data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from edgeprofiler.core.choices import DEFAULT_DEVICE
from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import Network
from edgeprofiler.core.parallel import ALONE, Workers, mapped
from edgeprofiler.core.profile.document import is_profile, read_profile
from edgeprofiler.learning.dataset.check import check
from edgeprofiler.learning.dataset.preprocessed import TABLE, find_engine, read_preprocessed
from edgeprofiler.learning.dataset.reference import (
    GROUPS_UNKNOWN,
    POSITIONS_UNKNOWN,
    WINDOW_REPAIRED,
    WINDOW_UNKNOWN,
    Circumstances,
    is_training_folder,
    read_training_folder,
)
from edgeprofiler.learning.dataset.rows import NO_POWER, rows_of
from edgeprofiler.learning.dataset.storage import LAYERS, load_dataset
from edgeprofiler.learning.dataset.table import COLUMNS, Dataset
from edgeprofiler.measurement.attribution import attribute
from edgeprofiler.measurement.recording import is_recording, load_recording
from edgeprofiler.measurement.recording.reference_layout import read_reference, reference_models

SINGLE = "single"
"""How the power of a layer is known that was measured alone."""

_EXPLAIN = {
    NO_POWER: "power does not rise above idle; they train runtime only",
    WINDOW_REPAIRED: "pooling window was the whole input; found again from sizes and stride",
    WINDOW_UNKNOWN: "pooling window was the whole input and cannot be found again",
    GROUPS_UNKNOWN: "groups are not recorded and cannot be told: MACs unknown, not trained on",
    POSITIONS_UNKNOWN: "dense rows without the engine's description: MACs unknown, not trained on",
}


@dataclass(frozen=True, eq=False)
class Built:
    """A data set and what there is to say of how it was built."""

    data: Dataset
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Unsaid:
    """What rows are taken to be of where they do not say it; empty leaves it open."""

    device: str = ""
    mode: str = ""
    runtime: str = ""
    precision: str = ""

    def fill(self, data: Dataset) -> Dataset:
        """Return rows with what they lack."""
        found = {}
        for name in ("device", "mode", "runtime", "precision"):
            texts, value = data.text(name), getattr(self, name)
            if value and bool((texts == "").any()):
                found[name] = np.where(texts == "", value, texts)
        return data.with_columns(**found) if found else data


def build(sources: Sequence[Path], unsaid: Unsaid | None = None, workers: Workers = ALONE) -> Built:
    """Return the rows of all sources, checked, in canonical order, exact repetitions dropped.

    Args:
        sources: measured profiles (JSON), recordings, folders of either, data sets, or folders in
            the reference's layout: `raw_data`, `preprocessed_data`, `training_data`.
        unsaid: what rows are of that do not say it. A folder in the reference's layout says
            neither board (jetson-orin-nano where nothing is told), host (torch-tensorrt) nor
            precision (fp16).
        workers: who reads, and attributes recordings; each is a task.

    Raises:
        InvalidInput: a source is none of these, or a value in it cannot be.
    """
    unsaid = unsaid or Unsaid()
    tasks = [task for path in sources for task in _tasks(path, unsaid)]
    outcomes = mapped(_done, tasks, workers, stage="sources", named=lambda _task: "", ordered=True)
    with closing(outcomes):
        parts = [outcome.get() for outcome in outcomes]
    data = _singly(unsaid.fill(Dataset.concatenate(parts))).sorted()
    check(data, "the data set" if len(sources) != 1 else sources[0])
    kept = _first_of_each(data)
    notes = [f"{len(data) - int(kept.sum())} rows were listed twice"] if not kept.all() else []
    data = data.take(kept)
    simulated = int(data.integer("simulated").sum())
    if 0 < simulated < len(data):
        notes.append(f"{simulated} of {len(data)} rows are simulated, the others are not")
    for mark, meaning in _EXPLAIN.items():
        count = int(data.marked(mark).sum())
        if count:
            notes.append(f"{count} rows marked {mark}: {meaning}")
    return Built(data, tuple(notes))


def _singly(data: Dataset) -> Dataset:
    """Return rows in which layers that were measured alone are known by that."""
    _, owner, count = np.unique(data.sessions, return_inverse=True, return_counts=True)
    layers = data.integer("network_layers")
    alone = (count[owner] == 1) & (layers <= 1) & np.isfinite(data.number("power_above_idle_w"))
    if not alone.any():
        return data
    return data.with_columns(known_by=np.where(alone, SINGLE, data.text("known_by")))


def _first_of_each(data: Dataset) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    lists = [data.columns[c.name].tolist() for c in COLUMNS if c.name != "source"]
    seen: set[str] = set()
    kept = np.ones(len(data), dtype=np.bool_)
    for row, values in enumerate(zip(*lists, strict=True)):
        key = repr(values)
        kept[row] = key not in seen
        seen.add(key)
    return kept


Task = Callable[[], Dataset]
"""What reads one source: a table, a profile, a recording."""


def _done(task: Task) -> Dataset:
    return task()


def _profiled(path: Path) -> Dataset:
    return rows_of(read_profile(path), path.name)


def _recorded(path: Path) -> Dataset:
    return rows_of(attribute(load_recording(path)), path.name)


def _raw(path: Path, model: str, unsaid: Unsaid) -> Dataset:
    """Return a model's rows of the reference's raw layout."""
    return unsaid.fill(rows_of(attribute(read_reference(path, model)), f"raw_data/{model}"))


def _tasks(path: Path, unsaid: Unsaid) -> Iterator[Task]:
    if not path.exists():
        raise InvalidInput(path, "no such file or folder", "check the path")
    if not path.is_dir():
        yield partial(load_dataset if path.suffix in (".parquet", ".csv") else _profiled, path)
        return
    if (path / LAYERS).is_file():
        yield partial(load_dataset, path)
    elif is_recording(path):
        yield partial(_recorded, path)
    else:
        found = False
        for part in (*_reference(path, unsaid), *_below(path, unsaid)):
            found = True
            yield part
        if not found:
            raise InvalidInput(
                path,
                "holds no measured profile, recording, data set or reference layout",
                "give profile JSON files, or a folder with raw_data, preprocessed_data or "
                "training_data",
            )


def _reference(path: Path, unsaid: Unsaid) -> Iterator[Task]:
    device = unsaid.device or DEFAULT_DEVICE
    board = load_device(device)

    def told(source: str) -> Circumstances:
        return Circumstances(
            device,
            unsaid.runtime or Circumstances.runtime,
            unsaid.precision or Circumstances.precision,
            unsaid.mode,
            source,
            board,
        )

    for folder in _models(path, "training_data"):
        if is_training_folder(folder):
            facts = told(f"training_data/{folder.name}")
            yield partial(read_training_folder, folder, facts, _engine_of(folder))
    if list(_models(path, "training_data", nested=True)):
        return  # the same measurements lie in the other folders, less far prepared
    for folder in _models(path, "preprocessed_data"):
        if (folder / TABLE).is_file():
            yield partial(read_preprocessed, folder, told(f"preprocessed_data/{folder.name}"))
    if list(_models(path, "preprocessed_data", nested=True)):
        return
    for model in reference_models(path):
        yield partial(_raw, path, model, replace(unsaid, device=device))


def _models(path: Path, layer: str, *, nested: bool = False) -> Iterator[Path]:
    """Yield the models' folders in `path/layer`, or in `path` where that is such a folder."""
    root = path / layer
    if root.is_dir():
        yield from sorted(child for child in root.iterdir() if child.is_dir())
    elif not nested:
        if is_training_folder(path) or (path / TABLE).is_file():
            yield path
        else:
            yield from sorted(child for child in path.iterdir() if child.is_dir())


def _engine_of(folder: Path) -> Network | None:
    """The engine's description beside a training folder, or of that model in the other folders."""
    root = folder.parent.parent
    places = (folder, root / "preprocessed_data" / folder.name, root / "raw_data" / folder.name)
    return next((network for network in map(find_engine, places) if network is not None), None)


def _below(path: Path, unsaid: Unsaid) -> Iterator[Task]:
    """Profiles and recordings that lie directly in a folder."""
    for child in sorted(path.iterdir()):
        if child.is_dir() and (is_recording(child) or (child / LAYERS).is_file()):
            yield from _tasks(child, unsaid)
        elif child.suffix == ".json" and is_profile(child):
            yield partial(_profiled, child)
