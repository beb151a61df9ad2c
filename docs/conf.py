"""Sphinx configuration; the documentation builds without warnings (`sphinx-build -W`)."""

import sys
from pathlib import Path

from edgeprofiler._version import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "EdgeProfiler"
author = copyright = "The EdgeProfiler authors"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "commands"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "EdgeProfiler"
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_default_options = {"exclude-members": "__init__, __new__"}
