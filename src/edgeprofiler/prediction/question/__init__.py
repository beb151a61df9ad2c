"""What is asked: which network, on which board, run how, and answered by what.

A question is parsed once, from a command line, a form, the body of a request, a budget file or
Python's keywords, and travels as one value from there on; `prediction.predict` answers it.
Nothing heavy is imported here: help pages are made from the fields.
"""

from edgeprofiler.prediction.question.option import Option
from edgeprofiler.prediction.question.question import (
    FILED,
    OPTIONS,
    Asked,
    AskedOfMany,
    Question,
    asks,
)
from edgeprofiler.prediction.question.questions import Questions
from edgeprofiler.prediction.question.texts import parse_texts, read_table

__all__ = [
    "FILED",
    "OPTIONS",
    "Asked",
    "AskedOfMany",
    "Option",
    "Question",
    "Questions",
    "asks",
    "parse_texts",
    "read_table",
]
