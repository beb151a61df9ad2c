"""A question has one normal form, whichever way it came in, and refuses what is none."""

from __future__ import annotations

import inspect
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgeprofiler
from edgeprofiler.core.choices import PRECISIONS, RUNTIMES
from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.prediction.question import (
    OPTIONS,
    Asked,
    AskedOfMany,
    Question,
    Questions,
    parse_texts,
    read_table,
)


def test_every_field_but_the_model_says_how_it_is_asked_for() -> None:
    assert [*OPTIONS] == [item.name for item in fields(Question)][1:]
    for name, option in OPTIONS.items():
        assert option.help[0].isupper(), name
        assert not option.help.endswith("."), name
        assert option.default
    for names, help_text in ((RUNTIMES, OPTIONS["runtime"].help),
                             (PRECISIONS, OPTIONS["precision"].metavar)):  # fmt: skip
        assert all(name in help_text for name in names)


def test_type_checkers_know_every_field() -> None:
    assert set(Asked.__annotations__) == set(OPTIONS) - {"device"}
    assert set(AskedOfMany.__annotations__) == set(OPTIONS)
    several = {name for name, option in OPTIONS.items() if option.several is not None}
    told = {n for n, kind in AskedOfMany.__annotations__.items() if "Sequence" in str(kind)}
    assert told == several


@pytest.mark.parametrize(
    ("asked", "normal"),
    [
        ({"precision": " FP16 "}, "fp16"),
        ({"runtime": "CPP"}, "cpp"),
        ({"batch": np.int64(4)}, 4),
        ({"confidence": np.float64(0.5)}, 0.5),
        ({"shapes": {"x": [1, 3, 8, 8]}}, {"x": (1, 3, 8, 8)}),
        ({"device": Path("my.toml")}, Path("my.toml")),
    ],
)
def test_a_value_has_one_normal_form(asked: dict, normal: object) -> None:
    (name,) = asked
    assert getattr(Question("zoo:lenet", **asked), name) == normal


@pytest.mark.parametrize(
    "asked",
    [
        {"precision": "fp4"}, {"precision": 16}, {"precision": ""}, {"runtime": "tflite"},
        {"batch": 0}, {"batch": "2"}, {"batch": True}, {"batch": 1.0}, {"batch": 65537},
        {"resolution": -3}, {"resolution": [224]}, {"confidence": 1}, {"confidence": 0},
        {"confidence": "0.9"}, {"confidence": float("nan")}, {"confidence": True},
        {"shapes": [1, 3]}, {"shapes": {"x": "1x3"}}, {"shapes": {"x": [0]}}, {"shapes": {1: [2]}},
        {"shapes": {"x": [True]}}, {"shapes": {"x": []}}, {"device": 3}, {"device": " "},
        {"predictor": 3}, {"front_end": None, "batch": 10**30},
    ],
)  # fmt: skip
def test_what_is_no_value_is_refused_by_its_name(asked: dict) -> None:
    name = next(n for n, value in asked.items() if value is not None)
    with pytest.raises(UsageError, match=f"`{name}`: "):
        Question("zoo:lenet", **asked)


def test_resolution_and_shapes_contradict() -> None:
    with pytest.raises(UsageError, match="`resolution` or `shapes`, not both"):
        Question("zoo:lenet", resolution=32, shapes={"": (1, 1, 32, 32)})


def test_a_question_may_be_changed_and_completed() -> None:
    first = Question("zoo:lenet", "jetson-nano", batch=2)
    assert Question.of(first, precision="int8").given == {
        "device": "jetson-nano", "batch": 2, "precision": "int8",
    }  # fmt: skip
    assert first.or_else({"batch": 8, "confidence": 0.5}).given == {
        "device": "jetson-nano", "batch": 2, "confidence": 0.5,
    }  # fmt: skip
    sized = Question("zoo:lenet", resolution=64)
    assert sized.or_else({"shapes": {"": (1, 1, 32, 32)}}) == sized
    with pytest.raises(TypeError, match="colour"):
        Question.of("zoo:lenet", colour="red")


def test_a_question_travels_as_json() -> None:
    asked = Question(
        Path("m.onnx"), "jetson-nano", batch=2, shapes={"x": (1, 2)}, predictor=Path("p")
    )
    again = Question(**asked.document())
    assert again.document() == asked.document()
    assert (again.model, again.predictor, again.shapes) == ("m.onnx", "p", {"x": (1, 2)})


def test_texts_of_a_command_line_or_a_form_become_keywords() -> None:
    texts = {
        "batch": "4", "confidence": "0.5", "precision": "FP32", "device": None, "front_end": "",
        "shapes": ["a=1x3x8x8", "b=2,3"],
    }  # fmt: skip
    assert parse_texts(texts) == {
        "batch": 4, "confidence": 0.5, "precision": "fp32",
        "shapes": {"a": (1, 3, 8, 8), "b": (2, 3)},
    }  # fmt: skip


@pytest.mark.parametrize(
    "texts",
    [
        {"batch": "two"}, {"batch": "1.5"}, {"batch": "-1"}, {"confidence": "most"},
        {"confidence": "1e999"}, {"shapes": ["axb"]}, {"shapes": ["1x0x3"]},
        {"shapes": ["a=1x3", "a=2x3"]}, {"shapes": ["1x3", "1x3"]},
    ],
)  # fmt: skip
def test_a_text_that_is_no_value_is_refused_by_its_name(texts: dict) -> None:
    (name,) = texts
    with pytest.raises(UsageError, match=f"`{name}`: "):
        parse_texts(texts)


@given(st.sampled_from(sorted(OPTIONS)), st.text(max_size=40))
def test_no_text_makes_a_question_crash(name: str, text: str) -> None:
    repeated = OPTIONS[name].repeated
    with suppress(UsageError):
        Questions.of("zoo:lenet", **parse_texts({name: [text] if repeated else text}))


def test_a_table_of_a_file_is_read_strictly_and_says_where() -> None:
    table = {"batch": 2, "shapes": {"x": [1, 3]}, "device": "jetson-nano", "limits": {}}
    assert read_table(table, "b.toml") == {
        "device": "jetson-nano", "batch": 2, "shapes": {"x": (1, 3)},
    }  # fmt: skip
    with pytest.raises(InvalidInput, match=r"b\.toml: batch: '2' is no whole number"):
        read_table({"batch": "2"}, "b.toml")


def test_every_combination_is_one_question_the_last_field_changing_first() -> None:
    questions = Questions.of("a", "b", device=["x", "y"], batch=[1, 2], precision="fp16")
    assert len(questions) == 8
    found = [(q.model, q.device, q.precision, q.batch) for q in questions]
    assert found[:3] == [("a", "x", "fp16", 1), ("a", "x", "fp16", 2), ("a", "y", "fp16", 1)]
    assert questions.axis("resolution") == (None,)


@pytest.mark.parametrize(
    ("asked", "values"),
    [
        ({"batch": "1,2,4"}, (1, 2, 4)),
        ({"batch": "1:3, 3, 8"}, (1, 2, 3, 8)),
        ({"batch": ["1:2", "9"]}, (1, 2, 9)),
        ({"batch": range(1, 4)}, (1, 2, 3)),
        ({"resolution": "160:224:32"}, (160, 192, 224)),
        ({"precision": "FP32, int8"}, ("fp32", "int8")),
        ({"precision": ["fp32", "FP32"]}, ("fp32",)),
    ],
)
def test_values_are_lists_or_ranges_with_both_ends(asked: dict, values: tuple) -> None:
    (name,) = asked
    assert Questions.of("zoo:lenet", **asked).axis(name) == values


def test_all_is_every_shipped_board() -> None:
    boards = Questions.of("zoo:lenet", device="all").axis("device")
    assert "jetson-orin-nano" in boards
    assert "generic" not in boards
    device = load_device("jetson-nano")
    assert Questions.of("zoo:lenet", device=device).axis("device") == (device,)


@pytest.mark.parametrize(
    "asked",
    [
        *({"batch": text} for text in ("", "0", "a", "5:1", "1:9:0", "1,,2", "-3", "1:999999999")),
        {"batch": []}, {"precision": ""}, {"precision": "fp16,fp4"}, {"confidence": [0.5, 0.9]},
        {"runtime": ["cpp", "trtexec"]},
    ],
)  # fmt: skip
def test_no_value_and_several_where_one_is_meant_are_refused(asked: dict) -> None:
    (name,) = asked
    with pytest.raises(UsageError, match=f"`{name}`"):
        Questions.of("zoo:lenet", **asked)


def test_the_page_says_what_each_field_means() -> None:
    """docs/question.md holds a row for each field, as its option has it."""
    page = Path(__file__).parents[3] / "docs" / "question.md"
    text = page.read_text(encoding="utf-8")
    for name, option in OPTIONS.items():
        flags = ", ".join(f"`{flag}`" for flag in option.spelled(name))
        metavar = option.metavar.replace("|", "\\|")
        flags += f" `{metavar}`" if metavar else ""
        row = f"| `{name}` | {flags} | {option.help} | {option.default} |"
        assert row in text, f"docs/question.md lacks the line\n{row}"


def test_annotations_can_be_read_where_types_are_loaded() -> None:
    from edgeprofiler.core.device import Device
    from edgeprofiler.core.profile import Profile
    from edgeprofiler.prediction.predictors.protocol import Predictor
    from edgeprofiler.reading.read import Model

    names = {
        "Subject": Model | Profile, "DeviceSpec": str | Path | Device, "Predictor": Predictor,
        "Shape": tuple[int, ...],
    }  # fmt: skip
    assert set(get_type_hints(Question, localns=names)) == {"model", *OPTIONS}


def test_functions_that_ask_show_every_field() -> None:
    for name in ("predict", "compare", "sweep", "advise", "check", "impact", "objective", "report"):
        shown = inspect.signature(getattr(edgeprofiler, name)).parameters
        assert set(OPTIONS) <= set(shown), name
        assert not [p for p in shown.values() if p.kind is inspect.Parameter.VAR_KEYWORD]
