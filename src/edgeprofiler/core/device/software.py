"""TensorRT's versions, and which of them a JetPack release carries."""

from __future__ import annotations

import re
from collections.abc import Mapping

from edgeprofiler.core.errors import UsageError

JETPACKS: Mapping[str, str] = {
    "4.6": "8.0", "4.6.1": "8.2", "5.0": "8.4", "5.1": "8.5", "6.0": "8.6", "6.1": "10.3",
    "6.2": "10.3", "7.0": "10.13", "7.1": "10.13", "7.2": "10.16",
}  # fmt: skip
"""TensorRT by JetPack, each with its newest patch.

Source: NVIDIA's JetPack archive, the release pages of 4.6 (TensorRT 8.0.1), 4.6.1 (8.2.1), 5.0.2
(8.4.1), 5.1 (8.5.2), 6.0 (8.6.2), 6.1 and 6.2 (10.3.0), 7.0 and 7.1 (10.13.3); 7.2: Jetson Linux
39.2 as OE4T's meta-tegra packages it (pull request 2224: TensorRT 10.16, Orin and Thor).
"""

DEFAULT_TENSORRT = "10.3"
"""Where neither a JetPack nor a version is stated: that of most measurements of today's boards."""

_VERSION = re.compile(r"(\d{1,2})(?:\.(\d{1,2}|x))?(?:\.\d{1,4}){0,2}")


def version_of(tensorrt: str) -> tuple[int, int]:
    """Return TensorRT's major and minor version; `10.x` is the newest 10 that a JetPack carries.

    Raises:
        UsageError: the text is no version.

    >>> version_of("8.6"), version_of("10.x")
    ((8, 6), (10, 16))
    """
    found = _VERSION.fullmatch(tensorrt.strip())
    if found is None:
        known = ", ".join(dict.fromkeys(JETPACKS.values()))
        raise UsageError(f"no TensorRT version {tensorrt[:40]!r}; write one such as {known}")
    major = int(found[1])
    if (found[2] or "x") != "x":
        return major, int(found[2])
    newest = [minor for known, minor in map(version_of, JETPACKS.values()) if known == major]
    return major, max(newest, default=0)
