"""What the web app answers, without HTTP: questions in, profiles and documents out.

Networks of the zoo are built in this process; files are read by a worker. Prediction itself is a
few array operations on layers whose number is bounded.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeprofiler.core.choices import DEFAULT_CONFIDENCE
from edgeprofiler.core.errors import EdgeProfilerError, InvalidInput, UsageError
from edgeprofiler.core.limits import MIB
from edgeprofiler.core.network import Network
from edgeprofiler.core.network_document import layer_from_document, network_from_document
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.document import from_document, to_document
from edgeprofiler.core.values import Value
from edgeprofiler.decision.advise import RISK
from edgeprofiler.decision.compare import Comparison, difference
from edgeprofiler.decision.sweep import Sweep
from edgeprofiler.prediction import loading
from edgeprofiler.prediction.predict import at_rate_of, board_of, predictor_of
from edgeprofiler.prediction.predictors.artifact import Artifact
from edgeprofiler.prediction.predictors.protocol import Predictor
from edgeprofiler.prediction.question import Question
from edgeprofiler.reading.lowering import BuildTarget
from edgeprofiler.reading.read import builder
from edgeprofiler.views.web.admit import admit
from edgeprofiler.views.web.cache import Cache
from edgeprofiler.views.web.jobs import read_network
from edgeprofiler.views.web.settings import Settings
from edgeprofiler.views.web.uploads import Upload, Uploads
from edgeprofiler.views.web.workers import WebWorkers

_TOTALS = ("schema", "network", "device", "origin", "simulated", "idle_power_w", "interval",
           "totals", "unattributed", "coverage", "warnings")  # fmt: skip

_JUDGED = 50
"""Recordings of a list that are judged before it is shown; each takes a tenth of a second or so."""

_BEST = 100
"""Rows of a sweep that a page shows beside the Pareto front's."""


@dataclass(frozen=True)
class Aim:
    """How far advice is to go."""

    budget_percent: float | None = None
    """Energy of an image, in percent of what it is now."""
    budget_mj: float | None = None
    """The same in mJ."""
    max_latency_ms: float | None = None
    max_power_w: float | None = None
    """Board power, at the question's rate if it has one."""
    min_fps: float | None = None
    kinds: tuple[str, ...] = ()
    """Kinds of change that are allowed; empty: all."""

    @property
    def limits(self) -> dict[str, float | None]:
        """What `advise` takes, in its units."""

        def milli(value: float | None) -> float | None:
            return None if value is None else value * 1e-3

        return {
            "budget_percent": self.budget_percent,
            "budget_j": milli(self.budget_mj),
            "max_latency_s": milli(self.max_latency_ms),
            "max_power_w": self.max_power_w,
            "min_fps": self.min_fps,
        }


class Service:
    """Everything that one run of the server holds."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.uploads = Uploads(settings.max_uploads, settings.max_uploads_bytes)
        self.workers = WebWorkers(settings)
        self._recordings = settings.recordings
        if self._recordings is not None and not self._recordings.is_dir():
            raise InvalidInput(self._recordings, "is no folder", "name one that holds recordings")
        self._predictors = _named(settings.predictors)
        self._networks: Cache[Network] = Cache(256, 128 * MIB)
        self._profiles: Cache[Profile] = Cache(512, 128 * MIB)
        self._texts: Cache[bytes] = Cache(1024, 128 * MIB)

    def close(self) -> None:
        """End the workers and remove what was sent."""
        self.workers.close()
        self.uploads.close()

    def ready_json(self, question: Question, detail: str) -> bytes | None:
        """Return the JSON of a prediction that was made before, or `None`; quick."""
        self.label(question)
        return self._texts.get((question, detail))

    def profile_json(self, question: Question, detail: str = "full") -> bytes:
        """Return a prediction as `edgeprofiler.profile/2`, or without its layers.

        Args:
            detail: `full` or `totals`.
        """
        document = to_document(self.profile(question))
        if detail == "totals":
            document = {name: document[name] for name in _TOTALS}
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        data = text.encode("utf-8", "replace")
        self._texts.put((question, detail), data, len(data))
        return data

    def profile(self, question: Question) -> Profile:
        """Return the prediction that answers a question."""
        self.label(question)  # what was forgotten is not answered from memory
        found = self._profiles.get(question)
        if found is not None:
            return found
        network = self.network(question)
        profile = at_rate_of(question, self._predictor(question).predict(network))
        self._profiles.put(question, profile, weight(network))
        return profile

    def network(self, question: Question) -> Network:
        """Return the layers that a question is about."""
        board, made_by = BuildTarget.of(board_of(question)), builder(question.runtime)
        size = (question.precision, question.batch, question.resolution)
        key: Hashable = (question.model, size, board, made_by)
        network = self._networks.get(key)
        if network is None:
            network = self._read(question)
            self._networks.put(key, network, weight(network))
        return network

    def compare(self, first: Question, second: Question) -> Comparison:
        """Return what changes from one answer to another."""
        return difference(self.profile(first), self.profile(second))

    def advise(self, question: Question, advice: Aim) -> dict[str, Any]:
        """Return the document of `edgeprofiler advise --json` for a question.

        Raises:
            UsageError: an unknown kind of change.
        """
        return self._advised("advice", question, advice)

    def mask(self, question: Question, advice: Aim) -> dict[str, Any]:
        """Return the document of `edgeprofiler advise --mask`: the channels that remain.

        Raises:
            UsageError: an unknown kind of change, or no budget.
        """
        return self._advised("mask", question, advice)

    def _advised(self, do: str, question: Question, advice: Aim) -> dict[str, Any]:
        for kind in advice.kinds:
            if kind not in RISK:
                raise UsageError(f"no kind of change {kind[:40]!r}; choose of {', '.join(RISK)}")
        self.label(question)  # what another session sent is not answered from memory
        key = (do, question, advice)
        ready = self._texts.get(key)
        if ready is None:
            document = self._job(
                do, self._told(question), self.settings.advise_seconds,
                budget=advice.limits, kinds=list(advice.kinds),
            )  # fmt: skip
            ready = json.dumps(document).encode()
            self._texts.put(key, ready, len(ready))
        found: dict[str, Any] = json.loads(ready)
        return found

    def sweep(self, question: Question, axes: Mapping[str, Any], where: str | None) -> Sweep:
        """Return the best of every combination of what is asked.

        Args:
            question: what is not swept.
            axes: texts of the fields that have several values.
            where: the condition that rows are to meet.

        Raises:
            UsageError: no such values, or no condition.
        """
        document = self._job(
            "sweep", self._told(question), self.settings.advise_seconds,
            axes=dict(axes), where=where, best=_BEST,
        )  # fmt: skip
        return Sweep.from_document(document)

    def accept(self, path: Path, label: str) -> tuple[Upload, str]:
        """Take a file that was received; return it, and what it still needs to be told.

        Raises:
            InvalidInput: it is no model; it is removed again.
        """
        upload = self.uploads.add(path, label)
        try:
            self.network(admit(upload.address, {}))
            note = ""
        except UsageError as error:  # sizes left free, which a choice of batch or size settles
            note = str(error)
        except BaseException:
            self.uploads.remove(upload.address)
            raise
        self.uploads.settle(upload)
        return upload, note

    def label(self, question: Question) -> str:
        """Return what a person calls a question's model.

        Raises:
            InvalidInput: it is a file that was forgotten.
        """
        model = str(question.model)
        return self.uploads.get(model).label if model.startswith("upload:") else model

    @property
    def predictors(self) -> tuple[str, ...]:
        """Names of the trained predictors that can be chosen."""
        return tuple(self._predictors)

    def _told(self, question: Question) -> Question:
        """Return a question as a worker is told it: where its predictor lies, on its own host."""
        if not question.predictor:
            return question
        return replace(question, predictor=self._kept(question)[0], runtime=None)

    def _kept(self, question: Question) -> tuple[str, Artifact]:
        """Return where the predictor of a question is, and what is there."""
        name = str(question.predictor or "")
        if name not in self._predictors:
            known = ", ".join(self._predictors)
            raise UsageError(
                f"no trained predictor {name[:64]!r}; "
                + (f"choose one of: {known}" if known else "start the server with one")
            )
        return self._predictors[name]

    def _predictor(self, question: Question) -> Predictor:
        if question.predictor is None:
            return predictor_of(question)
        confidence = question.confidence or DEFAULT_CONFIDENCE
        artifact = self._kept(question)[1]
        return loading.predictor_of(
            artifact, board_of(question), confidence, source=question.predictor
        )

    def recordings(self) -> tuple[str, ...]:
        """Return the names of the recordings in the folder given at the start."""
        if self._recordings is None:
            return ()
        from edgeprofiler.measurement.recording import is_recording

        folder = self._recordings.resolve()
        names = [p.name for p in folder.iterdir() if is_recording(p) and _within(folder, p)]
        return tuple(sorted(name for name in names if name.isprintable()))

    def verdicts(self) -> tuple[tuple[str, str], ...]:
        """Return each recording's name and verdict; empty where it cannot be read, or not yet.

        The first of a long list are judged; the page of each recording judges the others.
        """
        return tuple(
            (name, self._verdict(name) if place < _JUDGED else "")
            for place, name in enumerate(self.recordings())
        )

    def _verdict(self, name: str) -> str:
        assert self._recordings is not None
        changed = max(
            (file.stat().st_mtime_ns for file in (self._recordings / name).iterdir()), default=0
        )
        key = ("verdict", name, changed)
        ready = self._texts.get(key)
        if ready is None:
            try:
                ready = str(self.quality(name)["verdict"]).encode()
            except EdgeProfilerError:
                return ""
            self._texts.put(key, ready, len(ready))
        return ready.decode()

    def quality(self, name: str) -> dict[str, Any]:
        """Return the document `edgeprofiler.qa/1` of a recording.

        Raises:
            InvalidInput: no recording of that name is listed.
        """
        found: dict[str, Any] = self._of_recording("quality", name)
        return found

    def measured(self, name: str) -> Profile:
        """Return what each layer of a recording cost.

        Raises:
            InvalidInput: no recording of that name is listed.
            InsufficientData: it does not support an attribution.
        """
        return from_document(self._of_recording("measured", name), name)

    def _of_recording(self, do: str, name: str) -> Any:
        if self._recordings is None or name not in self.recordings():
            raise InvalidInput(name[:80], "is no recording in the folder of this server")
        folder = str(self._recordings / name)
        return self.workers.run(do, name, self.settings.advise_seconds, folder=folder)

    def _read(self, question: Question) -> Network:
        if str(question.model).startswith("zoo:"):
            return read_network(replace(question, front_end="zoo"))
        asked = replace(question, predictor=None)
        document = self._job("network", asked, self.settings.read_seconds)
        return _network(Value(document, self.label(question)))

    def _job(self, do: str, question: Question, seconds: float, **task: Any) -> Any:
        model = str(question.model)
        if model.startswith("zoo:"):
            where = replace(question, front_end="zoo")
        else:
            where = replace(question, model=str(self.uploads.get(model).path))
        label = self.label(question)
        return self.workers.run(do, label, seconds, question=where.document(), **task)


def _network(document: Value) -> Network:
    layers = tuple(layer_from_document(layer) for layer in document["layers"].items())
    network = network_from_document(document["network"], layers)
    return network.with_wider(document["wider"].maybe(_network))


def _named(specs: Sequence[str]) -> dict[str, tuple[str, Artifact]]:
    """Return predictors by the names that a page offers; one that cannot be used ends the start."""
    found: dict[str, tuple[str, Artifact]] = {}
    for spec in specs:
        loading.load_predictor(spec)
        registered = spec.startswith("models:/")
        name = spec.removeprefix("models:/") if registered else Path(spec).resolve().name
        if name in found:
            raise UsageError(f"two predictors are named {name!r}; rename one of their folders")
        found[name] = (
            spec if registered else str(Path(spec).resolve()),
            loading.load_artifact(spec),
        )
    return found


def weight(network: Network) -> int:
    """Return about how many bytes a network takes; a stranger's names and shapes may be long."""
    total = 0
    for layer in network.layers:
        texts = (layer.name, layer.engine_type or "", *layer.fused_ops, *layer.nodes)
        shapes = (*layer.input_shapes, *layer.output_shapes)
        total += 2000 + sum(100 + len(text) for text in texts)
        total += sum(100 + 40 * len(shape) for shape in shapes)
    return total


def _within(folder: Path, recording: Path) -> bool:
    """Say whether a recording and its files lie in a folder: links that lead out are not shown."""
    return all(path.resolve().is_relative_to(folder) for path in (recording, *recording.iterdir()))
