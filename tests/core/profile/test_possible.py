"""Profiles whose numbers cannot be are refused where they enter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import edgeprofiler
from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.profile.document import from_document, to_document
from edgeprofiler.core.profile.possible import require_possible

Change = Callable[[dict[str, Any]], None]


def _layer(**values: float) -> Change:
    return lambda document: document["layers"][0].update(values)


def _fixed(**values: float) -> Change:
    return lambda document: document["unattributed"][0].update(values)


def _top(**values: float) -> Change:
    return lambda document: document.update(values)


@pytest.fixture
def document() -> dict[str, Any]:
    return to_document(edgeprofiler.predict("zoo:lenet", "jetson-orin-nano"))


def test_what_the_analytic_model_answers_is_possible(document: dict[str, Any]) -> None:
    profile = from_document(document)
    assert require_possible(profile, "net.json") is profile


@pytest.mark.parametrize(
    "change",
    [
        _layer(runtime_s=-1e-6),
        _layer(power_w=-1.0),
        _layer(runtime_s=2 * limits.PROFILE_SECONDS),
        _layer(power_w=2 * limits.PROFILE_WATTS),
        _layer(runtime_s=float("inf")),
        _layer(runtime_s_low=1.0),
        _layer(runtime_s_high=0.0),
        _fixed(runtime_s=-1.0),
        _top(idle_power_w=-1.0),
        _top(idle_power_w=2 * limits.PROFILE_WATTS),
    ],
)
def test_numbers_that_cannot_be_are_refused(document: dict[str, Any], change: Change) -> None:
    change(document)
    with pytest.raises(InvalidInput):
        require_possible(from_document(document, "net.json"), "net.json")


def test_ends_that_were_rounded_are_possible(document: dict[str, Any]) -> None:
    layer = document["layers"][0]
    layer["runtime_s_low"] = layer["runtime_s"] * (1 + 1e-8)
    require_possible(from_document(document, "net.json"), "net.json")


def test_the_message_names_the_file_and_the_layer(document: dict[str, Any], tmp_path: Path) -> None:
    _layer(power_w=-1.0)(document)
    with pytest.raises(InvalidInput, match=r"net\.json: layers\[0\]\.power_w is -1"):
        require_possible(from_document(document, "net.json"), "net.json")
