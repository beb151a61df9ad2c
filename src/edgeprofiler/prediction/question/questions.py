"""One question about several models, in several ways."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from edgeprofiler.core.errors import UsageError
from edgeprofiler.prediction.question.option import naming
from edgeprofiler.prediction.question.question import OPTIONS, Question, normal_of

if TYPE_CHECKING:
    from edgeprofiler.prediction.question.question import Subject


@dataclass(frozen=True)
class Questions:
    """Questions about several models, each in every combination of the values that are asked for.

    >>> len(Questions.of("zoo:lenet", device="jetson-nano", batch=[1, 2, 4]))
    3
    """

    models: tuple[Subject | Question, ...]
    axes: Mapping[str, tuple[Any, ...]]
    """Values in their normal form, by field; fields that are not asked for are left out."""

    @classmethod
    def of(cls, *models: Subject | Question, **asked: Any) -> Questions:
        """Return the questions of Python's keywords, of which some may have several values.

        A text of such a field is read as on the command line: `batch="1:32:1"`, `device="all"`.

        Raises:
            UsageError: a value is none of its field, or a field is given without any.
        """
        axes = {name: _values(name, value) for name, value in asked.items() if value is not None}
        for name, values in axes.items():
            if not values:
                raise UsageError(f"`{name}` names none: it needs at least one value")
        return cls(models, axes)

    def axis(self, name: str) -> tuple[Any, ...]:
        """Return the values of a field; one `None` where it is not asked for."""
        return self.axes.get(name, (None,))

    def __len__(self) -> int:
        return len(self.models) * math.prod(len(values) for values in self.axes.values())

    def __iter__(self) -> Iterator[Question]:
        return (question for model in self.models for question in self.about(model))

    def about(self, model: Subject | Question) -> Iterator[Question]:
        """Yield the questions about one of the models, the last field changing first."""
        names = [name for name in OPTIONS if name in self.axes]
        for values in product(*(self.axes[name] for name in names)):
            yield Question.of(model, **dict(zip(names, values, strict=True)))


def _values(name: str, value: Any) -> tuple[Any, ...]:
    if name not in OPTIONS:
        raise TypeError(f"a question has no {name!r}; it has: {', '.join(OPTIONS)}")
    several = OPTIONS[name].several
    if several is None:
        return (normal_of(name, value),)
    alone = isinstance(value, str) or not isinstance(value, Iterable)
    with naming(name):
        found = [
            one
            for item in ([value] if alone else value)
            for one in (several(item) if isinstance(item, str) else [item])
        ]
    normal = [normal_of(name, one) for one in found]
    plain = all(isinstance(one, (str, int)) for one in normal)
    return tuple(dict.fromkeys(normal) if plain else normal)
