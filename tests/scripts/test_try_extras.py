"""The script that tries extras tries all of them."""

from __future__ import annotations

import runpy
import sys

from paths import ROOT, SCRIPTS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def test_every_extra_is_tried() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    tried = set(runpy.run_path(str(SCRIPTS / "try_extras.py"))["CALLS"])
    # PyTorch alone is larger than all others together; the test command's own environment has it.
    assert tried == {"core", *project["optional-dependencies"]} - {"torch"}
