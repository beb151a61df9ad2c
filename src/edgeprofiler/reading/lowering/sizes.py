"""Lengths that remember what is calculated of them and asked about them.

What code makes of plain numbers it makes of these too, and meanwhile each step and each answer is
noted. With other lengths the steps give what the code would give, as long as all answers are the
same: nothing is assumed of the code but that it has no other way to learn a number.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

Number = int | float
Operation = Callable[[Any, Any], Number]


class Size:
    """A number of which nothing is forgotten; `trace` keeps its value and how it came about."""

    __slots__ = ("place", "trace")

    def __init__(self, trace: Trace, place: int) -> None:
        self.trace = trace
        self.place = place

    def __add__(self, other: Any) -> Size:
        return self.trace.calculated(operator.add, self, other)

    def __radd__(self, other: Any) -> Size:
        return self.trace.calculated(operator.add, other, self)

    def __sub__(self, other: Any) -> Size:
        return self.trace.calculated(operator.sub, self, other)

    def __rsub__(self, other: Any) -> Size:
        return self.trace.calculated(operator.sub, other, self)

    def __mul__(self, other: Any) -> Size:
        return self.trace.calculated(operator.mul, self, other)

    def __rmul__(self, other: Any) -> Size:
        return self.trace.calculated(operator.mul, other, self)

    def __floordiv__(self, other: Any) -> Size:
        return self.trace.calculated(operator.floordiv, self, other)

    def __rfloordiv__(self, other: Any) -> Size:
        return self.trace.calculated(operator.floordiv, other, self)

    def __truediv__(self, other: Any) -> Size:
        return self.trace.calculated(operator.truediv, self, other)

    def __rtruediv__(self, other: Any) -> Size:
        return self.trace.calculated(operator.truediv, other, self)

    def __mod__(self, other: Any) -> Size:
        return self.trace.calculated(operator.mod, self, other)

    def __rmod__(self, other: Any) -> Size:
        return self.trace.calculated(operator.mod, other, self)

    def __neg__(self) -> Size:
        return self.trace.calculated(operator.sub, 0, self)

    def __ceil__(self) -> Size:
        return self.trace.calculated(_ceil, self, 0)

    def __floor__(self) -> Size:
        return self.trace.calculated(_floor, self, 0)

    def __eq__(self, other: object) -> bool:
        return self.trace.answered(operator.eq, self, other)

    def __ne__(self, other: object) -> bool:
        return self.trace.answered(operator.ne, self, other)

    def __lt__(self, other: Any) -> bool:
        return self.trace.answered(operator.lt, self, other)

    def __le__(self, other: Any) -> bool:
        return self.trace.answered(operator.le, self, other)

    def __gt__(self, other: Any) -> bool:
        return self.trace.answered(operator.gt, self, other)

    def __ge__(self, other: Any) -> bool:
        return self.trace.answered(operator.ge, self, other)

    def __bool__(self) -> bool:
        return self.trace.answered(operator.ne, self, 0)

    # What turns it into something that cannot be followed holds for this value alone.

    def __hash__(self) -> int:
        return hash(self.trace.told(self))

    def __int__(self) -> int:
        return int(self.trace.told(self))

    def __index__(self) -> int:
        return operator.index(int(self))

    def __float__(self) -> float:
        return float(self.trace.told(self))

    def __round__(self, digits: int | None = None) -> Number:
        return round(self.trace.told(self), digits)

    def __repr__(self) -> str:
        return repr(self.trace.told(self))


def _ceil(value: Number, _: Number) -> int:
    return math.ceil(value)


def _floor(value: Number, _: Number) -> int:
    return math.floor(value)


_NUMBERS = frozenset({Size, int, float, bool})


class Trace:
    """The steps that lead from lengths to numbers, and the answers that were given on the way."""

    def __init__(self, lengths: Sequence[Number]) -> None:
        self.lengths = [Size(self, place) for place in range(len(lengths))]
        self._values: list[Number] = list(lengths)
        self._steps: list[tuple[int, Operation, int, int]] = []
        self._made: set[int] = set()
        """Places that steps lead to."""
        self._places: dict[object, int] = {}
        self._answers: dict[int, Number] = {}

    def calculated(self, operation: Operation, left: Any, right: Any) -> Size:
        """Return what an operation makes of two numbers; the same step is taken once."""
        if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
            return cast("Size", NotImplemented)
        return Size(self, self._step(operation, self.place(left), self.place(right)))

    def answered(self, question: Operation, left: Any, right: Any) -> bool:
        """Return the answer to a question, and note that it must be this one."""
        if type(right) not in _NUMBERS:
            return cast("bool", NotImplemented)
        place = self._step(question, self.place(left), self.place(right))
        answer = self._answers[place] = self._values[place]
        return bool(answer)

    def told(self, size: Size) -> Number:
        """Return a number itself, and note that it must be this one."""
        self._answers[size.place] = self._values[size.place]
        return self._values[size.place]

    def values(self, places: Iterable[int]) -> tuple[Number, ...]:
        """Return the numbers at some places, for the lengths that are traced."""
        return tuple([self._values[place] for place in places])

    def varies(self, place: int) -> bool:
        """Whether the number at a place is another one for other lengths."""
        return place < len(self.lengths) or place in self._made

    def place(self, number: Any) -> int:
        """Return where a number is among those that the steps give."""
        if type(number) is Size:
            return number.place
        key = (type(number), number)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self._values)
            self._values.append(number)
        return place

    def _step(self, operation: Operation, left: int, right: int) -> int:
        key = (operation, left, right)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self._values)
            self._values.append(operation(self._values[left], self._values[right]))
            self._steps.append((place, operation, left, right))
            self._made.add(place)
        return place

    def again(self, lengths: Iterable[Number]) -> Sequence[Number] | None:
        """Return the number at every place for other lengths; `None` where an answer differs."""
        values = [*lengths, *self._values[len(self.lengths) :]]
        try:
            for place, operation, left, right in self._steps:
                values[place] = operation(values[left], values[right])
        except ArithmeticError:  # a question that would not have been asked
            return None
        same = [values[place] for place in self._answers] == [*self._answers.values()]
        return values if same else None
