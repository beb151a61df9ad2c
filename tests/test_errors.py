"""Every error has the exit code that the contract documents."""

import pytest

from edgeprofiler import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("x"), 2),
        (errors.InvalidInput("file", "is odd"), 3),
        (errors.Unavailable("no sensor", "plug one in"), 4),
        (errors.Unsupported("x"), 5),
        (errors.InsufficientData("x"), 6),
        (errors.CannotWrite("file", "is a folder"), 7),
    ],
)
def test_each_error_has_its_documented_exit_code(
    error: errors.EdgeProfilerError, code: int
) -> None:
    assert error.exit_code == code


def test_a_message_is_one_line_with_place_problem_and_remedy() -> None:
    error = errors.InvalidInput("net.onnx", "layer 'c1' has a negative size", "export again")
    assert str(error) == "net.onnx: layer 'c1' has a negative size; export again"
    assert str(errors.Unavailable("no sensor", "choose --sensor sim")) == (
        "no sensor; choose --sensor sim"
    )
