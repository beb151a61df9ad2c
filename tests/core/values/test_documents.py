"""JSON and TOML are read within bounds, and what is wrong with them is one line."""

from pathlib import Path

import pytest

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.values import parse_json, parse_toml, read_json, read_toml


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xff\xfe\x00", "not UTF-16 text"),
        (b"{\xff}", "not UTF-8 text"),
        (b"{", "line 1, column 2"),
        (b"[" * 100_000, "not usable JSON"),
        (b"1" * 10_000, "not usable JSON"),
    ],
)
def test_a_bad_json_file_is_one_clear_error(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=message) as caught:
        read_json(path)
    assert "\n" not in str(caught.value)


def test_a_value_knows_the_file_that_it_came_from(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text('{"layers": [{"power_w": "much"}]}')
    with pytest.raises(InvalidInput, match=r"net\.json: layers\[0\]\.power_w is 'much'"):
        read_json(path)["layers"][0]["power_w"].number()


def test_control_characters_in_names_are_taken() -> None:
    assert parse_json('{"Name": "a\x1eb"}', "f")["Name"].text() == "a\x1eb"


@pytest.mark.parametrize(
    "text", ["a = \n", "a = 1\na = 2\n", "a = " + "9" * 5000, "a = " + "[" * 5000, "a" * 9]
)
def test_a_bad_toml_file_is_one_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match="is not TOML") as caught:
        read_toml(path)
    assert "\n" not in str(caught.value)


def test_a_table_is_called_a_table() -> None:
    table = parse_toml("modes = 3\n[[list]]\nx = 1\n", "b.toml")
    with pytest.raises(InvalidInput, match=r"b\.toml: modes is 3, where a table is expected"):
        table["modes"].mapping()
    with pytest.raises(InvalidInput, match=r"b\.toml: list\[0\]\.y is missing, where a number"):
        table["list"][0]["y"].number()


@pytest.mark.parametrize("part", ["a", "'a'", '"a.b"'])
def test_keys_of_many_parts_are_refused_before_they_are_parsed(part: str) -> None:
    """The library takes quadratic time for them: minutes for a quarter of a megabyte."""
    for text in (f"x = 1\n{' . '.join([part] * 100_000)} = 1", f"\n[{'.'.join([part] * 20)}]"):
        with pytest.raises(InvalidInput, match="more than 16 parts, line 2"):
            parse_toml(text[:200_000], "x.toml")


def test_keys_of_a_few_parts_and_texts_with_points_are_taken() -> None:
    assert parse_toml("a.b.c = 'see www.example.com ... 1.2.3.4'", "x.toml")["a"]["b"]["c"].text()


@pytest.mark.parametrize("text", ["[" + "{}," * 2_000_000 + "{}]", b"[" + b"[]," * 4_000_000])
def test_json_that_takes_far_more_as_objects_is_refused_before_it_is_parsed(
    text: str | bytes,
) -> None:
    with pytest.raises(InvalidInput, match=r"a\.json: holds too much JSON"):
        parse_json(text, "a.json")
