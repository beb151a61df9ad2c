"""A user's own Python file: run where that is trusted, and not even imported elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgeprofiler
from edgeprofiler.core.errors import EdgeProfilerError, InvalidInput, UsageError
from edgeprofiler.decision.check.budget import read_budget
from edgeprofiler.reading.torch.script import ScriptFrontEnd

TEXT = """
from pathlib import Path

Path("ran").touch()
print("a script may print")

import torch
from beside import CHANNELS


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, CHANNELS, 3)

    def forward(self, x):
        return self.conv(x)


class Wants(Net):
    def __init__(self, size):
        super().__init__()


def leaves():
    raise SystemExit(1)


def build():
    return Net()


made = Net()
number = 3
"""
SIZE = {"shapes": {"": (1, 3, 16, 16)}}


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "net.py").write_text(TEXT)
    (tmp_path / "beside.py").write_text("CHANNELS = 8\n")
    monkeypatch.chdir(tmp_path)
    return "net.py"


def test_a_path_with_a_class_is_told_from_other_files() -> None:
    front_end = ScriptFrontEnd()
    assert front_end.recognises("some/net.py:Net", b"")
    assert front_end.recognises("net.py", b"import torch")
    assert not front_end.recognises("net.onnx", b"")
    assert not front_end.recognises("zoo:net", b"")


@pytest.mark.parametrize("trust", [None, False])
def test_code_that_is_not_trusted_does_not_run(script: str, trust: bool | None) -> None:
    with pytest.raises(UsageError, match="is Python code, which would be run") as caught:
        edgeprofiler.read_model(f"{script}:Net", trust=trust, **SIZE)
    assert "\n" not in str(caught.value)
    assert not Path("ran").exists()


def test_no_file_can_say_that_it_is_trusted(tmp_path: Path) -> None:
    """A budget names a model, but its user alone lets code run."""
    path = tmp_path / "budget.toml"
    path.write_text('model = "net.py:Net"\ntrust = true\n[limits]\nenergy_mj = 5\n')
    with pytest.raises(InvalidInput, match="trust"):
        read_budget(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Net", "build", "made"])
def test_a_class_a_function_or_a_module_is_read(
    script: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What lies beside the file can be imported; what it prints is no output of ours."""
    pytest.importorskip("onnxscript")
    graph = edgeprofiler.read_model(f"{script}:{name}", trust=True, **SIZE)
    assert graph.tensors[graph.outputs[0]].shape == (1, 8, 14, 14)
    assert graph.warnings[-1] == "the code of net.py was run to read it, as it was trusted"
    printed = capsys.readouterr()
    assert (printed.out, "a script may print" in printed.err) == ("", True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (":Absent", "has no Absent"),
        (":number", "makes a int, no torch"),
        (":Wants", "TypeError: .*size.*called without arguments"),
        (":leaves", "its code raised SystemExit: 1"),
        ("", "write net.py:CLASS"),
    ],
)
def test_what_fails_in_a_script_is_said_in_one_line(script: str, name: str, said: str) -> None:
    pytest.importorskip("torch")
    with pytest.raises(EdgeProfilerError, match=said) as caught:
        edgeprofiler.read_model(f"{script}{name}", trust=True, **SIZE)
    assert "\n" not in str(caught.value)


def test_a_script_says_nothing_of_its_input(script: str) -> None:
    with pytest.raises(UsageError, match="give `shapes`"):
        edgeprofiler.read_model(f"{script}:Net", trust=True)
    assert not Path("ran").exists()
    with pytest.raises(InvalidInput, match="no such file"):
        edgeprofiler.read_model("absent.py:Net", trust=True, **SIZE)
