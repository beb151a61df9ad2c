"""Every error has the exit code that the contract documents."""

import errno

import pytest

from edgeprofiler.core import errors


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


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_or_quota_is_helped_by_space_not_by_another_folder(number: int) -> None:
    error = errors.CannotWrite.because("runs.bin", OSError(number, "no room"))
    assert str(error) == "runs.bin: cannot be written (no room); free space on that disk"


def test_a_folder_that_refuses_is_helped_by_another_one() -> None:
    error = errors.CannotWrite.because("r", OSError(errno.EACCES, "denied"), "cannot be made")
    assert str(error) == (
        "r: cannot be made (denied); choose a folder that exists and can be written"
    )
