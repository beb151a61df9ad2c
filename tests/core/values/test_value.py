"""A wrong value is refused where it is read, with its file, its place and what was expected."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.values import Value, plain_shape, shown

DOCUMENT = Value(
    {"layers": [{"name": "conv1", "power_w": 2.5, "shape": [1, 3]}], "fast": True, "note": None},
    "net.json",
)


def test_indexing_walks_down_to_what_is_there() -> None:
    layer = DOCUMENT["layers"][0]
    assert (layer["name"].name(), layer["power_w"].number(), layer["shape"].shape()) == (
        "conv1", 2.5, (1, 3),
    )  # fmt: skip
    assert DOCUMENT["fast"].boolean()
    assert [key for key, _ in DOCUMENT.entries()] == ["layers", "fast", "note"]
    assert "layers" in DOCUMENT
    assert "nothing" not in DOCUMENT


def test_what_is_missing_is_null_until_it_is_asked_for() -> None:
    for value in (DOCUMENT["note"], DOCUMENT["nothing"], DOCUMENT["layers"][7]):
        assert value.null
        assert value.default("spare").text() == "spare"
        assert value.maybe(Value.text) is None
        assert math.isnan(value.number_or_nan())
    with pytest.raises(
        InvalidInput, match=r"^net.json: layers\[7\].name is missing or null, where a"
    ):
        DOCUMENT["layers"][7].default({})["name"].text()


@pytest.mark.parametrize(
    ("raw", "read", "said"),
    [
        (True, Value.number, "is True, where a number is expected"),
        (True, Value.integer, "is True, where an integer is expected"),
        ("1", Value.number, "is '1', where a number is expected"),
        (1.5, Value.integer, "is 1.5, where an integer is expected"),
        (1.5, Value.whole, "is 1.5; it must be a whole number"),
        (math.nan, Value.number, "is not a finite number"),
        (math.inf, Value.number, "is not a finite number"),
        (10**400, Value.number, "is too large a number"),
        (2**63, Value.integer, "is 9223372036854775808, above 9.22337e"),
        (10**5000, Value.integer, "is (too many digits|1000+...), above 9.22337e"),
        (-1, lambda value: value.number(0), "is -1.0, below 0"),
        (0, lambda value: value.number(above=0), "is 0; it must be above zero"),
        (3, lambda value: value.number(maximum=2), "is 3.0, above 2"),
        (7, Value.text, "is 7, where a text is expected"),
        ("", Value.name, "is empty"),
        ("c", lambda value: value.choice(("a", "b")), "is 'c'; expected one of: a, b"),
        (1, Value.boolean, "is 1, where true or false is expected"),
        ({}, Value.items, r"is \{\}, where a list is expected"),
        ([1, 2], lambda value: value.items(3), "has 2 entries, where 3 are expected"),
        ([1, "x"], Value.numbers, r"\[1\] is 'x', where a number is expected"),
        ([], Value.mapping, r"is \[\], where an object is expected"),
        ([1, -2], Value.shape, r"has a negative dimension \(-2\)"),
        ([2**40], Value.shape, "has an absurdly large dimension"),
        ([2**30, 2**30], Value.shape, r"has more than 2\*\*40 elements"),
        ([1] * 33, Value.shape, "has 33 dimensions, more than 32"),
        ([True], Value.shape, r"is \[True\], where a list of integers"),
        (
            {"colour": 1},
            lambda value: value.allow(("color",)),
            "has an unknown key 'colour'; did you mean",
        ),
        ({"x": 1}, lambda value: value.allow(("color",)), "has an unknown key 'x'; known are"),
    ],
    ids=lambda part: shown(part) if not callable(part) else "",
)
def test_a_value_of_another_kind_is_named_with_its_place(raw: Any, read: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^f.json: place ?{said}"):
        read(Value(raw, "f.json", "place"))


def test_the_whole_document_has_no_place() -> None:
    with pytest.raises(InvalidInput, match=r"^net.json: is \[1\], where an object is expected$"):
        Value([1], "net.json")["layers"]


def test_a_whole_number_may_be_written_with_a_point() -> None:
    assert [Value(raw, "f").whole() for raw in (8, 8.0, 4e6)] == [8, 8, 4_000_000]


def test_texts_can_always_be_written_again() -> None:
    assert Value("a\ud800b", "f").text() == "a?b"


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
)
READS = (
    Value.text, Value.name, Value.words, Value.texts, Value.boolean, Value.integer, Value.whole,
    Value.number, Value.number_or_nan, Value.numbers, Value.shape, Value.shapes, Value.items,
    Value.mapping,
)  # fmt: skip


@given(ANY, st.sampled_from(READS))
def test_whatever_stands_there_is_read_or_refused_in_one_short_line(raw: Any, read: Any) -> None:
    try:
        read(Value(raw, "f.json", "a.b"))
    except InvalidInput as error:
        said = str(error)
    else:
        return
    assert said.startswith("f.json: a.b")
    assert len(said) < 200


@given(ANY)
def test_a_message_shows_any_value_briefly(raw: Any) -> None:
    assert len(shown(raw)) <= 43
    shown(raw).encode()


def test_only_integers_are_sizes_whatever_equals_them() -> None:
    """What was read before makes no shape of numbers that are equal and of another type."""
    assert plain_shape([1, 0, 3]) == (1, 0, 3)
    for other in ([True, 0, 3], [1, False, 3], [1.0, 0, 3], [1, 0, "3"], [1, 0, [3]], [1, 0, {}]):
        assert plain_shape(other) is None, other
    assert plain_shape([1, 0, 3]) == (1, 0, 3)
