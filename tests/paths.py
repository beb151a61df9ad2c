"""Where the repository and its neighbours lie, for tests that read their files."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
SCRIPTS = ROOT / "scripts"
TINY_ONNX = EXAMPLES / "tiny_cnn.onnx"
SHARED = Path(os.environ.get("EDGEPROFILER_SHARED", ROOT.parent / "shared"))
