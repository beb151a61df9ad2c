"""Which rails make up the power of a whole board, by the rails' labels.

Source: the power monitor tables of NVIDIA's Jetson Linux developer guides.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgeprofiler.core.errors import Unavailable, UsageError

TOTAL_RAILS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Orin Nano, Orin NX, Xavier NX, TX2", ("VDD_IN",)),
    ("Nano", ("POM_5V_IN",)),
    ("Thor", ("VIN",)),
    # VDDQ_VDD2_1V8AO of AGX Orin may be fed from VIN_SYS_5V0: adding it could count it twice
    ("AGX Orin", ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0")),
    ("AGX Xavier", ("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V")),
)
"""Boards and the rails whose sum is the power of the board's input; the first that fits counts."""


def total_rails(rails: Sequence[str], chosen: str = "") -> tuple[str, ...]:
    """Return the rails that make up the board's input.

    Args:
        rails: the rails that the sensor found.
        chosen: what the user said: names joined by `+`; empty for the table's answer.

    Raises:
        UsageError: a chosen rail is not there.
        Unavailable: the table knows no total of these rails.
    """
    if chosen:
        names = tuple(name.strip() for name in chosen.split("+"))
        missing = [name for name in names if name not in rails]
        if missing or len(set(names)) != len(names):
            raise UsageError(
                f"total={chosen!r} names no such rails; choose among: {', '.join(rails)}"
            )
        return names
    for _, names in TOTAL_RAILS:
        if set(names) <= set(rails):
            return names
    raise Unavailable(
        f"of the rails {', '.join(rails)} none is known to carry the whole board",
        "say which do with `sensor_options` total=RAIL+RAIL",
    )
