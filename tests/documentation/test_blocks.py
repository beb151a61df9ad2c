"""Every block of code in README and docs does what it says: page by page, in an own folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from learning_data import dataset
from pages import PAGES, Block, blocks
from paths import EXAMPLES, ROOT, TINY_ONNX

import edgeprofiler
from edgeprofiler.core.values import parse_toml
from edgeprofiler.learning.dataset.storage import save_dataset
from edgeprofiler.measurement.recording import save_recording
from edgeprofiler.measurement.simulator import simulate

SHOWN = {"text", "csv", "", "{toctree}", "{eval-rst}", "{glossary}", "yaml", "html"}
"""Languages of blocks that nothing runs."""
MEASURED = "device,mode,software,network,model,batch,input,precision,runtime_ms\n" + "".join(
    f'jetson-orin-nano,25w,"JetPack 6.2, TensorRT 10.3, trtexec",{n},zoo:{n},1,224x224,fp16,{ms}\n'
    for n, ms in (("resnet18", 1.31), ("resnet50", 2.9), ("vgg16", 8.3), ("squeezenet1_1", 0.7),
                  ("mobilenet_v2", 1.2))
)  # fmt: skip
PIP = f"""#!{sys.executable}
import re, sys, tomllib
project = tomllib.load(open({str(ROOT / "pyproject.toml")!r}, "rb"))["project"]
known = project["optional-dependencies"]
for word in sys.argv[1:]:
    if found := re.fullmatch(r"(?:edgeprofiler|[.])\\[(.*)\\]", word):
        for extra in found[1].split(","):
            known[extra]
"""
"""Stands in for `pip install`: the extras exist."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """What the pages' examples name, and the programs that they call."""
    for library in ("pyarrow", "sklearn", "jinja2", "optuna", "matplotlib", "narwhals"):
        pytest.importorskip(library)
    (tmp_path / "examples").symlink_to(EXAMPLES)
    (tmp_path / "model.onnx").write_bytes(TINY_ONNX.read_bytes())
    (tmp_path / "my.onnx").write_bytes(TINY_ONNX.read_bytes())
    (tmp_path / "budget.toml").write_bytes((EXAMPLES / "budget.toml").read_bytes())
    (tmp_path / "mine.csv").write_text(MEASURED)
    edgeprofiler.write_profile(edgeprofiler.predict("zoo:lenet"), tmp_path / "profile.json")
    save_dataset(dataset(), tmp_path / "data")
    save_recording(
        simulate(edgeprofiler.read("zoo:lenet"), runs=60, seed=2)[0], tmp_path / "recordings/model"
    )
    programs = tmp_path / "bin"
    programs.mkdir()
    here = Path(sys.executable).parent
    for name, text in {
        "pip": PIP,
        "edgeprofiler": f'#!/bin/sh\nexec {here}/edgeprofiler "$@"\n',
    }.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return tmp_path


def run(block: Block, place: Path, python: dict[str, object]) -> None:
    match block.language:
        case "sh" | "console":
            text = block.text
            if block.language == "console":
                text = "\n".join(re.findall(r"^\$ ((?:.*\\\n)*.*)$", text, re.MULTILINE))
            environment = os.environ | {
                "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
                "COLUMNS": "100",
            }
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text], cwd=place, env=environment,
                capture_output=True, text=True, check=False, timeout=600,
            )  # fmt: skip
            assert done.returncode == 0, f"{block.place}\n{done.stderr[-2000:]}"
        case "python":
            exec(compile(block.text, block.place, "exec"), python)
        case "toml":
            parse_toml(block.text, block.place)
            if named := re.match(r"# (\S+\.toml)\n", block.text):
                (place / named[1]).write_text(block.text)
        case "json":
            json.loads(block.text)
        case language:
            assert language in SHOWN, f"{block.place}: nothing is known to run {language!r}"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_blocks_of_a_page_run(page: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    python: dict[str, object] = {"edgeprofiler": edgeprofiler}
    for block in blocks(page):
        if not block.why_not:
            run(block, place, python)


def test_what_is_not_run_says_why() -> None:
    assert all(len(b.why_not) > 10 for page in PAGES for b in blocks(page) if b.why_not)


def test_a_block_says_what_it_is_written_in() -> None:
    unsaid = [b.place for page in PAGES for b in blocks(page) if not b.language]
    assert not unsaid


def test_a_block_is_read_without_scrolling() -> None:
    """Python is as long as the formatter writes it; a table's rows are as long as they are."""
    found = [b for page in PAGES for b in blocks(page) if b.language not in SHOWN | {"toml"}]
    lines = [(b, line) for b in found for line in b.text.splitlines() if line.count(",") < 8]
    long = [b.place for b, line in lines if len(line) > (100 if b.language == "python" else 90)]
    assert not long
