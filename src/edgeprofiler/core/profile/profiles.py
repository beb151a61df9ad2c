"""Profiles of many networks, which print as one table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, overload

from edgeprofiler.core.plain import attributes
from edgeprofiler.core.profile.profile import Profile
from edgeprofiler.core.profile.words import cautions, profiles_table
from edgeprofiler.core.table import Table, csv_text
from edgeprofiler.core.table.frame import to_frame

_TOTALS = (
    "energy_j", "end_to_end_s", "power_w", "runtime_s", "energy_above_idle_j", "power_above_idle_w",
)  # fmt: skip


class ProfileSequence(Sequence[Profile]):
    """Profiles in their order; as a table they are a row each.

    Where they come from says when each is made: many are made only once they are asked for.
    """

    def __repr__(self) -> str:
        names = [profile.network.name for profile in self[:4]]
        more = ", ..." if len(self) > len(names) else ""
        return f"{type(self).__name__}({len(self)} profiles: {', '.join(names)}{more})"

    def table(self, title: str = "") -> Table:
        """Return the totals, a row each, as what is printed, written or shown."""
        return profiles_table(self, title)

    def columns(self) -> dict[str, list[Any]]:
        """Return the totals as columns in SI, one value a profile; unknown ones are `None`."""
        rows = [_row(profile) for profile in self]
        names = dict.fromkeys(name for row in rows for name in row)
        return {name: [row.get(name) for row in rows] for name in names}

    def to_frame(self, backend: str | None = None) -> Any:
        """Return the totals as a data frame of pandas or polars, whichever is there.

        Args:
            backend: pandas, polars or pyarrow, where one is wanted.

        Raises:
            Unavailable: there is none (extra `[frame]`).
        """
        return to_frame(self.columns(), backend)

    def to_csv(self) -> str:
        """Return the totals as CSV, units in the names of columns."""
        columns = self.columns()
        return csv_text([*columns], list(zip(*columns.values(), strict=True)))

    def to_markdown(self, title: str = "") -> str:
        """Return the totals as a table in Markdown."""
        return self.table(title).to_markdown()

    def to_latex(self, title: str = "") -> str:
        """Return the totals as a table for a paper that loads `booktabs`."""
        return self.table(title).to_latex()

    @overload
    def __getitem__(self, index: int) -> Profile: ...
    @overload
    def __getitem__(self, index: slice) -> Profiles: ...
    def __getitem__(self, index: int | slice) -> Profile | Profiles:
        """Return a profile by its place, or several by a slice."""
        if isinstance(index, slice):
            return Profiles(self._profile(i) for i in range(*index.indices(len(self))))
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"profile {index} of {len(self)}")
        return self._profile(position)

    @abstractmethod
    def _profile(self, index: int) -> Profile:
        """Return the profile at a place, from 0 up."""


class Profiles(ProfileSequence):
    """Profiles that are there, wherever they came from.

    >>> from edgeprofiler import Profiles, predict
    >>> both = Profiles(predict(f"zoo:{name}", "jetson-nano") for name in ("lenet", "alexnet"))
    >>> both
    Profiles(2 profiles: lenet, alexnet)
    >>> both.to_csv().splitlines()[0][:30]
    'network,device,mode,runtime,pr'
    """

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._profiles = tuple(profiles)

    def __len__(self) -> int:
        return len(self._profiles)

    def _profile(self, index: int) -> Profile:
        return self._profiles[index]


def _row(profile: Profile) -> dict[str, Any]:
    network, device = profile.network, profile.device
    row: dict[str, Any] = {
        "network": network.name,
        "device": device.name,
        **attributes(device, "mode runtime"),
        **attributes(network, "precision batch"),
        "layers": len(profile),
        "origin": profile.origin.kind,
        "by": profile.origin.by,
    }
    for name in _TOTALS:
        row |= getattr(profile.totals, name).document(name)
    row |= profile.totals.end_to_end_s.inverse(network.batch).document("images_hz")
    if profile.at_rate is not None:
        row |= {
            **attributes(profile.at_rate, "rate_hz keeps_up"),
            **profile.at_rate.power_w.document("power_at_rate_w"),
        }
    return row | {
        "confidence": profile.confidence,
        "interval_kind": profile.interval_kind,
        "covered_bytes": profile.covered_bytes,
        "uncovered_layers": len(profile.uncovered),
        "warnings": "; ".join(cautions(profile)),
    }
