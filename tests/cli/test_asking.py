"""Options follow from a question's fields: one that is added needs nothing here."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from edgeprofiler.cli.asking import asking
from edgeprofiler.core.errors import UsageError
from edgeprofiler.prediction.question import OPTIONS, Option
from edgeprofiler.prediction.question.values import size_of

RUN = CliRunner()


@pytest.fixture
def seen() -> dict[str, Any]:
    return {}


def command(seen: dict[str, Any], *fields: str, several: bool = False) -> typer.Typer:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    @asking(*fields, several=several)
    def look(model: str, asked: dict[str, Any], rows: int = 3) -> None:
        seen.update(asked, model=model, rows=rows)

    return app


def test_a_command_gets_what_was_given_in_its_normal_form(seen: dict[str, Any]) -> None:
    words = ["zoo:lenet", "--precision", "INT8", "-b", "4", "--shape", "1x2", "--shape", "a=3",
             "--rows", "9"]  # fmt: skip
    result = RUN.invoke(command(seen), words)
    assert result.exit_code == 0, result.output
    assert seen == {
        "model": "zoo:lenet", "rows": 9, "precision": "int8", "batch": 4,
        "shapes": {"": (1, 2), "a": (3,)},
    }  # fmt: skip
    assert "device: jetson-orin-nano (name another with --device)" in result.output


def test_several_values_stay_texts_until_they_are_combined(seen: dict[str, Any]) -> None:
    app = command(seen, "device", "batch", several=True)
    assert RUN.invoke(app, ["m", "--batch", "1,2", "--batch", "8", "-d", "all"]).exit_code == 0
    assert (seen["batch"], seen["device"]) == (["1,2", "8"], ["all"])


def test_a_command_has_the_fields_that_mean_something_to_it(seen: dict[str, Any]) -> None:
    assert RUN.invoke(command(seen, "batch"), ["m", "--device", "x"]).exit_code == 2
    with pytest.raises(UsageError, match="`batch`: 'x' is no whole number"):
        RUN.invoke(command(seen, "batch"), ["m", "--batch", "x"], catch_exceptions=False)


def test_a_new_field_is_an_option_at_once(
    seen: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {
        "cuda_graph": Option("Capture it", "no", "", bool, json=bool),
        "trips": Option("Rounds", "1", "N", size_of, int, json=int),
    }
    for name, option in more.items():
        monkeypatch.setitem(OPTIONS, name, option)  # type: ignore[arg-type]
    app = command(seen, "cuda_graph", "trips")
    assert RUN.invoke(app, ["m", "--cuda-graph", "--trips", "2"]).exit_code == 0
    assert (seen["cuda_graph"], seen["trips"]) == (True, 2)
    assert "Capture it. Default: no." in RUN.invoke(app, ["--help"]).output
