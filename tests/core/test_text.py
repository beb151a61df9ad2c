"""Layer names as a person can read them."""

from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.text import first_line, meant, short_name

TORCH_TENSORRT = (
    "[CONVOLUTION]-[aten_ops.convolution.default]-[/features/1/conv/1/convolution_2] + "
    "[SCALE]-[aten_ops._native_batch_norm_legit_no_training.default]-[/features/1/conv/2/bn_2]"
)


def test_a_torch_tensorrt_name_is_its_first_path_and_how_much_was_fused() -> None:
    assert short_name(TORCH_TENSORRT, 48) == "features/1/conv/1/convolution_2 +1"


def test_a_reformat_says_that_it_is_one() -> None:
    name = f"Reformatting CopyNode for Input Tensor 0 to {TORCH_TENSORRT}"
    assert short_name(name, 60) == "reformat inp features/1/conv/1/convolution_2 +1"


def test_a_fused_onnx_name_keeps_its_first_part() -> None:
    assert short_name("/conv1/Conv + /relu/Relu", 32) == "conv1/Conv +1"


def test_the_middle_is_cut_since_ends_tell_layers_apart() -> None:
    text = short_name("model/backbone/stage4/block17/depthwise/convolution", 24)
    assert len(text) == 24
    assert text.endswith("convolution")
    assert "…" in text


@given(st.text(max_size=300), st.integers(min_value=1, max_value=80))
def test_a_short_name_fits_and_has_no_control_characters(name: str, width: int) -> None:
    text = short_name(name, width)
    assert len(text) <= width
    assert text.isprintable()


def test_an_error_of_somebody_else_s_code_is_its_first_words() -> None:
    """Blank lines and colours before them are none; one that says nothing is its type."""
    assert first_line(ValueError("\n \x1b[31mno such shape\x1b[0m\nsee the manual")) == (
        "no such shape"
    )
    assert first_line(ValueError("abc"), 2, typed=True) == "ValueError: ab"
    for silent in (ValueError(), ValueError(""), ValueError("\n\n")):
        assert first_line(silent) == first_line(silent, typed=True) == "ValueError"


def test_where_a_name_is_unknown_the_nearest_or_some_are_said() -> None:
    assert meant("imge", ["mask", "image"]) == "did you mean 'image'?"
    assert meant("x", ["a", "b"]) == "it has 'a', 'b'"
    assert meant("x", []) == "it has none"
    assert meant("?", map(str, range(20))).endswith("'6', '7' and 12 more")
