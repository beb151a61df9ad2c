"""A good citizen of the shell: pipes that close, outputs that are closed, other encodings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "edgeprofiler"]
LENET = ["predict", "zoo:lenet"]


def shell(words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command line of bash, `ep` standing for the program, Ctrl-C as in a terminal."""
    line = f'set -o pipefail; ep() {{ {sys.executable} -m edgeprofiler "$@"; }}; {words}'
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, check=False, env={**os.environ, **environment}
    )


@pytest.mark.parametrize("arguments", [LENET, [*LENET, "--json", "-"], ["--help"], ["devices"]])
def test_a_reader_that_went_away_ends_the_command_silently(arguments: list[str]) -> None:
    """As `yes | head -1` does: by SIGPIPE, which a shell calls 141, never the 1 of a budget."""
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run([*COMMAND, *arguments], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert ran.returncode == -signal.SIGPIPE
    assert b"error" not in ran.stderr
    assert b"Exception" not in ran.stderr


def test_files_that_were_asked_for_are_written_though_the_reader_went_away(tmp_path: Path) -> None:
    target = tmp_path / "profile.json"
    shell(f"ep predict zoo:resnet18 --json {target} | head -1")
    assert json.loads(target.read_text())["schema"].startswith("edgeprofiler.profile")


def test_closed_outputs_are_no_error_and_no_file_takes_their_place(tmp_path: Path) -> None:
    target = tmp_path / "profile.json"
    ran = shell(f"ep predict zoo:lenet --json {target} >&- 2>&- <&-")
    assert ran.returncode == 0
    assert json.loads(target.read_text())["network"]["name"] == "lenet"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_terminals_of_other_encodings_get_plain_characters(encoding: str) -> None:
    ran = shell("ep predict zoo:lenet; ep --help", PYTHONIOENCODING=encoding)
    text = ran.stdout.decode(encoding)
    assert ran.returncode == 0
    assert "Energy of one" in text
    if encoding == "ascii":
        assert " us " in text


def test_what_programs_read_is_utf_8_whatever_the_encoding(tmp_path: Path) -> None:
    graph = {
        "op": "Relu", "name": "größe", "inputs": [1], "input_shapes": [[1, 4]],
        "weight_shapes": [], "outputs": [2], "output_shapes": [[1, 4]],
    }  # fmt: skip
    (tmp_path / "g.json").write_text(json.dumps({"network": "ß", "batch": 1, "nodes": [graph]}))
    ran = shell(f"ep predict {tmp_path / 'g.json'} --json -", PYTHONIOENCODING="ascii")
    document = json.loads(ran.stdout.decode("utf-8"))
    assert document["network"]["name"] == "ß"
