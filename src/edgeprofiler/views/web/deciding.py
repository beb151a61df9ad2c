"""What programs ask of the API to decide by, as OpenAPI describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from edgeprofiler.core.errors import UsageError
from edgeprofiler.decision.check import Budget, judge
from edgeprofiler.decision.check.limits import LIMITS
from edgeprofiler.decision.impact import impact
from edgeprofiler.decision.summary import to_document
from edgeprofiler.views.web.admit import admit
from edgeprofiler.views.web.requests import PredictRequest
from edgeprofiler.views.web.service import Service

_Text = Annotated[str, Field(max_length=200)]
_OF_USE = ("mean_power_w", "battery_life_h")
"""Limits that need hours and a battery, which only a budget's file says."""


class _Limits(BaseModel):
    """What is allowed; names and units are those of a budget's `[limits]`."""

    model_config = ConfigDict(extra="forbid", strict=True)


if TYPE_CHECKING:
    Limits = _Limits
else:
    Limits = create_model(
        "Limits",
        __base__=_Limits,
        __doc__=_Limits.__doc__,
        **{
            name: (
                float | None,
                Field(
                    None, gt=0, le=1e9,
                    description=f"{'At least' if limit.at_least else 'At most'}, {limit.unit}.",
                ),
            )
            for name, limit in LIMITS.items()
            if name not in _OF_USE
        },
    )  # fmt: skip


class CheckRequest(PredictRequest):
    """A network, and what it is to be held to."""

    limits: Limits = Field(default_factory=Limits)
    rule: Literal["interval", "strict", "sure"] = Field(
        "interval",
        description="`strict` judges by the value; `sure` wants the whole interval inside.",
    )

    def answer(self, service: Service) -> dict[str, Any]:
        """Return the document that `check --json` writes.

        Raises:
            UsageError: nothing is limited, or a limit at a rate lacks one.
        """
        question = self.question()
        limits = self.limits.model_dump(exclude_none=True)
        if not limits and question.rate is None:
            raise UsageError("`limits`: set at least one, or give a `rate` to keep up with")
        budget = Budget("the request", limits)
        return to_document(judge(service.profile(question), budget, rule=self.rule))


class ImpactRequest(PredictRequest):
    """A network, and how it is used."""

    duty: _Text = Field("24h/day", description="Time at work: `12h/day`, `20min/h`, `50%`.")
    off_power_w: float = Field(0.0, ge=0, le=1e9, description="Power while not at work.")
    battery: _Text | None = Field(None, description="Of one device.", examples=["50Wh"])
    fleet: int = Field(1, ge=1, le=10**9, description="Number of devices.")
    intensity: _Text | None = Field(
        None, description="CO2e of energy.", examples=["220 g/kWh"]
    )  # fmt: skip
    price: _Text | None = Field(None, description="Price of energy.", examples=["0.30 EUR/kWh"])

    def answer(self, service: Service) -> dict[str, Any]:
        """Return the document that `impact --json` writes."""
        return impact(
            service.profile(self.question()), duty=self.duty, off_power_w=self.off_power_w,
            battery=self.battery, fleet=self.fleet, intensity=self.intensity, price=self.price,
        ).document()  # fmt: skip


class SweepRequest(PredictRequest):
    """A network, and what is to have several values."""

    devices: list[_Text] = Field(
        default_factory=list, max_length=64,
        description="Boards, as `device` names them; `all` stands for every one.",
    )  # fmt: skip
    precisions: list[_Text] = Field(default_factory=list, max_length=8)
    batches: list[Annotated[int, Field(ge=1)]] = Field(default_factory=list, max_length=64)
    resolutions: list[Annotated[int, Field(ge=1)]] = Field(default_factory=list, max_length=64)
    where: Annotated[str, Field(max_length=500)] | None = Field(
        None, description="What rows are to meet.", examples=["fps>=30 and power_w<=10"]
    )

    def answer(self, service: Service) -> dict[str, Any]:
        """Return the document that `sweep --json` writes: the front and the best of all rows.

        Raises:
            UsageError: a value that there is not, or a condition that cannot be read.
        """
        axes: dict[str, Any] = {
            "precision": self.precisions, "batch": self.batches, "resolution": self.resolutions,
            "device": "all" if "all" in self.devices else self._boards(),
        }  # fmt: skip
        said = {name: values for name, values in axes.items() if values}
        return service.sweep(self.question(), said, self.where).document()

    def _boards(self) -> list[str]:
        return [str(admit(self.model, {"device": name}).device) for name in self.devices]
