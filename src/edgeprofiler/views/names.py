"""Layer names that a person can read; files keep them whole."""

from __future__ import annotations

import re

_TORCH_TENSORRT = re.compile(r"\[[A-Z_]+\]-\[[^\]]*\]-\[([^\]]*)\]")
_REFORMAT = re.compile(r"Reformatting CopyNode for (Input|Output) Tensor \d+ to ")


def short_name(name: str, width: int = 32) -> str:
    """Return `name` in at most `width` characters, its telling parts kept.

    Torch-TensorRT's `[CONVOLUTION]-[aten...]-[/features/1/conv/1/convolution_2] + [SCALE]-...`
    becomes `features/1/conv/1/convolution_2 +1`: the first operation's path and how many more
    were fused into it.
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
    name = "".join(c if c.isprintable() else "?" for c in name)
    text = prefix + name.lstrip("/")
    if len(text) <= width:
        return text
    if width < 5:
        return text[:width]
    # The end of a path tells layers apart better than its beginning.
    tail = (width - 1) * 2 // 3
    return f"{text[: width - 1 - tail]}…{text[-tail:]}"
