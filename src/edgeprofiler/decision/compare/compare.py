"""Everything that is named, each against the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.table import Table
from edgeprofiler.decision.compare.difference import Comparison, difference
from edgeprofiler.decision.compare.document import comparisons_document
from edgeprofiler.decision.compare.tables import (
    changes_table,
    comparison_table,
    letter,
    side_by_side,
)
from edgeprofiler.prediction.predict import Answer, answers
from edgeprofiler.prediction.question import Question, Questions, asks

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from edgeprofiler.prediction.question import AskedOfMany
    from edgeprofiler.prediction.question.question import Subject


@dataclass(frozen=True)
class SideBySide:
    """Profiles side by side, and how each differs from the first."""

    answers: tuple[Answer, ...]
    comparisons: tuple[Comparison, ...]
    """One for each answer but the first."""

    @property
    def labels(self) -> tuple[str, ...]:
        """How a table calls each of them."""
        return tuple(answer.label for answer in self.answers)

    def tables(self, layers: int = 10) -> tuple[Table, ...]:
        """Return totals side by side, then each against the first with its changed layers."""
        tables = [side_by_side([answer.profile for answer in self.answers], self.labels)]
        for number, comparison in enumerate(self.comparisons, start=1):
            tables.append(comparison_table(comparison, letter(number)))
            if comparison.largest(layers):
                tables.append(changes_table(comparison, layers))
        return tuple(tables)

    def document(self) -> dict[str, Any]:
        """Return it as a JSON document `edgeprofiler.compare/1`, every pair of layers included."""
        return comparisons_document(self.labels, self.comparisons)


@asks
def compare(*models: Subject | Question, **asked: Unpack[AskedOfMany]) -> SideBySide:
    """Compare everything that is named with the first: totals, difference, where it comes from.

    Args:
        models: models, profiles (saved or not) or questions.
        asked: the fields of a `Question`; device, precision, batch and resolution may have
            several values each, and every combination is one more to compare.

    Raises:
        UsageError: there is one alone, or something is asked of saved profiles alone.

    >>> import edgeprofiler
    >>> found = edgeprofiler.compare("zoo:resnet34", "zoo:resnet18", device="jetson-nano")
    >>> found.comparisons[0].energy.verdict
    'less'
    """
    found = answers(Questions.of(*models, **asked))
    if len(found) < 2:
        raise UsageError("compare needs two: name another model, device, precision or batch")
    first = found[0].profile
    return SideBySide(tuple(found), tuple(difference(first, other.profile) for other in found[1:]))
