"""Fitted models as plain arrays: linear models and trees that numpy alone can evaluate."""

from edgeprofiler.prediction.predictors.arrays.model import (
    ArrayModel,
    Arrays,
    evaluate,
    parse_model,
)

__all__ = ["ArrayModel", "Arrays", "evaluate", "parse_model"]
