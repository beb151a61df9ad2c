"""What strangers call their layers, networks and files, as a person may be shown it.

Files keep names as they are. A terminal or a page gets them through `visible`, the one rule for
characters that would act there instead of being read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

_TORCH_TENSORRT = re.compile(r"\[[A-Z_]+\]-\[[^\]]*\]-\[([^\]]*)\]")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_NAMED = 8
"""Names that a message lists."""
_REFORMAT = re.compile(r"Reformatting CopyNode for (Input|Output) Tensor \d+ to ")


def visible(text: str, keep: str = "") -> str:
    r"""Return `text` in which characters that act are shown as their escapes.

    These are control characters (so no escape sequence reaches a terminal), those that turn the
    direction of writing, line ends, and halves of surrogate pairs: all that is not printable.

    Args:
        keep: characters that stay as they are, as the line ends of a text of several lines.

    >>> visible("conv\x1b[31m and\u202e1")
    'conv\\x1b[31m and\\u202e1'
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text
    )


def one_line(text: str) -> str:
    r"""Return a message as one line that only shows, whatever a file put into it.

    >>> one_line("no such layer:\n\x1b[2J")
    'no such layer: \\x1b[2J'
    """
    return visible(" ".join(text.splitlines())).strip()


def first_line(error: BaseException, most: int = 200, *, typed: bool = False) -> str:
    r"""Return what an error of somebody else's code says first; its type where it says nothing.

    Args:
        error: the error; libraries wrap advice, blank lines and colours around what was wrong.
        most: characters that are kept of what it says.
        typed: whether its type stands before what it says.

    >>> first_line(ValueError("\x1b[31m\nno such shape\nsee the manual"), typed=True)
    'ValueError: no such shape'
    """
    lines = (line.strip() for line in _COLOUR.sub("", str(error)).splitlines())
    said, name = next(filter(None, lines), "")[:most], type(error).__name__
    if typed:
        return f"{name}: {said}" if said else name
    return said or name


def meant(name: str, known: Iterable[str]) -> str:
    """Return what helps where `name` is none of `known`: the nearest of them, or some.

    >>> meant("inptu", ["input", "mask"]), meant("x", ["input", "mask"])
    ("did you mean 'input'?", "it has 'input', 'mask'")
    """
    names = [*known]
    close = get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"it has {', '.join(map(repr, names[:_NAMED]))}{more}" if names else "it has none"


def short_name(name: str, width: int = 32) -> str:
    """Return `name` in at most `width` characters, its telling parts kept.

    Torch-TensorRT's `[CONVOLUTION]-[aten...]-[/features/1/conv/1/convolution_2] + [SCALE]-...`
    becomes `features/1/conv/1/convolution_2 +1`: the first operation's path and how many more
    were fused into it.

    >>> short_name("/conv1/Conv + /relu/Relu")
    'conv1/Conv +1'
    """
    prefix = ""
    match = _REFORMAT.match(name)
    if match:
        prefix, name = f"reformat {match.group(1).lower()[:3]} ", name[match.end() :]
    paths = _TORCH_TENSORRT.findall(name)
    if paths:
        name = paths[0] + (f" +{len(paths) - 1}" if len(paths) > 1 else "")
    elif " + " in name:
        first, *rest = name.split(" + ")
        name = f"{first} +{len(rest)}"
    text = prefix + visible(name).lstrip("/")
    if len(text) <= width:
        return text
    if width < 5:
        return text[:width]
    # The end of a path tells layers apart better than its beginning.
    tail = (width - 1) * 2 // 3
    return f"{text[: width - 1 - tail]}…{text[-tail:]}"
