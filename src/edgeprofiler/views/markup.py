"""Texts as HTML: whatever a stranger wrote is only read."""

from __future__ import annotations

import html
import re

from edgeprofiler.core.text import visible

_CODE = re.compile(r"`([^`\n]+)`")


def escaped(text: str, keep: str = "") -> str:
    """Return a stranger's text as HTML or XML, with characters that would act shown.

    Args:
        keep: as of `visible`.
    """
    return html.escape(visible(text, keep))


def prose(text: str) -> str:
    """Return a message as HTML, in which what stands between backticks is code.

    >>> prose("leave `output` out, or ask for < 3")
    'leave <code>output</code> out, or ask for &lt; 3'
    """
    return _CODE.sub(r"<code>\1</code>", escaped(text, "\n\t"))
