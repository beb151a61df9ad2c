"""The report of models and profiles: a page, pictures or Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard, cast

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.files import write_text
from edgeprofiler.core.profile import Profile
from edgeprofiler.measurement.attribution import attribute
from edgeprofiler.measurement.recording import Recording
from edgeprofiler.measurement.recording.opening import has_recording, open_recording
from edgeprofiler.prediction.predict import Answer, answers
from edgeprofiler.prediction.question import Question, Questions, asks
from edgeprofiler.views.plots import draw
from edgeprofiler.views.plots.figure import save_figure
from edgeprofiler.views.plots.profile import GRAPH
from edgeprofiler.views.reports.markdown import report_markdown
from edgeprofiler.views.reports.page import report_page
from edgeprofiler.views.reports.pdf import browser, write_pdf

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from edgeprofiler.prediction.question import AskedOfMany
    from edgeprofiler.prediction.question.question import Subject

_PICTURES = (".png", ".svg")
_TEXTS = (".html", ".htm", ".md", ".pdf")


@dataclass(frozen=True)
class Report:
    """Profiles to be shown, the others against the first."""

    answers: tuple[Answer, ...]
    recordings: tuple[Recording | None, ...] = ()
    """What stands behind each profile, where it was measured and is at hand."""

    @property
    def profiles(self) -> list[Profile]:
        """What is shown."""
        return [answer.profile for answer in self.answers]

    def page(self) -> str:
        """Return one HTML file that holds all it needs."""
        devices = [answer.device for answer in self.answers]
        return report_page(self.profiles, devices, self.recordings or None)

    def markdown(self) -> str:
        """Return Markdown."""
        return report_markdown(self.profiles)

    def save(self, path: str | Path, plot: str | None = None) -> None:
        """Write the form that a file's ending names: .html, .pdf, .md, .png or .svg.

        Args:
            plot: what a picture shows: report (all), timeline, roofline, kinds, stages, or graph
                (of the network, as .svg).

        Raises:
            UsageError: no form has that ending, or a picture is to show several profiles.
            Unavailable: no browser is there that prints a PDF.
            CannotWrite: it could not be written; nothing half-written is left.
        """
        target = Path(path)
        ending = target.suffix.lower()
        if ending in _PICTURES:
            if len(self.answers) > 1:
                raise UsageError("a picture shows one profile; call once for each, or write a page")
            device = self.answers[0].device
            if plot == GRAPH:
                if ending != ".svg":
                    raise UsageError(f"{path}: the graph of a network is drawn as .svg")
                write_text(target, draw(self.profiles[0], GRAPH).svg)
                return
            save_figure(draw(self.profiles[0], plot or "report", device=device), target)
            return
        if plot is not None:
            raise UsageError("`plot` is of a picture; ask for one ending in .png or .svg")
        if ending not in _TEXTS:
            raise UsageError(f"{path}: the name of a report ends in .html, .pdf, .md, .png or .svg")
        if ending == ".pdf":
            browser()  # before the work
            write_pdf(self.page(), target)
            return
        write_text(target, self.markdown() if ending == ".md" else self.page())


@asks
def report(
    *models: Subject | Question | Recording,
    recording: str | Path | Recording | None = None,
    **asked: Unpack[AskedOfMany],
) -> Report:
    """Return a report of everything that is named, the others against the first.

    Args:
        models: models, profiles (saved or not), questions, or recordings (or their folders), which
            are attributed by the way and drawn as power over time.
        recording: what stands behind one profile that was measured: draws power over time; where
            no model is named, the report is of it.
        asked: as of `compare`; nothing is asked of profiles and recordings.

    Raises:
        UsageError: a recording is given for several, or something is asked of what was measured.
        InsufficientData: a recording has no complete runs.

    >>> import edgeprofiler
    >>> report = edgeprofiler.report("zoo:lenet", device=["jetson-nano", "jetson-orin-nano"])
    >>> report.save("report.html")
    >>> edgeprofiler.report("recordings/lenet").profiles[0].origin.kind
    'measured'
    """
    if recording is not None and not models:
        models, recording = (open_recording(recording),), None
    if recording is not None and len(models) > 1:
        raise UsageError("`recording` belongs to one measured profile; name one")
    recordings = [open_recording(model) if _is_recorded(model) else None for model in models]
    if recording is not None and recordings != [None]:
        raise UsageError(f"{models[0]} is a recording itself; leave `recording` out")
    subjects = [
        model if opened is None else attribute(opened)
        for model, opened in zip(models, recordings, strict=True)
    ]
    found = answers(Questions.of(*cast("list[Subject | Question]", subjects), **asked))
    if recording is not None:
        return Report(tuple(found), (open_recording(recording),) * len(found))

    def behind(answer: Answer) -> Recording | None:
        known = zip(subjects, recordings, strict=True)
        return next((opened for one, opened in known if one is answer.question.model), None)

    return Report(tuple(found), tuple(behind(answer) for answer in found))


def _is_recorded(model: object) -> TypeGuard[str | Path | Recording]:
    return isinstance(model, Recording) or (isinstance(model, (str, Path)) and has_recording(model))
